"""Settings, the forms before actions, and the texts in them."""

from __future__ import annotations

import pytest
from desk import SCRIPTS
from hypothesis import given, settings
from hypothesis import strategies as st
from lupa.lua54 import LuaRuntime
from steps import recipe


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


def test_what_reaper_cut_off_changes_nothing(desk):
    typed = answers_of(desk, Prompt="slow")
    desk.world.answers.append(typed[:-3])
    assert "cut off" in desk.told("Settings")
    assert ("punchin", "prompt") not in desk.world.ext


def test_a_long_prompt_is_left_alone_by_the_form(desk):
    desk.world.ext["punchin", "prompt"] = "a long wish, " * 80
    typed = answers_of(desk, Seed="5")
    assert len(typed) == 15
    desk.world.answers.append(typed)
    desk.press("Settings")
    assert desk.world.ext["punchin", "prompt"] == "a long wish, " * 80
    assert desk.world.ext["punchin", "seed"] == "5"


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


# -- texts in one line ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dialog():
    """`lib/dialog.lua` alone."""
    lua = LuaRuntime()
    lua.globals().package.path = str(SCRIPTS / "lib" / "?.lua")
    return lua.execute('return (require "dialog")')


words = st.text(st.sampled_from("ab/\\ ,é\n"), max_size=24)


@given(text=words)
@settings(deadline=None, max_examples=300)
def test_any_text_goes_through_a_form(dialog, text):
    line = dialog.one_line(text)
    assert "\n" not in line
    assert dialog.many_lines(line) == text


def test_lines_are_typed_as_musicians_write_them(dialog):
    assert dialog.many_lines("la la / lo lo /  / li") == "la la\nlo lo\n\nli"
    assert dialog.one_line("and/or\r\nhere / there") == "and/or / here \\/ there"
