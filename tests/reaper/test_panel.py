"""The panel in a window, with ReaImGui."""

from __future__ import annotations

import json

import pytest
from fake_imgui import ImGui
from steps import two_takes
from wire_house import House


@pytest.fixture
def gui(desk, tmp_path):
    """A REAPER with ReaImGui."""
    folder = tmp_path / "imgui"
    folder.mkdir()
    return ImGui(desk.world, folder)


def opened(desk):
    desk.press("Panel")
    desk.world.tick(2)


def test_the_window_shows_what_is_selected(desk, gui):
    item = two_takes(desk)
    item.notes = "prompt: warm\nla la"
    desk.select(1.0, 2.5)
    opened(desk)
    shown = gui.texts()
    assert "Selected: 1 item, 1.50 s of time." in shown
    assert "Words of the selected item" in shown
    assert gui.find("InputTextWithHint", "##prompt").args[2] == "warm"
    assert gui.find("InputTextMultiline", "##lyrics").args[1] == "la la"
    names = [w.label for w in gui.drawn if w.kind == "Text" and w.path]
    assert names == ["original", "second"]
    assert gui.find("TextDisabled", "No jobs yet")


@pytest.mark.parametrize("action", ["Repaint", "Retake", "Extend left", "Vocal to BGM"])
def test_a_button_is_the_action(desk, gui, action):
    desk.item(desk.audio(), at=8.0)
    desk.select(8.5, 9.0)
    opened(desk)
    gui.click(action)
    desk.until(lambda: desk.project.undo)
    assert len(desk.project.undo) == 1
    assert not desk.world.boxes


def test_jobs_are_listed_with_their_progress_and_can_be_cancelled(desk, gui, reaper_house):
    item = desk.item(desk.audio())
    item.notes = "prompt: wait 60"
    desk.select(0.5, 1.0)
    opened(desk)
    gui.click("Repaint")
    bars = lambda: [w for w in gui.drawn if w.kind == "ProgressBar"]  # noqa: E731
    desk.until(lambda: bars() and bars()[0].args[0] > 0.1)
    (bar,) = bars()
    assert bar.args[3] == f"repaint · running {int(bar.args[0] * 100)}%"
    (job,) = bar.path
    gui.click(job, "Cancel")
    desk.until(lambda: reaper_house.job(job)["state"] == "cancelled")
    desk.until(lambda: bars()[0].args[3] == "repaint · cancelled")
    assert not any(w.label == "Cancel" for w in gui.drawn)


def test_words_are_kept_when_the_field_is_left(desk, gui):
    item = desk.item(desk.audio())
    item.notes = "prompt: warm\nla la"
    opened(desk)
    gui.type("##lyrics", "lo lo\nli li")
    desk.world.tick(3)
    assert item.notes == "prompt: warm\nlo lo\nli li"
    gui.type("##prompt", "cold")
    desk.world.tick(3)
    assert item.notes == "prompt: cold\nlo lo\nli li"
    assert [name for name, _ in desk.project.undo] == ["Punchin: Edit lyrics"] * 2


def test_words_typed_for_one_item_never_land_on_another(desk, gui):
    first, second = desk.item(desk.audio()), desk.item(desk.audio("b.wav"), at=5.0)
    first.notes, second.notes = "first", "second"
    second.values["B_UISEL"] = 0.0
    opened(desk)
    gui.type("##lyrics", "typed")
    desk.world.tick()
    first.values["B_UISEL"], second.values["B_UISEL"] = 0.0, 1.0
    desk.world.tick(6)
    assert (first.notes, second.notes) == ("typed", "second")
    assert gui.find("InputTextMultiline", "##lyrics").args[1] == "second"


def test_without_words_of_its_own_they_are_everybody_s(desk, gui):
    item = desk.item(desk.audio())
    opened(desk)
    assert "Words for every action" in gui.texts()
    gui.type("##prompt", "bright")
    desk.world.tick(3)
    assert desk.world.ext["punchin", "prompt"] == "bright"
    assert (item.notes, desk.project.undo) == ("", [])


def test_presets_come_from_the_daemon(desk, gui):
    opened(desk)
    gui.click("Preset")
    names = lambda: [w.label for w in gui.drawn if w.kind == "Selectable"]  # noqa: E731
    desk.until(lambda: "darker-drums" in names())
    assert names()[0] == "none"
    assert "jazz" in names(), "styles too"
    gui.click("Preset", "darker-drums")
    desk.world.tick(2)
    assert desk.world.ext["punchin", "preset"] == "darker-drums"
    assert gui.find("BeginCombo", "Preset").args[1] == "darker-drums"
    assert "The same bars with a darker, heavier beat" not in gui.texts(), "the list is shut"


def test_the_instrument_of_layer_can_be_chosen(desk, gui, reaper_house):
    desk.item(desk.audio())
    opened(desk)
    gui.click("Instrument of Layer")
    desk.world.tick(2)
    gui.click("Instrument of Layer", "brass")
    desk.world.tick(2)
    gui.click("Layer")
    desk.until(lambda: len(desk.project.tracks) > 1)
    (made,) = desk.project.tracks[1].items
    job = json.loads(made.takes[0].ext["punchin"])["job"]
    assert reaper_house.job(job)["request"]["track"] == "brass"


def test_edit_sings_the_words_of_the_window(desk, gui, reaper_house):
    item = desk.item(desk.audio())
    opened(desk)
    gui.click("Edit")
    desk.until(lambda: desk.world.boxes)
    assert "no words" in desk.world.boxes.pop()[1]
    item.notes = "la la"
    desk.world.tick(5)
    gui.click("Edit")
    desk.until(lambda: len(item.takes) == 2)
    job = json.loads(item.takes[1].ext["punchin"])["job"]
    assert reaper_house.job(job)["request"]["lyrics"] == "la la"


def test_settings_and_import_open_from_the_window(desk, gui):
    opened(desk)
    gui.click("Settings …")
    desk.world.tick(2)
    assert desk.world.forms[0][0] == "Punchin: Settings"
    gui.click("Import finished jobs")
    desk.world.tick(2)
    assert "nothing to bring in" in desk.world.boxes[0][1]
    desk.world.tick(2)
    assert "No jobs yet" in gui.texts(), "the window comes again after a box"


def test_a_take_is_heard_alone_and_all_is_as_it_was(desk, gui):
    item = two_takes(desk)
    opened(desk)
    gui.click("2", "Play")
    desk.world.tick(2)
    assert (item.active, item.track.values["I_SOLO"], desk.project.playing) == (1, 1.0, True)
    assert desk.project.cursor == 3.0
    gui.click("2", "Stop")
    desk.world.tick(2)
    assert (item.active, item.track.values["I_SOLO"], desk.project.playing) == (0, 0.0, False)
    assert not desk.project.undo


def test_listening_ends_when_reaper_stops_or_the_panel_shuts(desk, gui):
    item = two_takes(desk)
    opened(desk)
    gui.click("2", "Play")
    desk.world.tick(2)
    desk.project.playing = False  # the space bar
    desk.world.tick(2)
    assert (item.active, item.track.values["I_SOLO"]) == (0, 0.0)
    gui.click("2", "Play")
    desk.world.tick(2)
    gui.close_window = True
    desk.world.tick(2)
    assert (item.active, item.track.values["I_SOLO"], desk.project.playing) == (0, 0.0, False)


def test_a_slow_audio_device_is_waited_for(desk, gui):
    item = two_takes(desk)
    opened(desk)
    gui.click("2", "Play")
    desk.world.tick()
    desk.project.playing = False  # asked to play, but nothing sounds yet
    desk.world.tick(10)
    assert item.active == 1
    desk.project.playing = True
    desk.world.tick(2)
    desk.project.playing = False
    desk.world.tick(2)
    assert (item.active, item.track.values["I_SOLO"]) == (0, 0.0)


def test_a_device_that_never_plays_leaves_nothing_changed(desk, gui):
    item = two_takes(desk)
    opened(desk)
    gui.click("2", "Play")
    desk.world.tick()
    desk.project.playing = False
    desk.world.tick(120)
    assert (item.active, item.track.values["I_SOLO"]) == (0, 0.0)


def test_a_project_that_is_closed_while_a_take_sounds(desk, gui):
    two_takes(desk)
    opened(desk)
    gui.click("2", "Play")
    desk.world.tick(2)
    desk.world.close_project()
    desk.world.tick(5)
    assert "Selected: no item, no time." in gui.texts()


@pytest.mark.parametrize("button", ["Play", "Use"])
def test_a_take_that_was_removed_meanwhile_is_no_mistake(desk, gui, button):
    item = two_takes(desk)
    opened(desk)
    item.takes.pop().free()
    gui.click("2", button)
    desk.world.tick(5)
    assert [w.label for w in gui.drawn if w.kind == "Text" and w.path] == ["original"]


def test_swap_makes_a_take_the_active_one(desk, gui):
    item = two_takes(desk)
    opened(desk)
    gui.click("1", "Use")
    desk.world.tick(2)
    assert gui.to_click == [("1", "Use")], "the active take has nothing to swap"
    gui.to_click.clear()
    gui.click("2", "Use")
    desk.world.tick(2)
    assert item.active == 1
    assert desk.world.undo() == "Punchin: Choose take"


def test_the_seed_of_a_take_can_be_locked(desk, gui, reaper_house):
    item = desk.item(desk.audio())
    desk.select(0.5, 1.0)
    opened(desk)
    gui.click("Repaint")
    desk.until(lambda: len(item.takes) == 2)
    seed = json.loads(item.takes[1].ext["punchin"])["seed"]
    desk.world.tick(5)
    gui.click("Lock seed")
    desk.world.tick(2)
    assert desk.world.ext["punchin", "seed"] == str(seed)
    gui.click("Repaint")
    desk.until(lambda: len(item.takes) == 3)
    assert json.loads(item.takes[2].ext["punchin"])["seed"] == seed
    gui.click(f"Seed {seed} locked")
    desk.world.tick(2)
    assert desk.world.ext["punchin", "seed"] == ""


def test_a_window_that_is_shut_ends_the_script(desk, gui):
    opened(desk)
    gui.close_window = True
    desk.until(lambda: not any("Panel" in script.path.name for script in desk.world.states))


def test_without_a_daemon_the_window_says_so_and_starts_it(lone_desk, tmp_path):
    gui = ImGui(lone_desk.world, tmp_path)
    houses = []
    lone_desk.world.on_command = lambda command: houses.append(House(lone_desk.home))
    opened(lone_desk)
    assert "The daemon is not running." in gui.texts()
    gui.click("Start daemon")
    try:
        lone_desk.until(lambda: "Selected: no item, no time." in gui.texts())
    finally:
        for house in houses:
            house.stop()
    assert not any(w.label == "Start daemon" for w in gui.drawn)
