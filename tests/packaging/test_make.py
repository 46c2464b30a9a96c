"""The two commands: what `make` says without doing it, and the versions they install."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if "==" in line and not line.startswith("#")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _name(requirement):
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower().replace("_", "-")


def _make(*args):
    return subprocess.run(
        ["make", *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
    )


needs_make = pytest.mark.skipif(not shutil.which("make"), reason="no make on this machine")


@needs_make
@pytest.mark.parametrize("target", ["demo", "test"])
def test_what_a_fresh_machine_runs(tmp_path, target):
    venv = tmp_path / "venv"
    plan = _make("-n", target, f"VENV={venv}", f"PYTHON={sys.executable}")
    assert plan.returncode == 0, plan.stderr
    steps = [
        f"{sys.executable} -m venv {venv}",
        "PIP_CONSTRAINT=constraints.txt",
        {"demo": "-e '.[pictures]'", "test": "-e '.[test]'"}[target],
        {"demo": f"{venv}/bin/punchin demo", "test": f"{venv}/bin/python -m pytest"}[target],
    ]
    places = [plan.stdout.index(step) for step in steps]
    assert places == sorted(places)
    assert "torch" not in plan.stdout


@needs_make
@pytest.mark.parametrize("version", [None, "old"])
def test_an_interpreter_that_is_too_old_or_missing_is_named(tmp_path, version):
    python = tmp_path / "oldpython"
    if version:
        python.write_text("#!/bin/sh\nexit 1\n")
        python.chmod(0o755)
    said = _make("demo", f"VENV={tmp_path / 'venv'}", f"PYTHON={python}")
    assert said.returncode != 0
    assert "needs Python 3.11" in said.stdout + said.stderr
    assert str(python) in said.stdout
    assert not (tmp_path / "venv").exists()


def test_the_makefile_is_plain():
    """GNU make 3.81, as macOS has it, knows none of these."""
    text = (ROOT / "Makefile").read_text()
    for newer in (".ONESHELL", "$(file ", "!=", "::=", "&:", ".SHELLFLAGS", "private "):
        assert newer not in text, newer


def test_the_tests_run_as_they_run_elsewhere():
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    text = run.read_text()
    assert text.rstrip().endswith('make test WITH="acestep link"')
    assert "set -euo pipefail" in text
    if bash := shutil.which("bash"):
        subprocess.run([bash, "-n", str(run)], check=True)


def test_every_direct_requirement_has_an_exact_version():
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["pictures"], *extras["test"], *extras["dev"]]
    wanted += [*extras["acestep"], *extras["acestep-oracle"], *extras["stretch"], *extras["bench"]]
    wanted += [*extras["live"], *extras["link"]]
    wanted += ["hatchling"]
    lacking = {_name(r) for r in wanted} - PINS.keys() - {"punchin"}
    assert not lacking


def test_what_the_requirements_require_has_an_exact_version_too():
    seen, queue = set(), list(PINS)
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            needs = importlib.metadata.requires(name) or ()
        except importlib.metadata.PackageNotFoundError:
            continue
        for need in needs:
            if ";" not in need:  # what depends on the platform is chosen there
                assert _name(need) in PINS, f"{name} requires {need}"
                queue.append(_name(need))
    assert {"numpy", "contourpy"} <= seen


def test_torch_is_pinned_and_in_no_default():
    assert PINS["torch"] == "2.13.0"
    extras = PROJECT["optional-dependencies"]
    assert any(_name(r) == "torch" for r in extras["acestep"])
    everything_else = [*PROJECT["dependencies"], *extras["pictures"], *extras["test"]]
    assert not any(_name(r) == "torch" for r in everything_else)


def test_no_package_host_is_named():
    for name in ("constraints.txt", "Makefile", ".ci/run", "pyproject.toml"):
        text = (ROOT / name).read_text()
        assert not re.search(r"https?://|--index-url|--find-links|file://", text), name
