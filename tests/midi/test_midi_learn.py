"""Learning: which control was moved and how it counts; the file it goes into."""

from dataclasses import replace

import pytest

from bridge.midi import map_file, own_map
from bridge.midi.events import Event
from bridge.midi.learn import entry, guess
from bridge.protocol.errors import PunchinError


def ccs(values, number=7):
    return [Event("cc", 3, number, v, "desk") for v in values]


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        (range(40, 80), "absolute"),
        ([0, 1, 2, 3, 4, 5, 6], "absolute"),
        ([126, 127], "absolute"),
        ([127, 0, 127, 0], "button"),
        ([127], "button"),
        ([1, 1, 1, 2, 1], "twos"),
        ([1, 1, 127, 127, 126], "twos"),
        ([1, 2, 1, 65, 66, 65], "sign"),
        ([65, 65, 66, 63, 63], "offset"),
    ],
)
def test_how_a_controller_counts(values, mode):
    found = guess(ccs(values))
    assert (found.kind, found.number, found.channel, found.mode) == ("cc", 7, 3, mode)


def test_a_fine_pair_is_one_control():
    pairs = [e for v in range(20) for e in (*ccs([v], 5), *ccs([3 * v % 128], 37))]
    found = guess(pairs)
    assert (found.number, found.mode) == (5, "14bit")


def test_the_control_that_says_most_is_the_one_that_was_moved():
    noise = [Event("note", 1, 60, 100), Event("pitch", 1, 0, 8192)]
    assert guess([*noise, *ccs(range(10, 30))]).kind == "cc"
    assert guess([]) is None
    assert guess(noise[:1]).mode == "press"
    assert guess([Event("program", 2, 5, 5)]).number == 5


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("PUNCHIN_CONFIG", str(tmp_path))
    return tmp_path / "presets" / "midi"


PAD = guess([Event("note", 10, 44, 100, "pad")])
KNOB = guess(ccs(range(20, 60)))


def test_a_learned_control_is_in_a_map_of_ones_own(config):
    own_map.add("mine", PAD, "again", [["/punchin/do", "repaint"]])
    path = own_map.add("mine", KNOB, 'a "knob"', [["/punchin/set", "strength", "$value"]])
    assert path == config / "mine.toml"
    again, knob = map_file.load("mine").controls
    assert (again.trigger.number, again.trigger.channel) == (44, 10)
    assert knob.messages == (("/punchin/set", ("strength", "$value")),)


def test_a_knob_learns_its_ends_and_to_count_in_whole_numbers(config):
    sent = [["/punchin/set", "takes", "$value"]]
    with pytest.raises(map_file.MapError, match="outside 1"):
        own_map.add("mine", KNOB, "takes", sent)
    own_map.add("mine", replace(KNOB, scale=(1.0, 8.0), round=True), "takes", sent)
    (knob,) = map_file.load("mine").controls
    assert (knob.scale, knob.round) == ((1.0, 8.0), True)


def test_learning_again_replaces_and_a_built_in_map_is_copied(config):
    own_map.add("pads", KNOB, "strength", [["/punchin/set", "strength", "$value"]])
    before = map_file.load("pads").controls
    assert len(before) > 8
    own_map.add("pads", PAD, "strength", [["/punchin/stop"]])
    after = map_file.load("pads").controls
    assert len(after) == len(before)
    assert next(c for c in after if c.name == "strength").trigger.kind == "note"


def test_what_would_be_wrong_is_not_written(config):
    own_map.add("mine", PAD, "one", [["/punchin/stop"]])
    text = (config / "mine.toml").read_text()
    for name, messages in (("two", [["/punchin/stop"]]), ("three", [["/punchin/nothing"]])):
        with pytest.raises(map_file.MapError):
            own_map.add("mine", PAD, name, messages)
    with pytest.raises(Exception, match="no name for a map"):
        own_map.add("../evil", PAD, "x", [["/punchin/stop"]])
    assert (config / "mine.toml").read_text() == text


def test_texts_of_every_kind_survive_the_file():
    told = entry(PAD, 'q"\\\n', [["/punchin/prompt", 'say "hé"\t\x07'], ["/punchin/stop"]])
    (found,) = map_file.parse(told, own_map.Path("m.toml")).controls
    assert found.messages[0][1] == ('say "hé"\t\x07',)
    assert len(found.messages) == 2


@pytest.mark.parametrize(
    ("map_name", "words", "scale", "told"),
    [
        ("my map", ["/punchin/stop"], None, "no name for a map"),
        ("mine", ["/punchin/stpo"], None, "did you mean /punchin/stop"),
        ("mine", ["/punchin/gain", "$value"], [0.0, 200.0], "outside"),
        ("mine", ["/punchin/gain", "$value"], [0.0, 0.0], "two different ends"),
    ],
)
def test_what_no_control_could_send_is_told_before_one_is_moved(map_name, words, scale, told):
    with pytest.raises(PunchinError, match=told):
        own_map.check(map_name, [words], scale)
    own_map.check("mine", [["/punchin/set", "takes", "$value"]], [1.0, 8.0], whole=True)
