"""Starting, stopping and looking at the daemon from REAPER."""

from __future__ import annotations

from steps import note, waits
from wire_house import House


def test_status_names_engine_and_jobs(desk):
    text = desk.told("Daemon status")
    assert text.startswith("Punchin ")
    assert "is running: engine fake" in text
    assert "no job running, 0 waiting" in text


def test_status_without_a_daemon(lone_desk):
    assert "not running" in lone_desk.told("Daemon status")


def test_a_running_daemon_is_not_started_again(desk):
    assert "is running" in desk.told("Start daemon")
    assert not desk.world.run_commands


def test_a_daemon_is_started_and_stopped(lone_desk):
    houses = []
    lone_desk.world.on_command = lambda command: houses.append(House(lone_desk.home))
    lone_desk.press("Start daemon")
    lone_desk.until(lambda: "is running" in note(lone_desk))
    assert lone_desk.world.run_commands == [("punchin start", -2)]
    lone_desk.press("Stop daemon")
    lone_desk.until(lambda: "has stopped" in note(lone_desk))
    assert houses[0].stop() == 0
    assert "nothing to stop" in lone_desk.told("Stop daemon")


def test_a_daemon_that_does_not_come_is_told(lone_desk):
    assert "did not start" in lone_desk.told("Start daemon")
    assert not list((lone_desk.home / "inbox").iterdir())


def test_stop_asks_while_jobs_run(desk, reaper_house):
    waits(desk)
    desk.world.answers.append(7)  # no
    assert "1 job is open and will be cancelled" in desk.told("Stop daemon")
    desk.press("Cancel")
    desk.until(lambda: "1 job cancelled" in note(desk))
    assert reaper_house.process.poll() is None
