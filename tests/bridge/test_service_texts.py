"""The texts of the login services, read back with each system's own format."""

from __future__ import annotations

import configparser
import plistlib
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bridge.install import service

PYTHON = '/opt/Präsenz & Söhne/50% "fast" $tuff/bin/python'
COMMAND = (PYTHON, "-m", "bridge", "serve", "--model", "/m x/$HOME %h/ü")
ENVIRONMENT = {"PUNCHIN_HOME": "/Users/Zoë/my takes & more", "PYTHONPATH": 'a\\b "c"'}
TASK = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


def place(tmp_path: Path, **more) -> service.Place:
    folders = [tmp_path / "Zoë & co", tmp_path / "config ü", tmp_path / "my home"]
    facts = {"command": COMMAND, "environment": ENVIRONMENT, "user": "ZOË-PC\\zoë & co", **more}
    return service.Place(*folders, **facts)


def systemd_words(line: str) -> list[str]:
    """Split as systemd.syntax(7) says: double quotes, backslash escapes, then %% specifiers."""
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
    return [re.sub(r"\\(.)", r"\1", w).replace("%%", "%") for w in words]


def test_the_systemd_unit_runs_the_command_with_its_variables(tmp_path):
    made = service.plan("linux", place(tmp_path))
    assert made.path == tmp_path / "systemd" / "user" / "punchin.service"
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(made.content.decode("utf-8"))
    assert parser["Install"]["WantedBy"] == "default.target"
    assert parser["Service"]["Restart"] == "on-failure"
    program, *args = systemd_words(parser["Service"]["ExecStart"])
    assert program == PYTHON
    assert [a.replace("$$", "$") for a in args] == list(COMMAND[1:])
    assert "$HOME" not in "".join(args).replace("$$", "")
    lines = re.findall(r"^Environment=(.*)$", made.content.decode("utf-8"), re.MULTILINE)
    assert [systemd_words(line) for line in lines] == [[f"{k}={v}"] for k, v in ENVIRONMENT.items()]


def test_the_launch_agent_runs_the_command_with_its_variables(tmp_path):
    made = service.plan("darwin", place(tmp_path, user="501"))
    assert made.path == tmp_path / "Zoë & co" / "Library" / "LaunchAgents" / "punchin.daemon.plist"
    told = plistlib.loads(made.content)
    assert told["ProgramArguments"] == list(COMMAND)
    assert told["EnvironmentVariables"] == ENVIRONMENT
    assert told["RunAtLoad"] is True
    assert told["KeepAlive"] == {"SuccessfulExit": False}
    assert told["StandardErrorPath"] == str(tmp_path / "my home" / "logs" / "daemon.log")
    assert made.enable == (("launchctl", "bootstrap", "gui/501", str(made.path)),)
    assert made.before_removal == (("launchctl", "bootout", "gui/501/punchin.daemon"),)


def test_the_scheduled_task_runs_the_command_as_the_user(tmp_path):
    made = service.plan("win32", place(tmp_path))
    root = ElementTree.fromstring(made.content)
    found = {name: root.findtext(f".//t:{name}", namespaces=TASK) for name in (
        "Command", "Arguments", "UserId", "RunLevel", "ExecutionTimeLimit", "WorkingDirectory",
        "DisallowStartIfOnBatteries",
    )}  # fmt: skip
    assert found == {
        "Command": PYTHON,
        "Arguments": subprocess.list2cmdline(COMMAND[1:]),
        "UserId": "ZOË-PC\\zoë & co",
        "RunLevel": "LeastPrivilege",
        "ExecutionTimeLimit": "PT0S",
        "WorkingDirectory": str(tmp_path / "my home"),
        "DisallowStartIfOnBatteries": "false",
    }
    assert made.content.startswith(b"\xff\xfe") or made.content.startswith(b"\xfe\xff")
    assert made.enable[0][:4] == ("schtasks", "/Create", "/TN", "Punchin")


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_install_and_removal_leave_nothing_behind(tmp_path, system):
    made = service.plan(system, place(tmp_path))
    ran = []

    def run(command):
        ran.append((command, made.path.exists()))
        return ""

    told = service.install(made, run)
    assert made.path.read_bytes() == made.content
    assert "punchin install service --remove" in told[-1]
    assert [c for c, there in ran if there] == list(made.enable)
    ran.clear()
    service.remove(made, run)
    assert not made.path.exists()
    expected = [(c, True) for c in made.before_removal] + [(c, False) for c in made.after_removal]
    assert ran == expected
    assert service.remove(made, run) == [f"nothing to remove: there is no {made.path}"]


def test_a_machine_without_systemctl_keeps_the_file_and_is_told_so(tmp_path):
    made = service.plan("linux", place(tmp_path))
    told = service.install(made, lambda c: service.run(("no-such-tool-here", *c[1:])))
    assert made.path.exists()
    assert any("no-such-tool-here is not on this machine" in line for line in told)
    later = [line for line in told if line.startswith("do it later with: systemctl --user")]
    assert len(later) == len(made.enable)


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_a_daemon_that_runs_already_is_not_started_twice(tmp_path, system):
    words = {w for c in service.plan(system, place(tmp_path, busy=True)).enable for w in c}
    assert not words & {"--now", "bootstrap", "/Run"}


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_a_rehearsal_shows_everything_and_touches_nothing(tmp_path, system):
    made = service.plan(system, place(tmp_path))
    told = "\n".join(service.rehearse(made, away=False))
    assert str(made.path) in told
    assert "Präsenz" in told
    assert f"would remove {made.path}" in service.rehearse(made, away=True)
    assert not made.path.exists()
