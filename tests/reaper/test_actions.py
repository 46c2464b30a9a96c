"""Actions that talk with the musician: words, takes, cancel, daemon, settings, import."""

from __future__ import annotations

import json

import numpy as np
import pytest
from wire_house import House


def notes_asked(desk, lyrics="la la / lo lo", prompt="softer"):
    desk.world.answers.append([lyrics, prompt])


def recipe(take):
    return json.loads(take.ext["punchin"])


def note(desk):
    return desk.world.console[-1] if desk.world.console else ""


def waits(desk, tmp_path):
    """An item with a repaint that runs until it is cancelled."""
    item = desk.item(desk.audio())
    item.notes = "prompt: wait 60"
    desk.select(0.5, 1.0)
    desk.press("Repaint time selection")
    desk.until(lambda: "%" in desk.world.ext.get(("punchin", "progress"), ""), "no job runs")
    return item


# -- words ---------------------------------------------------------------------------------------


def test_edited_words_are_kept_in_the_notes_and_sung(desk, reaper_house):
    item = desk.item(desk.audio())
    item.notes = "prompt: warm\n[verse]\nold words"
    notes_asked(desk)
    desk.delivered("Edit lyrics of the selection", 2)
    title, names, values = desk.world.forms[0]
    assert title == "Punchin: Edit lyrics"
    assert names == ["Lyrics (new line: /)", "Prompt"]
    assert values == ["[verse] / old words", "warm"]
    assert item.notes == "prompt: softer\nla la\nlo lo"
    request = reaper_house.job(recipe(item.takes[1])["job"])["request"]
    assert (request["lyrics"], request["prompt"]) == ("la la\nlo lo", "softer")
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


def test_open_jobs_of_the_project_are_cancelled(desk, reaper_house, tmp_path):
    item = waits(desk, tmp_path)
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


# -- the daemon ----------------------------------------------------------------------------------


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


def test_stop_asks_while_jobs_run(desk, reaper_house, tmp_path):
    waits(desk, tmp_path)
    desk.world.answers.append(7)  # no
    assert "1 job is open and will be cancelled" in desk.told("Stop daemon")
    desk.press("Cancel")
    desk.until(lambda: "1 job cancelled" in note(desk))
    assert reaper_house.process.poll() is None


# -- settings and forms --------------------------------------------------------------------------


def answers_of(desk, **changed):
    """What the settings form shows, with some lines typed over."""
    desk.world.answers.append(None)
    desk.press("Settings")
    _, names, values = desk.world.forms.pop()
    return [
        next((v for k, v in changed.items() if n.startswith(k)), old)
        for n, old in zip(names, values, strict=True)
    ]


def test_settings_are_kept_and_used(desk, reaper_house):
    typed = answers_of(desk, Prompt="slow, dark, 80s", Strength="0,4", Seed="7", Takes="2")
    desk.world.answers.append(typed)
    desk.press("Settings")
    assert desk.world.ext["punchin", "prompt"] == "slow, dark, 80s"
    assert ("punchin", "prompt") in desk.world.kept
    assert ("punchin", "context") not in desk.world.ext, "what was not changed is not kept"
    item = desk.item(desk.audio())
    desk.select(0.5, 1.0)
    desk.delivered("Repaint time selection")
    request = reaper_house.job(recipe(item.takes[1])["job"])["request"]
    assert (request["prompt"], request["seed"]) == ("slow, dark, 80s", 7)
    assert request["strength"] == pytest.approx(0.4)
    assert len(item.takes) == 3


@pytest.mark.parametrize(
    ("label", "typed", "told"),
    [
        ("Strength", "2", 'Strength 0 to 1 (empty: default): "2" is not between 0 and 1'),
        ("Takes", "many", '"many" is no whole number'),
        ("Takes", "1.5", '"1.5" is no whole number'),
        ("Seed", "-1", "is not between 0 and 2147483647"),
        ("Instrument", "kazoo", "type one of vocals, backing_vocals"),
        ("Format", "mp3", "type one of source"),
        ("Link", "smoke", "type one of auto, udp, mailbox"),
        ("Folder", "here", "is no whole path"),
    ],
)
def test_what_is_wrong_is_told_and_the_form_comes_again(desk, label, typed, told):
    wrong = answers_of(desk, **{label: typed})
    desk.world.answers += [wrong, 1, None]
    before = dict(desk.world.ext)
    desk.press("Settings")
    ((_, text),) = desk.world.boxes
    assert told in text
    assert len(desk.world.forms) == 2
    assert desk.world.forms[1][2] == wrong, "as it was typed"
    assert desk.world.ext == before


def test_layer_asks_which_instrument(desk, reaper_house):
    desk.item(desk.audio())
    desk.world.answers += [["Kazoo"], 1, ["Brass"]]
    desk.press("Layer an instrument")
    assert 'Instrument: "Kazoo" is not known' in desk.world.boxes.pop()[1]
    desk.until(lambda: len(desk.project.tracks) > 1)
    (made,) = desk.project.tracks[1].items
    assert reaper_house.job(recipe(made.takes[0])["job"])["request"]["track"] == "brass"
    assert desk.world.ext["punchin", "track"] == "brass"


@pytest.mark.parametrize(("action", "side"), [("right", 0), ("left", 1)])
def test_extend_by_asks_how_many_bars(desk, action, side):
    item = desk.item(desk.audio(), at=10.0)
    desk.world.answers += [["0"], 1, ["2"]]
    desk.press(f"Extend item {action} by")
    assert '"0" is no length' in desk.world.boxes.pop()[1]
    desk.until(lambda: len(item.takes) == 2)
    assert item.values["D_LENGTH"] == pytest.approx(2.0 + 4.0)
    assert item.start == pytest.approx(10.0 - 4.0 * side)


@pytest.mark.parametrize("action", ["Layer an instrument", "Extend item right by"])
def test_nobody_fills_in_a_form_for_nothing(desk, action):
    assert "No item is selected" in desk.told(action)
    assert not desk.world.forms


@pytest.mark.parametrize("action", ["Layer an instrument", "Extend item left by"])
def test_a_form_that_is_cancelled_asks_for_no_job(desk, action):
    desk.item(desk.audio())
    desk.press(action)
    desk.world.tick(5)
    assert len(desk.world.forms) == 1
    assert ("punchin", "jobs") not in desk.project.ext


# -- import --------------------------------------------------------------------------------------


def test_what_was_locked_is_brought_in_later(desk):
    item = desk.item(desk.audio())
    item.notes = "prompt: wait 0.3"
    desk.select(0.5, 1.0)
    desk.press("Repaint time selection")
    desk.until(lambda: ("punchin", "jobs") in desk.project.ext)
    item.values["C_LOCK"] = 1.0
    desk.until(lambda: desk.world.boxes)
    assert "unlock it and use Import finished jobs" in desk.world.boxes.pop()[1]
    assert "is locked" in desk.told("Import finished jobs"), "as long as it is"
    desk.world.boxes.clear()
    item.values["C_LOCK"] = 0.0
    desk.delivered("Import finished jobs")
    assert item.takes[1].name.startswith("repaint ")
    assert "1 job was brought in" in note(desk)
    assert "nothing to bring in" in desk.told("Import finished jobs")


def test_a_job_that_ended_while_reaper_was_closed_is_brought_in(desk, reaper_house):
    item = desk.item(desk.audio())
    desk.select(0.5, 1.0)
    desk.press("Repaint time selection")
    desk.until(lambda: ("punchin", "jobs") in desk.project.ext)
    (job,) = json.loads(desk.project.ext["punchin", "jobs"])
    desk.world.states.clear()
    with reaper_house.udp() as client:
        client.send("/punchin/job", job)
    desk.until(lambda: (reaper_house.folder(job) / "job.json").exists())
    desk.until(lambda: reaper_house.job(job)["state"] == "done")
    desk.delivered("Import finished jobs")
    assert len(item.takes) == 2
    desk.world.tick(30)
    assert len(item.takes) == 2, "once"


def test_where_the_files_are_is_told_when_the_item_is_gone(desk):
    item = desk.item(desk.audio())
    item.notes = "prompt: wait 0.5"
    desk.select(0.5, 1.0)
    desk.press("Repaint time selection")
    desk.until(lambda: "%" in desk.world.ext.get(("punchin", "progress"), ""))
    desk.project.tracks[0].items.clear()
    desk.until(lambda: desk.world.boxes)
    assert "its item is gone" in desk.world.boxes[0][1]
    assert np.all([p.exists() for p in desk.folder.rglob("*mix*")])
