"""The console script, and what `bridge` may import."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import entry

ROOT = Path(__file__).resolve().parents[2]
INSIDE_LIVE = ROOT / "bridge" / "ableton" / "Punchin"  # a package of its own: see test_rooms
ALLOWED = {"bridge", "mido", "platformdirs", "pythonosc", "rich", "rtmidi", "shtab"}
SOURCES = sorted(
    path for path in (ROOT / "bridge").rglob("*.py") if not path.is_relative_to(INSIDE_LIVE)
)


def punchin(*words: str, first: Path = ROOT) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(first), str(ROOT)])
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from bridge.entry import main; sys.exit(main())",
            *words,
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=first,
        env={**os.environ, "PYTHONPATH": path, "PUNCHIN_HOME": str(first / "home")},
        check=False,
    )


def test_this_daemon_package_is_the_right_one():
    assert entry.wrong_daemon() == ""


@pytest.mark.parametrize("text", ["class DaemonContext: ...", "raise ImportError('no pwd here')"])
def test_python_daemon_under_the_same_name_is_told(tmp_path, text):
    package = tmp_path / "daemon"
    package.mkdir()
    (package / "__init__.py").write_text(text)
    ended = punchin("serve", first=tmp_path)
    assert ended.returncode == 2
    assert str(package / "__init__.py") in ended.stderr
    assert "pip uninstall python-daemon" in ended.stderr
    assert punchin("--version", first=tmp_path).returncode == 0


def test_a_missing_daemon_package_is_told(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert entry.main(["serve"]) == 2
    assert "is missing from this Python" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["serve", "models", "doctor", "demo"])
def test_resident_commands_are_handed_to_the_daemon_s_package(name):
    ended = punchin(name, "--help")
    assert ended.returncode == 0
    assert f"punchin {name}" in ended.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_bridge_imports_only_what_a_daw_s_side_has(path):
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            top = name.split(".")[0]
            assert top in ALLOWED or top in sys.stdlib_module_names, f"{path} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_not_every_command_needs_is_loaded_when_it_is_used(path):
    for node in ast.parse(path.read_text("utf-8")).body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {n.split(".")[0] for n in names} & {"rich", "rtmidi", "shtab"}


def test_only_the_entry_names_a_module_of_the_daemon():
    def names_one(path: Path) -> bool:
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        texts = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        return any(text.startswith("daemon.cli") for text in texts)

    assert [p.name for p in SOURCES if names_one(p)] == ["entry.py"]
