"""Maps: the built-in ones are right, and a mistake is named with its file, line and control."""

from pathlib import Path

import pytest

from bridge.midi import map_file
from bridge.midi.maps import Map
from bridge.protocol.errors import PunchinError


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path / "config"))
    folder = tmp_path / "config" / "presets" / "midi"
    folder.mkdir(parents=True)
    return folder


def mistakes(text):
    with pytest.raises(map_file.MapError) as told:
        map_file.parse(text, Path("mine.toml"))
    assert told.value.code == 101
    return told.value.mistakes


def one(fields):
    return f'[[control]]\nname = "x"\n{fields}\n'


def control(fields):
    return map_file.parse(one(fields), Path("mine.toml")).controls[0]


@pytest.mark.parametrize("name", ["pads", "pads-16", "knobs"])
def test_built_in_maps_are_right(name):
    found = map_file.load(name)
    assert isinstance(found, Map)
    assert found.description
    assert len(found.controls) >= 8


def test_every_button_the_project_promises_is_on_the_sixteen_pads():
    sent = {(a, *args) for c in map_file.load("pads-16").controls for a, args in c.messages}
    for message in (
        ("/punchin/do", "repaint"), ("/punchin/do", "bgm"),
        ("/punchin/extend", "*", "bars", 2), ("/punchin/extend", "*", "bars", 4),
        ("/punchin/extend", "*", "bars", 8), ("/punchin/cancel", "$open"),
        ("/punchin/accept", "$job", "$take"), ("/punchin/swap", "$job", "$next"),
        ("/punchin/play", "$job", "$take"), ("/punchin/stop",),
    ):  # fmt: skip
        assert message in sent


def test_a_users_map_goes_before_a_built_in_one(config):
    (config / "pads.toml").write_text(one('note = 1\nsend = ["/punchin/stop"]'))
    assert [c.name for c in map_file.load("pads").controls] == ["x"]


def test_an_unknown_map_names_the_nearest():
    with pytest.raises(PunchinError, match="pads-16") as told:
        map_file.load("pads16")
    assert told.value.code == 103


def test_the_line_and_the_control_are_named():
    text = 'description = "d"\n\n' + one('note = 1\nsend = ["/punchin/stop"]') + (
        '\n[[control]]\nname = "bad"\nnote = 2\nsend = ["/punchin/paly", "a"]\n'
    )  # fmt: skip
    (told,) = mistakes(text)
    assert told.startswith("mine.toml, line 8: control 2 (bad): no command /punchin/paly")
    assert "did you mean /punchin/play" in told


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ('note = 1\nsend = ["/punchin/set", "strenth", "$value"]', "'strength'"),
        ('cc = 1\nscale = [0, 2]\nsend = ["/punchin/set", "strength", "$value"]', "strength: 2"),
        ('note = 1\nsend = ["/punchin/do", "repiant"]', "not one of"),
        ('note = 1\nsend = ["/punchin/extend", "*", "bars", -1]', "bars"),
        ('note = 1\nsend = ["/punchin/extend", "my-id", "bars", 1]', "give \\*"),
        ('note = 1\nsend = ["/punchin/accept", "$job"]', "takes id take"),
        ('note = 1\nsend = ["/punchin/accept", "$jobb", 1]', r"no word \$jobb"),
        ('note = 1\nsend = ["/punchin/loop", "$cycle"]', "give cycle"),
        ('note = 1\ncycle = [0, 5]\nsend = ["/punchin/loop", "$cycle"]', "5 is outside"),
        ('cc = 1\nscale = [1, 8]\nsend = ["/punchin/set", "takes", "$value"]', "round"),
        ('cc = 1\nscale = [1, 8]\nround = true\nsend = ["/punchin/set", "takes", "$value"]', None),
        ('note = 1\nsend = ["/punchin/play", "$job", "$value"]', "a whole number, got 0.3717"),
        ('cc = 1\nscale = [nan, 3]\nsend = ["/punchin/gain", "$value"]', "scale is made of"),
        ('note = 128\nsend = ["/punchin/stop"]', "from 0 to 127"),
        ('note = 1\ncc = 2\nsend = ["/punchin/stop"]', "exactly one"),
        ('send = ["/punchin/stop"]', "exactly one"),
        ('note = 1\nmode = "absolute"\nsend = ["/punchin/stop"]', "mode is press"),
        ('note = 1\nchanel = 3\nsend = ["/punchin/stop"]', "did you mean channel"),
        ('note = 1\nsend = "/punchin/stop"', "send is a list"),
        ('cc = 1\nmode = "twos"\nsend = ["/punchin/stop"]', r"\$value"),
        ('cc = 40\nmode = "14bit"\nsend = ["/punchin/gain", "$value"]', "from 0 to 31"),
        ('cc = 1\ncurve = "log"\nsend = ["/punchin/gain", "$value"]', "over 0"),
        ('note = 1', "it does nothing"),
        ('cc = 1\nshift = "s"', "button"),
        ('note = 1\nlatch = true\nsend = ["/punchin/stop"]', "latch belongs"),
        ('note = 1\nled = { on = "pink" }\nsend = ["/punchin/stop"]', "no colour 'pink'"),
        ('note = 1\nled = { lit = 3 }\nsend = ["/punchin/stop"]', "led is a table"),
        ('note = 1\ndebounce_ms = -1\nsend = ["/punchin/stop"]', "debounce_ms"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_told_when_it_is_loaded(fields, words):
    if words is None:
        assert control(fields).scale == (1.0, 8.0)
        return
    import re

    assert any(re.search(words, told) for told in mistakes(one(fields)))


def test_two_controls_on_one_trigger_are_a_mistake_but_not_in_two_layers():
    stop = 'send = ["/punchin/stop"]'
    again = f'[[control]]\nname = "y"\nnote = 1\nchannel = 3\n{stop}\n'
    assert "same trigger" in mistakes(one(f"note = 1\n{stop}") + again)[0]
    layered = again.replace("channel = 3", 'layer = "s"')
    assert len(map_file.parse(one(f"note = 1\n{stop}") + layered, Path("m.toml")).controls) == 2


@pytest.mark.parametrize(("other", "clash"), [(5, True), (37, True), (38, False)])
def test_a_fine_control_has_two_numbers(other, clash):
    knob = f'[[control]]\nname = "y"\ncc = {other}\nsend = ["/punchin/stop"]\n'
    text = one('cc = 5\nmode = "14bit"\nsend = ["/punchin/stop"]') + knob
    if clash:
        assert "mine.toml, line 6: control 2 (y): 'x' has the same trigger" in mistakes(text)[0]
    else:
        assert len(map_file.parse(text, Path("mine.toml")).controls) == 2


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("colors = {}", "line 2: no field 'colors'"),
        ("port = 3", "line 2: port is a text"),
        ("channel = 17", "line 2: channel is a whole number from 1 to 16"),
        ("colours = [1]", "line 2: colours is a table"),
        ("[colours]\nred = 200", "line 3: colour red is a whole number from 0 to 127"),
    ],
)
def test_a_mistake_above_the_controls_is_told_with_its_line(head, told):
    assert mistakes(f"# mine\n{head}\n")[0].startswith(f"mine.toml, {told}")


def test_what_is_no_toml_or_no_file_is_one_error(config):
    assert "not valid TOML" in mistakes("[[control]\n")[0]
    assert "write [[control]]" in mistakes("control = 3")[0]
    assert "no field 'colors'" in mistakes("colors = {}")[0]
    (config / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(map_file.MapError, match="can't be read"):
        map_file.load("bad")


def test_a_knob_that_starts_jobs_waits_until_it_rests_and_has_a_slot():
    found = control('cc = 1\nsend = ["/punchin/repaint", "*", "strength", "$value"]')
    assert found.messages == (("/punchin/repaint", ("*", "strength", "$value", "slot", "midi-x")),)
    assert found.settle_s == 0.25
    assert control('cc = 1\nsend = ["/punchin/set", "strength", "$value"]').settle_s == 0
