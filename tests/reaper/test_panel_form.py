"""The panel as a form, where ReaImGui is not installed."""

from __future__ import annotations

import json

from fake_imgui import ImGui
from steps import two_takes


def form(desk, **typed):
    """Answer the form: what it shows, with some lines typed over."""
    desk.world.answers.append(None)
    desk.press("Panel")
    _, names, values = desk.world.forms.pop()
    desk.world.answers.append([
        next((v for k, v in typed.items() if n.startswith(k)), old)
        for n, old in zip(names, values, strict=True)
    ])  # fmt: skip


def test_without_reaimgui_the_panel_is_a_form(desk, reaper_house):
    item = desk.item(desk.audio())
    desk.select(0.5, 1.0)
    form(desk, Do="Repaint", Prompt="slow, dark", Lyrics="[verse] / la la", Seed="11", Takes="2")
    desk.delivered("Panel")
    job = json.loads(item.takes[1].ext["punchin"])["job"]
    request = reaper_house.job(job)["request"]
    assert (request["prompt"], request["lyrics"]) == ("slow, dark", "[verse]\nla la")
    assert (request["seed"], len(item.takes)) == (11, 3)
    assert "not installed" in desk.world.console[0]


def test_an_older_reaimgui_is_no_reason_to_fail(desk, tmp_path):
    ImGui(desk.world, tmp_path, versions=("0.8",))
    desk.world.answers.append(None)
    desk.press("Panel")
    assert len(desk.world.forms) == 1
    assert "older than 0.9.3" in desk.world.console[0]


def test_the_form_does_the_other_main_things(desk):
    item = two_takes(desk)
    form(desk, Do="next take")
    desk.delivered("Panel")
    assert item.active == 1
    form(desk, Do="cancel")
    assert "nothing to cancel" in desk.told("Panel")
    form(desk, Do="import")
    assert "nothing to bring in" in desk.told("Panel")
    form(desk, Do="status")
    assert "is running" in desk.told("Panel")


def test_a_wrong_line_is_told_and_nothing_is_kept(desk):
    form(desk, Do="dance", Prompt="x")
    desk.world.answers += [1, None]
    assert "type one of repaint" in desk.told("Panel")
    assert ("punchin", "prompt") not in desk.world.ext


def test_keep_takes_the_seed_of_the_active_take(desk):
    item = desk.item(desk.audio())
    item.takes[0].ext["punchin"] = json.dumps({"job": "r-x", "take": 1, "seed": 1234})
    form(desk, Do="save", Seed="keep")
    desk.press("Panel")
    assert desk.world.ext["punchin", "seed"] == "1234"


def test_words_too_long_for_a_form_stay_as_they_are(desk):
    item = desk.item(desk.audio())
    item.notes = "a long line of words\n" * 60
    form(desk, Do="save", Strength="0.5")
    desk.press("Panel")
    assert not any(name.startswith("Lyrics") for name in desk.world.forms[0][1])
    assert item.notes == "a long line of words\n" * 60
    assert desk.world.ext["punchin", "strength"] == "0.5"
