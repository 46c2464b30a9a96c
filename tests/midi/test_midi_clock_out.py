"""Clock out: begin on a sixteenth, ticks in time, jumps, stop; and what our own clock in reads."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.midi.clock import Clock
from bridge.midi.clock_out import ClockOut, Song

TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"


def run(out, begin_s, end_s, step_s=0.001):
    """What is sent from one time to another, with the time of sending."""
    sent, now_s = [], begin_s
    while now_s < end_s:
        sent += [(now_s, m) for m in out.ticks(now_s)]
        now_s += step_s
    return sent


def test_the_first_beat_is_a_start_and_a_tick_at_once():
    out = ClockOut()
    assert out.due_s == math.inf
    assert out.follow(Song(True, 10.0, 0.0, 120), 10.0) == [START]
    assert out.due_s == 10.0
    sent = run(out, 10.0, 10.9999)
    assert len(sent) == 48
    for i, (time_s, message) in enumerate(sent):
        assert message == TICK
        assert -1e-6 <= time_s - (10 + i * 60 / 120 / 24) <= 0.0011


def test_in_the_middle_it_begins_on_the_next_sixteenth():
    out = ClockOut()
    song = Song(True, 10.0, 5.1, 120)
    assert out.follow(song, 10.0) == [bytes((0xF2, 21, 0)), CONTINUE]  # beat 5.25
    assert out.due_s == pytest.approx(10 + 0.15 * 0.5)
    assert run(out, 10.0, out.due_s - 0.002) == []


def test_a_jump_stops_and_begins_anew_and_a_drift_does_not():
    out = ClockOut()
    out.follow(Song(True, 0.0, 0.0, 120), 0.0)
    run(out, 0.0, 1.0)
    assert out.follow(Song(True, 1.0, 2.02, 121), 1.0) == []
    assert out.follow(Song(True, 1.0, 8.0, 121), 1.0) == [STOP, bytes((0xF2, 32, 0)), CONTINUE]
    assert out.follow(Song(False, 1.1, 8.2, 121), 1.1) == [STOP]
    assert (out.due_s, out.ticks(9.0)) == (math.inf, [])


def test_after_a_pause_of_ours_no_burst_of_ticks():
    out = ClockOut()
    out.follow(Song(True, 0.0, 0.0, 120), 0.0)
    assert out.ticks(5.0)[0] == STOP
    assert out.ticks(5.0)[:1] in ([], [TICK])


@pytest.mark.parametrize("bpm", [60, 97.5, 174])
def test_our_own_clock_in_reads_what_was_meant(bpm):
    out, clock = ClockOut(), Clock()
    song = Song(True, 100.0, 7.3, bpm)
    for message in out.follow(song, 100.0):
        clock.feed(message, 100.0)
    for time_s, message in run(out, 100.0, 100 + 8 * 60 / bpm):
        clock.feed(message, time_s)
    assert clock.line.bpm == pytest.approx(bpm, abs=0.05)
    assert clock.beat(time_s) == pytest.approx(7.3 + (time_s - 100) * bpm / 60, abs=0.02)


@given(
    st.lists(
        st.tuples(st.booleans(), st.floats(-10, 5000), st.floats(20, 400), st.floats(0, 1.5)),
        max_size=12,
    )
)
@settings(deadline=None, max_examples=80)
def test_ticks_are_only_sent_between_begin_and_stop(rows):
    out, now_s, playing = ClockOut(), 0.0, False
    for plays, beat, bpm, wait_s in rows:
        told = out.follow(Song(plays, now_s, beat, bpm), now_s)
        told += [m for _, m in run(out, now_s, now_s + wait_s, 0.01)]
        now_s += wait_s
        for message in told:
            if message == TICK:
                assert playing
            elif message in (START, CONTINUE):
                assert not playing
                playing = True
            elif message == STOP:
                assert playing
                playing = False
            else:
                assert message[0] == 0xF2
                assert not playing
