"""Actions on takes, and on jobs that run."""

from __future__ import annotations

import json

import pytest
from steps import note, recipe, waits

# -- takes ---------------------------------------------------------------------------------------


def test_takes_are_stepped_through_and_the_daemon_hears_of_ours(desk, reaper_house):
    item = desk.item(desk.audio())
    desk.world.ext["punchin", "takes"] = "2"
    desk.select(0.5, 1.0)
    desk.delivered("Repaint time selection")
    job = recipe(item.takes[1])["job"]
    assert item.active == 1
    desk.delivered("Next take")
    assert item.active == 2
    desk.until(lambda: reaper_house.job(job)["chosen"] == 2)
    desk.delivered("Next take")
    assert item.active == 0, "after the last comes the first"
    desk.delivered("Previous take")
    assert item.active == 2
    desk.world.tick(60)
    assert item.active == 2
    assert desk.world.undo() == "Punchin: Previous take"


def test_a_take_accepted_elsewhere_becomes_the_active_one(desk, reaper_house):
    item = desk.item(desk.audio())
    desk.world.ext["punchin", "takes"] = "2"
    desk.select(0.5, 1.0)
    desk.delivered("Repaint time selection")
    pad = reaper_house.udp()
    pad.send("/punchin/accept", recipe(item.takes[1])["job"], 2)
    desk.until(lambda: item.active == 2)
    assert desk.project.undo[-1][0] == "Punchin: Choose take"


def test_an_older_choice_does_not_undo_a_newer_one(desk, reaper_house):
    """Two keys in a row: the daemon still has the first choice when the second is on its way."""
    item = desk.item(desk.audio())
    desk.world.ext["punchin", "takes"] = "3"
    desk.select(0.5, 1.0)
    desk.delivered("Repaint time selection")
    job = recipe(item.takes[1])["job"]
    item.active = 3
    desk.world.ext["punchin", f"chosen.{job}"] = "3"
    pad = reaper_house.udp()
    pad.send("/punchin/accept", job, 2)
    desk.until(lambda: reaper_house.job(job)["chosen"] == 2)
    desk.world.tick(60)
    assert item.active == 3
    pad.send("/punchin/accept", job, 3)
    desk.until(lambda: ("punchin", f"chosen.{job}") not in desk.world.ext)
    pad.send("/punchin/accept", job, 1)
    desk.until(lambda: item.active == 1)


def test_a_choice_from_before_is_not_forced_again(desk, reaper_house):
    """The musician went back to the original; a REAPER that starts anew leaves it so."""
    item = desk.item(desk.audio())
    desk.select(0.5, 1.0)
    desk.delivered("Repaint time selection")
    reaper_house.udp().send("/punchin/accept", recipe(item.takes[1])["job"], 1)
    desk.until(lambda: reaper_house.job(recipe(item.takes[1])["job"])["chosen"] == 1)
    item.active = 0
    for script in list(desk.world.states):
        script.end()
    desk.world.states.clear()
    desk.press("Background listener")
    desk.world.tick(90)
    assert item.active == 0


@pytest.mark.parametrize("action", ["Next take", "Previous take"])
def test_one_take_has_no_neighbour(desk, action):
    assert "No item is selected" in desk.told(action)
    desk.item(desk.audio())
    assert "only one take" in desk.told(action)


def test_takes_are_stepped_through_without_a_daemon(lone_desk):
    item = lone_desk.item(lone_desk.audio())
    item.takes.append(type(item.takes[0])(item=item, source=item.takes[0].source, name="second"))
    lone_desk.press("Next take")
    assert item.active == 1
    assert not (lone_desk.home / "inbox").exists()


# -- cancel --------------------------------------------------------------------------------------


def test_open_jobs_of_the_project_are_cancelled(desk, reaper_house):
    item = waits(desk)
    other = reaper_house.udp()
    other.send("/punchin/generate", "*", "seconds", 1, "prompt", "wait 60")
    stranger = other.until("accepted").args[0]
    (ours,) = json.loads(desk.project.ext["punchin", "jobs"])
    desk.press("Cancel")
    desk.until(lambda: reaper_house.job(ours)["state"] == "cancelled")
    desk.until(lambda: "1 job cancelled" in note(desk))
    desk.until(lambda: ("punchin", "jobs") not in desk.project.ext)
    assert reaper_house.job(stranger)["state"] in ("queued", "running")
    other.send("/punchin/cancel", stranger)
    other.until("cancelled", id=stranger)
    assert len(item.takes) == 1
    assert not desk.world.boxes


def test_nothing_to_cancel_is_told(desk):
    assert "nothing to cancel" in desk.told("Cancel")


def test_a_job_that_nobody_knows_is_forgotten(desk):
    desk.project.ext["punchin", "jobs"] = json.dumps({"r-none": {"op": "repaint"}})
    desk.press("Cancel")
    desk.until(lambda: "1 job cancelled" in note(desk))
    assert ("punchin", "jobs") not in desk.project.ext


def test_cancel_without_a_daemon_says_so(lone_desk):
    lone_desk.project.ext["punchin", "jobs"] = json.dumps({"r-none": {"op": "repaint"}})
    assert "does not answer" in lone_desk.told("Cancel")
    assert not list((lone_desk.home / "inbox").iterdir()), "the message was taken back"
