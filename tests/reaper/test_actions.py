"""Actions on words, on takes, and on jobs that run."""

from __future__ import annotations

import json

import pytest
from steps import note, recipe, waits


def notes_asked(desk, lyrics="la la / lo lo", prompt="softer"):
    desk.world.answers.append([lyrics, prompt])


# -- words ---------------------------------------------------------------------------------------


def test_edited_words_are_kept_in_the_notes_and_sung(desk, reaper_house):
    item = desk.item(desk.audio())
    item.notes = "prompt: warm\n[verse]\nold words"
    notes_asked(desk, "größer / wärmer, 日本", "softer, ruhiger")
    desk.delivered("Edit lyrics of the selection", 2)
    title, names, values = desk.world.forms[0]
    assert title == "Punchin: Edit lyrics"
    assert names == ["Lyrics (new line: /)", "Prompt"]
    assert values == ["[verse] / old words", "warm"]
    assert item.notes == "prompt: softer, ruhiger\ngrößer\nwärmer, 日本"
    request = reaper_house.job(recipe(item.takes[1])["job"])["request"]
    assert (request["lyrics"], request["prompt"]) == ("größer\nwärmer, 日本", "softer, ruhiger")
    assert [name for name, _ in desk.project.undo] == ["Punchin: Edit lyrics", "Punchin: Edit"]


def test_undo_brings_the_old_words_back(desk):
    item = desk.item(desk.audio())
    item.notes = "old words"
    notes_asked(desk)
    desk.delivered("Edit lyrics of the selection", 2)
    desk.world.undo()
    desk.world.undo()
    (item,) = desk.project.items()
    assert item.notes == "old words"


def test_a_cancelled_form_changes_nothing(desk):
    item = desk.item(desk.audio())
    item.notes = "words"
    desk.world.answers.append(None)
    desk.press("Edit lyrics of the selection")
    desk.world.tick(5)
    assert (item.notes, desk.project.undo, desk.world.boxes) == ("words", [], [])


def test_several_items_are_asked_one_by_one_and_change_together(desk, reaper_house):
    first, second = desk.item(desk.audio()), desk.item(desk.audio("b.wav"), at=4.0)
    notes_asked(desk, "one", "")
    notes_asked(desk, "two", "")
    desk.delivered("Edit lyrics of the selection", 2)
    sung = [
        reaper_house.job(recipe(i.takes[1])["job"])["request"]["lyrics"] for i in (first, second)
    ]
    assert sung == ["one", "two"]
    names = [name for name, _ in desk.project.undo]
    assert names == ["Punchin: Edit lyrics", "Punchin: Edit (2 items)"]


def test_cancelling_the_second_form_leaves_the_first_item_as_it_was(desk):
    first, _ = desk.item(desk.audio()), desk.item(desk.audio("b.wav"), at=4.0)
    notes_asked(desk, "one", "")
    desk.world.answers.append(None)
    desk.press("Edit lyrics of the selection")
    desk.world.tick(5)
    assert (first.notes, desk.project.undo) == ("", [])


def test_no_words_at_all_are_told(desk):
    desk.item(desk.audio())
    notes_asked(desk, "", "")
    assert "no words" in desk.told("Edit lyrics of the selection")


def test_an_engine_that_can_t_edit_offers_a_repaint(desk):
    desk.world.ext["punchin", "engine"] = "sketch"
    item = desk.item(desk.audio(seconds=4), length=4.0)
    desk.select(1.0, 2.0)
    notes_asked(desk)
    desk.world.answers.append(6)  # yes
    desk.press("Edit lyrics of the selection")
    desk.until(lambda: desk.world.boxes)
    assert "sketch does no edit" in desk.world.boxes[0][1]
    assert "Repaint the selection with these lyrics instead?" in desk.world.boxes[0][1]
    desk.world.ext["punchin", "engine"] = "fake"
    desk.until(lambda: len(item.takes) == 2)
    assert item.takes[1].name.startswith("repaint ")


def test_an_offer_that_is_declined_does_nothing(desk):
    desk.world.ext["punchin", "engine"] = "sketch"
    item = desk.item(desk.audio())
    notes_asked(desk)
    desk.world.answers.append(7)  # no
    desk.press("Edit lyrics of the selection")
    desk.until(lambda: desk.world.boxes)
    desk.world.tick(20)
    assert (len(item.takes), len(desk.world.boxes)) == (1, 1)


def test_long_words_are_sent_from_the_notes(desk, reaper_house):
    item = desk.item(desk.audio())
    item.notes = "\n".join(f"line {i} of a long song" for i in range(60))
    desk.world.answers.append(6)
    desk.press("Edit lyrics of the selection")
    desk.until(lambda: len(item.takes) == 2)
    assert not desk.world.forms
    assert "too long for this form" in desk.world.boxes[0][1]
    assert reaper_house.job(recipe(item.takes[1])["job"])["request"]["lyrics"] == item.notes


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
