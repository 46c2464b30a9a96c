"""Starting a daemon in the background: what it is given, and what is said when it fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fake_daemon import FakeDaemon

from bridge import NoDaemon
from bridge.client import launch


def test_a_running_daemon_is_used_as_it_is(tmp_path):
    with FakeDaemon(tmp_path) as fake:
        told, started = launch.ensure(tmp_path)
    assert (told["port"], started) == (fake.port, False)


def test_a_daemon_json_that_nobody_stands_behind_is_no_daemon(tmp_path):
    fake = FakeDaemon(tmp_path)
    assert launch.running(tmp_path)
    fake.stop()
    assert launch.running(tmp_path) is None


def script(monkeypatch, text: str) -> None:
    monkeypatch.setattr(launch, "command", lambda: [sys.executable, "-c", text])


def test_a_daemon_that_ends_at_once_is_told_with_the_log_s_last_line(tmp_path, monkeypatch):
    script(monkeypatch, "import sys; print('first', flush=True); sys.exit('the port ü is taken')")
    monkeypatch.setattr(launch, "_GRACE_S", 0.0)
    with pytest.raises(NoDaemon, match=r"ended with code 1.*the port") as e:
        launch.launch(tmp_path)
    assert str(tmp_path / "logs" / "daemon.log") in str(e.value)


def test_a_daemon_that_never_answers_is_told(tmp_path, monkeypatch):
    script(monkeypatch, "import sys; sys.stdin.read()")
    with pytest.raises(NoDaemon, match="did not answer within 0 s"):
        launch.launch(tmp_path, wait_s=0)


def test_it_is_given_its_home_and_starts_in_it(tmp_path, monkeypatch):
    home = tmp_path / "my home ü"
    told = "[os.environ['PUNCHIN_HOME'], os.getcwd(), *sys.argv[1:]]"
    script(monkeypatch, f"import os, sys; sys.exit('|'.join({told}))")
    monkeypatch.setattr(launch, "_GRACE_S", 0.0)
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    with pytest.raises(NoDaemon):
        launch.launch(home, arguments=("--port", "0"))
    assert launch.last_line(home / "logs" / "daemon.log") == f"{home}|{home}|--port|0"


def test_a_checkout_is_found_from_anywhere(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/else")
    monkeypatch.setenv("PUNCHIN_CONFIG", "rel")
    told = launch.environment()
    root = Path(launch.__file__).resolve().parents[2]
    assert told["PYTHONPATH"].split(launch.os.pathsep) == [str(root), "/else"]
    assert told["PUNCHIN_CONFIG"] == str(Path("rel").absolute())


def test_the_last_line_that_says_something(tmp_path):
    log = tmp_path / "x.log"
    assert launch.last_line(log) == ""
    log.write_bytes(b"one\ntwo \xff\n\n  \n")
    assert launch.last_line(log) == "two \ufffd"
