"""From events to calls: presses, layers, cycles, knobs of every coding, rate and rest."""

from pathlib import Path

import pytest

from bridge.midi.events import Event
from bridge.midi.leds import light
from bridge.midi.map_file import parse
from bridge.midi.mapper import Mapper

STOP = 'send = ["/punchin/stop"]'
VALUE = 'send = ["/punchin/set", "strength", "$value"]'


def mapper(*entries, head=""):
    text = "\n".join(f'[[control]]\nname = "c{i}"\n{e}' for i, e in enumerate(entries))
    return Mapper([parse(f"{head}\n{text}", Path("m.toml"))])


def note(number, value=100, channel=1, port="pad"):
    return Event("note", channel, number, value, port)


def cc(number, value, channel=1):
    return Event("cc", channel, number, value, "pad")


def sent(calls):
    return [(call.control.name, *call.messages[0][1]) for call in calls]


def test_a_press_acts_once_and_a_release_only_where_it_is_wanted():
    found = mapper(
        f"note = 1\n{STOP}", f'note = 2\non = "release"\n{STOP}', f'note = 3\non = "both"\n{STOP}'
    )
    assert sent(found.feed(note(1), 0)) == [("c0",)]
    assert found.feed(note(1, 0), 0.1) == []
    assert found.feed(note(2), 1) == []
    assert sent(found.feed(note(2, 0), 1.1)) == [("c1",)]
    assert len(found.feed(note(3), 2)) == len(found.feed(note(3, 0), 2.1)) == 1


def test_chatter_and_floods_of_one_pad_are_one_press():
    found = mapper(f"note = 1\n{STOP}")
    calls = [c for i in range(10_000) for c in found.feed(note(1, 100 * (i % 2)), i / 10_000)]
    calls += [c for i in range(10_000) for c in found.feed(note(1), 1 + i / 10_000)]
    assert len(calls) == 1
    assert len(found.feed(note(1), 2.5)) == 1


def test_the_wrong_channel_number_kind_or_port_does_nothing():
    found = mapper(f"note = 1\nchannel = 10\n{STOP}", head='port = "Launch"')
    right = note(1, channel=10, port="My LaunchPad")
    for wrong in (
        note(1, channel=9, port=right.port),
        note(2, channel=10, port=right.port),
        note(1, channel=10, port="keys"),
        Event("cc", 10, 1, 100, right.port),
    ):
        assert found.feed(wrong, 0) == []
    assert len(found.feed(right, 0)) == 1


def test_a_layer_counts_while_its_shift_is_held():
    found = mapper(
        f"note = 1\n{STOP}",
        f'note = 1\nlayer = "s"\n{STOP}',
        'note = 9\nshift = "s"',
        f"note = 2\n{STOP}",
    )
    assert sent(found.feed(note(1), 0)) == [("c0",)]
    assert found.feed(note(9), 1) == []
    assert sent(found.feed(note(1), 2)) == [("c1",)]
    assert sent(found.feed(note(2), 3)) == [("c3",)]  # what the layer lacks stays as it is
    found.feed(note(9, 0), 4)
    assert sent(found.feed(note(1), 5)) == [("c0",)]


def test_a_shift_whose_contact_chatters_is_on_while_it_is_held():
    found = mapper(f'note = 1\nlayer = "s"\n{STOP}', 'note = 9\nshift = "s"')
    for i, value in enumerate((100, 0, 100)):
        found.feed(note(9, value), i / 1000)
    assert len(found.feed(note(1), 1)) == 1
    found.feed(note(9, 0), 2)
    assert found.feed(note(1), 3) == []


def test_a_latched_shift_stays_until_it_is_pressed_again():
    found = mapper(f'note = 1\nlayer = "s"\n{STOP}', 'note = 9\nshift = "s"\nlatch = true')
    found.feed(note(9), 0)
    found.feed(note(9, 0), 0.1)
    assert len(found.feed(note(1), 1)) == 1
    found.feed(note(9), 2)
    assert found.feed(note(1), 3) == []


def test_a_cycle_goes_round():
    found = mapper('note = 1\ncycle = ["bar", "beat", "now"]\nsend = ["/punchin/launch", "$cycle"]')
    assert [found.feed(note(1), i)[0].messages[0][1][0] for i in range(4)] == [
        "bar", "beat", "now", "bar"
    ]  # fmt: skip


def test_a_button_is_pressed_at_64_and_does_not_repeat():
    found = mapper(f'cc = 5\nmode = "button"\n{STOP}')
    values = (10, 64, 90, 127, 20, 0, 127)
    assert [len(found.feed(cc(5, v), i)) for i, v in enumerate(values)] == [0, 1, 0, 0, 0, 0, 1]


def test_programs():
    found = mapper(f"program = 3\n{STOP}", f'program = "any"\nchannel = 2\n{STOP}')
    assert sent(found.feed(Event("program", 1, 3, 3), 0)) == [("c0",)]
    assert found.feed(Event("program", 1, 4, 4), 1) == []
    assert sent(found.feed(Event("program", 2, 4, 4), 2)) == [("c1",)]


def last(found, events, step_s=0.001):
    """What a sweep says in the end."""
    calls, now_s = [], 0.0
    for event in events:
        now_s += step_s
        calls += found.feed(event, now_s)
    calls += found.due(now_s + 10)
    return [c.messages[0][1][1] for c in calls]


def test_absolute_pitch_and_fourteen_bits_are_scaled_end_to_end():
    low_high = "scale = [0.2, 0.6]\n" + VALUE
    assert last(mapper(f"cc = 1\n{low_high}"), [cc(1, 0)]) == [0.2]
    assert last(mapper(f"cc = 1\n{low_high}"), [cc(1, 127)]) == [0.6]
    pitch = [Event("pitch", 1, 0, 16383)]
    assert last(mapper(f"pitch = true\n{low_high}"), pitch) == [0.6]
    fine = mapper(f'cc = 1\nmode = "14bit"\n{VALUE}')
    assert last(fine, [cc(1, 64), cc(33, 1)])[-1] == pytest.approx((64 * 128 + 1) / 16383, abs=1e-6)
    assert last(mapper(f'cc = 1\nmode = "14bit"\n{VALUE}'), [cc(33, 5)]) == []
    assert last(mapper(f"cc = 1\nscale = [1.0, 0.0]\n{VALUE}"), [cc(1, 127)]) == [0.0]


@pytest.mark.parametrize(("value", "gain_db"), [(0, -12.0), (8192, 0.0), (16383, 12.0)])
def test_a_wheel_at_rest_is_exactly_in_the_middle(value, gain_db):
    found = mapper('pitch = true\nscale = [-12.0, 12.0]\nsend = ["/punchin/gain", "$value"]')
    (call,) = found.feed(Event("pitch", 1, 0, value), 0)
    assert call.messages == (("/punchin/gain", (gain_db,)),)


def test_a_logarithmic_knob_has_the_geometric_mean_in_the_middle():
    found = mapper(
        'pitch = true\ncurve = "log"\nscale = [40, 160]\nsend = ["/punchin/tempo", "$value"]'
    )
    calls = found.feed(Event("pitch", 1, 0, 8192), 0)
    assert calls[0].messages[0][1][0] == 80


@pytest.mark.parametrize(
    ("mode", "up", "down"), [("twos", 3, 125), ("sign", 3, 67), ("offset", 67, 61)]
)
def test_encoders_step_from_their_start_and_stop_at_the_ends(mode, up, down):
    entry = f'cc = 1\nmode = "{mode}"\nstart = 0.5\nstep = 0.1\n{VALUE}'
    assert last(mapper(entry), [cc(1, up)])[-1] == pytest.approx(0.8)
    assert last(mapper(entry), [cc(1, down)])[-1] == pytest.approx(0.2)
    assert last(mapper(entry), [cc(1, up)] * 9 + [cc(1, down)])[-1] == pytest.approx(0.7)


def test_a_sweep_is_told_at_most_every_thirty_milliseconds_and_its_end_always():
    said = last(mapper(f"cc = 1\n{VALUE}"), [cc(1, v) for v in range(128)])
    assert said[-1] == 1.0
    assert len(said) <= 1 + 127 // 30 + 1


def test_a_sweep_over_a_job_is_one_job():
    found = mapper('cc = 1\nsend = ["/punchin/repaint", "*", "strength", "$value"]')
    for v in range(128):
        assert found.feed(cc(1, v), v / 100) == []
        assert found.due(v / 100) == []
    assert found.next_due_s() == pytest.approx(1.27 + 0.25)
    (call,) = found.due(1.27 + 0.25)
    assert call.messages[0][1] == ("*", "strength", 1.0, "slot", "midi-c0")
    assert found.next_due_s() is None
    found.feed(cc(1, 127), 3)
    assert found.due(9) == []  # it stands where it stood


def test_the_foremost_state_lights_in_the_colour_of_the_map():
    colours = "[colours]\ngreen = 21\nred = 5\n"
    entry = f'note = 36\nled = {{ idle = "green", busy = 13, failed = "red" }}\n{STOP}'
    (pad,) = mapper(entry, head=colours).maps[0].controls
    assert light(pad, []) == b"\x90\x24\x15"
    assert light(pad, ["failed", "busy"], 10) == b"\x99\x24\x0d"
    assert light(pad, ["failed"]) == b"\x90\x24\x05"
    assert light(pad, ["on"]) == b"\x90\x24\x15"
    (knob,) = mapper(f"cc = 7\nchannel = 3\nled = {{ on = 127 }}\n{VALUE}").maps[0].controls
    assert light(knob, []) is None
    assert light(knob, ["on"]) == b"\xb2\x07\x7f"
