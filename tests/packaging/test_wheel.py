"""The wheel, installed elsewhere: nothing of the checkout is needed to run a job.

What Punchin depends on is borrowed from the interpreter that runs the tests, by a `.pth` file, so
that the test downloads nothing.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from bridge.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
DATA = ("presets", "reaper_scripts", "docs/osc.md")
BIN = "Scripts" if os.name == "nt" else "bin"
PYTHON = "python.exe" if os.name == "nt" else "python"


def _run(*command, cwd, env=None, check=True):
    return subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env=env,
        check=check,
        capture_output=True,
        text=True,
        timeout=600,
    )


def _files(path):
    found = path.rglob("*") if path.is_dir() else [path]
    return [p for p in found if p.is_file() and "__pycache__" not in p.parts]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built as pip would build it."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp("wheel")
    command = ("-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT)
    _run(sys.executable, *command, cwd=out)
    return next(out.glob("punchin-*.whl"))


@pytest.fixture(scope="module")
def away(wheel, tmp_path_factory):
    """An environment of its own with the wheel in it, and a working folder without a checkout."""
    folder = tmp_path_factory.mktemp("away")
    venv = folder / "venv"
    _run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=folder)
    python = venv / BIN / PYTHON
    install = ("install", "--quiet", "--no-deps", "--no-index", wheel)
    _run(sys.executable, "-m", "pip", "--python", python, *install, cwd=folder)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(_run(python, "-c", code, cwd=folder).stdout.strip())
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (own / "zz_borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n")
    return venv


def _env(home):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PUNCHIN"))}
    return {**clean, "PUNCHIN_HOME": str(home), "NO_COLOR": "1"}


def test_the_wheel_holds_all_packages_and_data_and_no_more(wheel):
    with zipfile.ZipFile(wheel) as file:
        held = set(file.namelist())
        facts = next(n for n in held if n.endswith("METADATA"))
        metadata = file.read(facts).decode()
    for package in ("bridge", "daemon"):
        for path in _files(ROOT / package):
            name = path.relative_to(ROOT).as_posix()
            if "data/" not in name:
                assert name in held, name
    for part in DATA:
        for path in _files(ROOT / part):
            assert f"bridge/data/{path.relative_to(ROOT).as_posix()}" in held, path
    tops = {name.split("/")[0] for name in held}
    assert {t for t in tops if not t.startswith("punchin-")} == {"bridge", "daemon"}
    assert f"\nVersion: {VERSION}\n" in metadata


def test_the_default_install_needs_no_torch(wheel):
    with zipfile.ZipFile(wheel) as file:
        facts = next(n for n in file.namelist() if n.endswith("METADATA"))
        needs = [
            line.removeprefix("Requires-Dist: ")
            for line in file.read(facts).decode().splitlines()
            if line.startswith("Requires-Dist") and "extra ==" not in line
        ]
    assert needs
    assert not any(n.startswith(("torch", "diffusers", "transformers")) for n in needs)


def test_everything_comes_from_the_wheel(away, tmp_path):
    code = (
        "import bridge, daemon, daemon.app, bridge.resources as r, json, sys;"
        "print(json.dumps([bridge.__file__, daemon.__file__,"
        " *(str(r.folder(n)) for n in ('presets', 'reaper_scripts', 'docs')), *sys.path]))"
    )
    python = away / BIN / PYTHON
    told = json.loads(_run(python, "-c", code, cwd=tmp_path, env=_env(tmp_path)).stdout)
    places, path = [Path(p).resolve() for p in told[:5]], told[5:]
    assert all(p.is_relative_to(away.resolve()) for p in places), places
    assert str(ROOT) not in path
    assert (places[2] / "clips" / "clips.toml").is_file()
    assert list(places[2].glob("styles/*.toml"))
    assert list(places[3].rglob("*.lua"))
    assert (places[4] / "osc.md").read_text() == (ROOT / "docs" / "osc.md").read_text()


def test_a_job_runs_without_the_checkout(away, tmp_path):
    """The command starts the resident, which makes music; the clips and presets are the wheel's."""
    home = tmp_path / "home"
    punchin = away / BIN / "punchin"
    code = "import bridge.resources as r; print(r.folder('presets') / 'clips' / 'band.flac')"
    clip = _run(away / BIN / PYTHON, "-c", code, cwd=tmp_path, env=_env(home)).stdout.strip()
    env = {**_env(home), "PUNCHIN_SERVER_PORT": "0"}
    keys = ("--start", "2", "--end", "4", "--preset", "no-drums", "--seed", "1", "--json")
    try:
        done = _run(punchin, "repaint", clip, *keys, "--id", "away", cwd=tmp_path, env=env)
        assert "away" in done.stdout
        job = json.loads((home / "jobs" / "away" / "job.json").read_text())
        assert job["state"] == "done"
        assert job["request"]["prompt"]
        mix = next(f for f in job["files"] if f["role"] == "mix")
        assert Path(mix["path"]).stat().st_size > 100_000
        status = json.loads(_run(punchin, "status", "--json", cwd=tmp_path, env=env).stdout)
        assert status["engine"] == "sketch"
    finally:
        _run(punchin, "quit", cwd=tmp_path, env=env, check=False)
    assert not (home / "daemon.json").exists()


@pytest.mark.parametrize("command", ["serve", "doctor", "demo"])
def test_a_foreign_daemon_package_is_named(away, tmp_path, command):
    """PyPI's python-daemon has the import name `daemon`, too."""
    foreign = tmp_path / "foreign" / "daemon"
    foreign.mkdir(parents=True)
    (foreign / "__init__.py").write_text("class DaemonContext: pass\n")
    env = {**_env(tmp_path / "home"), "PYTHONPATH": str(foreign.parent)}
    done = _run(away / BIN / "punchin", command, cwd=tmp_path, env=env, check=False)
    assert done.returncode == 2
    assert str(foreign) in done.stderr
    assert "python-daemon" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_missing_daemon_package_is_named(away, tmp_path):
    copy = tmp_path / "site"
    code = "import bridge; print(bridge.__path__[0])"
    python = away / BIN / PYTHON
    own = _run(python, "-c", code, cwd=tmp_path, env=_env(tmp_path)).stdout.strip()
    shutil.copytree(own, copy / "bridge")
    run = (
        f"import sys; sys.path = [p for p in sys.path if p != {str(Path(own).parent)!r}];"
        f"sys.path.insert(0, {str(copy)!r});"
        "from bridge.entry import main; sys.exit(main(['serve']))"
    )
    done = _run(python, "-c", run, cwd=tmp_path, env=_env(tmp_path / "home"), check=False)
    assert done.returncode == 2
    assert "missing" in done.stderr


def test_reaper_is_served_from_the_wheel(away, tmp_path):
    """What is installed runs the wheel's `punchin`, from anywhere, in any environment."""
    place = tmp_path / "REAPER"
    place.mkdir()
    (place / "reaper.ini").touch()
    home = tmp_path / "home"
    command = (away / BIN / "punchin", "install", "reaper", "--to", place)
    _run(*command, cwd=tmp_path, env=_env(home))
    launcher = place / "Scripts" / "Punchin" / "lib" / "punchin.py"
    code = "import sys; print(sys.modules['bridge'].__file__)"
    assert str(ROOT) not in launcher.read_text("utf-8")
    assert str(home) in launcher.read_text("utf-8")
    told = _run(away / BIN / PYTHON, launcher, "--version", cwd=tmp_path, env=_env(tmp_path))
    assert told.stdout.strip() == f"punchin {VERSION}"
    shown = launcher.read_text("utf-8").replace("sys.exit(main())", code)
    (tmp_path / "shown.py").write_text(shown)
    where = _run(away / BIN / PYTHON, tmp_path / "shown.py", cwd=tmp_path, env=_env(tmp_path))
    assert Path(where.stdout.strip()).is_relative_to(away)
