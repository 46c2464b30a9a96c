"""From `punchin install reaper` to the first take, with nothing told by hand."""

from __future__ import annotations

import subprocess

import pytest
from patience import PATIENCE_S

from bridge.cli.main import main


@pytest.fixture
def installed(desk, reaper_house, monkeypatch, capsys):
    """A desk whose REAPER has only what the installer put there."""
    resource = desk.world.resource
    resource.mkdir()
    (resource / "reaper.ini").touch()
    monkeypatch.setenv("PUNCHIN_HOME", str(reaper_house.home))
    assert main(["install", "reaper", "--to", str(resource)]) == 0
    monkeypatch.delenv("PUNCHIN_HOME")
    capsys.readouterr()
    desk.world.scripts = resource / "Scripts" / "Punchin"
    del desk.world.ext["punchin", "home"]
    return desk


def test_the_first_repaint(installed):
    installed.press("Install actions")
    ((_, told),) = installed.world.boxes
    assert "actions are in the action list" in told
    installed.world.boxes.clear()
    item = installed.item(installed.audio())
    installed.select(0.5, 1.0)
    installed.delivered("Repaint time selection")
    assert [take.name.split()[0] for take in item.takes] == ["original", "repaint"]


def test_the_command_that_starts_the_daemon_is_this_punchin_s(installed, reaper_house):
    """The one that is told runs; a daemon is there already, and `start` says so."""
    lua = installed.world.lua.LuaRuntime()
    facts = lua.execute((installed.world.scripts / "lib" / "installed.lua").read_text("utf-8"))
    done = subprocess.run(
        [*facts.command.values(), "start"], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    assert str(reaper_house.port) in done.stdout
