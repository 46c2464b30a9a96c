"""Clock, song position, time code and machine control, with a clock that is only a number."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.midi.clock import Clock
from bridge.midi.tempo_fit import TempoFit
from bridge.midi.timecode import QuarterFrames, full_frame, machine_control, seconds

PERIOD_S = 256 / 48000
TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"


def arrivals(bpm, count, seed=0, begin_s=100.0):
    """When ticks come over a system that hands them on once a period, read a little late."""
    rng = np.random.Generator(np.random.PCG64(seed))
    due = begin_s + np.arange(count) * 60 / bpm / 24
    return (np.ceil(due / PERIOD_S) * PERIOD_S + rng.uniform(0, 0.002, count)).tolist()


@pytest.mark.parametrize("bpm", [60, 97.5, 120, 140])
@pytest.mark.parametrize("seed", range(5))
def test_four_beats_give_the_tempo_within_six_hundredths(bpm, seed):
    fit = TempoFit()
    for time_s in arrivals(bpm, 96, seed):
        fit.tick(time_s)
    assert fit.line.settled
    assert abs(fit.line.bpm - bpm) <= 0.06


@pytest.mark.parametrize(("before", "after"), [(120, 126), (90, 60), (100, 101)])
def test_a_change_of_tempo_is_followed_within_two_beats(before, after):
    fit = TempoFit()
    first = arrivals(before, 400)
    for time_s in first:
        fit.tick(time_s)
    assert abs(fit.line.bpm - before) < 0.02
    for time_s in arrivals(after, 96, 1, first[-1] + 60 / after / 24)[:72]:
        fit.tick(time_s)
    assert abs(fit.line.bpm - after) < 0.6


def test_jitter_alone_never_shortens_the_window():
    for seed in range(8):
        fit = TempoFit()
        for time_s in arrivals(120, 384, seed):
            fit.tick(time_s)
        assert fit.line.count == 384


def test_a_gap_or_time_running_backwards_begins_anew():
    fit = TempoFit()
    for time_s in [*arrivals(120, 96), 500.0]:
        fit.tick(time_s)
    assert (fit.count, fit.line) == (1, None)
    fit.tick(499.0)
    assert fit.count == 1


def running(bpm=120, ticks=96, position=None):
    """A clock that was started; what it said, and when the last tick came."""
    clock, said = Clock(), []
    if position is not None:
        clock.feed(bytes((0xF2, position & 127, position >> 7)), 99.0)
    for i, time_s in enumerate(arrivals(bpm, 96 + ticks)):
        if i == 96:
            said += clock.feed(START if position is None else CONTINUE, time_s - 0.001)
        said += clock.feed(TICK, time_s)
    return clock, said, time_s


def test_a_started_clock_tells_every_beat():
    clock, said, _ = running(ticks=97)
    assert [a for a, _ in said] == ["/punchin/transport"] * 5
    for beat, (_, (playing, told, bpm)) in enumerate(said):
        assert playing == 1
        assert told == pytest.approx(beat, abs=0.012)  # 6 ms at 120 bpm
        assert bpm == pytest.approx(120, abs=0.06)
    assert clock.playing


def test_continue_goes_on_from_the_song_position():
    _, said, _ = running(position=32, ticks=25)
    assert said[0][1][1] == pytest.approx(8, abs=0.012)
    assert said[1][1][1] == pytest.approx(9, abs=0.012)


def test_stop_holds_the_position_and_is_told_once():
    clock, _, time_s = running(ticks=61)
    ((_, (playing, beat, _)),) = clock.feed(STOP, time_s)
    assert (playing, beat) == (0, pytest.approx(2.5, abs=0.012))
    assert clock.feed(STOP, time_s + 1) == []
    assert clock.beat(time_s + 5) == pytest.approx(beat, abs=1e-6)


def test_ticks_without_start_move_nothing_but_give_the_tempo():
    clock = Clock()
    said = [m for t in arrivals(120, 96) for m in clock.feed(TICK, t)]
    assert said == []
    assert clock.line.bpm == pytest.approx(120, abs=0.06)
    assert not clock.playing


def test_without_a_tempo_yet_only_playing_is_told():
    clock = Clock()
    clock.feed(START, 1.0)
    assert clock.feed(TICK, 1.0) == [("/punchin/transport/playing", (1,))]
    assert clock.feed(STOP, 1.1) == [("/punchin/transport/playing", (0,))]


def test_a_sender_that_falls_silent_has_stopped():
    clock, _, time_s = running()
    assert clock.due(time_s + 0.2) == []
    assert clock.due(time_s + 0.6)[0][1][0] == 0
    assert clock.due(time_s + 0.9) == []


def test_ticks_that_were_only_late_take_the_song_up_again():
    clock, on_time = Clock(), Clock()
    ticks = [100 + i / 48 for i in range(96)]
    for each in (clock, on_time):
        each.feed(START, 100.0)
        for time_s in ticks[:48]:
            each.feed(TICK, time_s)
    read_s = ticks[47] + 0.6
    assert clock.due(read_s)[0][1][0] == 0
    assert clock.feed(TICK, ticks[48], read_s)[0][1][0] == 1
    on_time.feed(TICK, ticks[48])
    for time_s in ticks[49:]:
        assert clock.feed(TICK, time_s) == on_time.feed(TICK, time_s)
    assert clock.beat(ticks[-1]) == on_time.beat(ticks[-1]) == pytest.approx(95 / 24)


def test_ticks_after_a_real_silence_or_a_stop_do_not():
    for stops in (False, True):
        clock, _, time_s = running()
        if stops:
            clock.feed(STOP, time_s + 0.01)
        clock.due(time_s + 0.6)
        assert clock.feed(TICK, time_s + (0.02 if stops else 0.61)) == []
        assert not clock.playing


def test_the_position_is_right_also_when_it_is_told_later_than_the_tick():
    clock, _, time_s = running(ticks=97)
    at_once, later = clock.beat(time_s), clock.beat(time_s + 0.025)
    assert later - at_once == pytest.approx(0.05, abs=0.002)


def test_song_position_while_playing_is_obeyed():
    clock, _, time_s = running(ticks=49)
    clock.feed(b"\xf2\x40\x00", time_s)
    assert clock.beat(time_s) == pytest.approx(16, abs=0.06)


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=6), st.floats(0, 2)), max_size=60))
@settings(deadline=None, max_examples=100)
def test_nothing_breaks_the_clock(rows):
    from bridge.midi.stream import Stream
    from bridge.protocol import check

    clock, stream, now_s = Clock(), Stream(), 0.0
    for data, gap_s in rows:
        now_s += gap_s
        for message in stream.feed(data):
            for address, args in [*clock.feed(message, now_s), *clock.due(now_s)]:
                check.arguments(check.command(address), args)


@pytest.mark.parametrize("seed", range(5))
def test_the_next_bar_is_known_within_a_period_and_three_milliseconds(seed):
    """What the clock tells, through what waits for the bar: against when the sender means it."""
    from daemon.player.transport import Follower

    bpm, begin_s, song, clock = 100, 100.0, Follower(), Clock()
    for i, came_s in enumerate(arrivals(bpm, 96 * 3, seed, begin_s)):
        now_s = came_s + 0.001
        told = clock.feed(START, came_s, now_s) if i == 96 else []
        for address, args in [*told, *clock.feed(TICK, came_s, now_s)]:
            assert address == "/punchin/transport"
            song.whole(now_s, bool(args[0]), *args[1:])
    meant_s = begin_s + 96 * 3 * 60 / bpm / 24  # beat 8, just after the last tick
    assert song.line.next_bar(now_s) == 8
    assert abs(song.line.time_of(8) - meant_s) <= PERIOD_S + 0.003


# -- time code -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "rate"), [(0, 24), (1, 25), (2, 30000 / 1001), (3, 30)]
)  # fmt: skip
def test_time_code_of_every_rate(bits, rate):
    assert seconds(bits << 5 | 1, 0, 0, 12) == pytest.approx(3600 + 12 / rate, abs=0.004)
    assert seconds(bits << 5, 0, 10, 99) is None


def test_drop_frame_leaves_out_two_frames_a_minute_but_not_every_tenth():
    df = 2 << 5
    rate = 30000 / 1001
    assert seconds(df, 1, 0, 2) * rate == pytest.approx(1800)
    assert seconds(df, 10, 0, 0) * rate == pytest.approx(17982)


def quarter_frames(hours, minutes, second, frame, bits=1):
    values = (frame, second, minutes, hours | bits << 5)
    nibbles = itertools.chain.from_iterable((v & 15, v >> 4) for v in values)
    return [i << 4 | n for i, n in enumerate(nibbles)]


def test_eight_quarter_frames_are_a_position_seven_quarters_later():
    frames = QuarterFrames()
    said = [frames.feed(d) for d in quarter_frames(1, 2, 3, 4)]
    assert said[:7] == [None] * 7
    assert said[7] == pytest.approx(3723 + (4 + 1.75) / 25)


def test_a_lost_quarter_frame_costs_one_position_and_no_more():
    frames = QuarterFrames()
    broken = quarter_frames(0, 0, 1, 0)[:3] + quarter_frames(0, 0, 1, 0)[4:]
    assert not any(frames.feed(d) for d in broken)
    assert [frames.feed(d) for d in quarter_frames(0, 0, 2, 0)][-1] == pytest.approx(2.07)


def test_time_code_plays_and_its_end_stops():
    clock = Clock()
    said = [
        m
        for i, d in enumerate(quarter_frames(0, 0, 5, 0))
        for m in clock.feed(bytes((0xF1, d)), i / 100)
    ]
    assert said == [
        ("/punchin/transport/seconds", (pytest.approx(5.07),)),
        ("/punchin/transport/playing", (1,)),
    ]
    assert clock.due(0.3) == []
    assert clock.due(0.7) == [("/punchin/transport/playing", (0,))]


def test_full_frames_and_machine_control():
    assert full_frame(bytes.fromhex("f07f7f0101" + "20000a00" + "f7")) == 10
    assert full_frame(bytes.fromhex("f07f7f0101200af7")) is None
    assert machine_control(bytes.fromhex("f07f7f0602f7")) == ("playing", 1)
    assert machine_control(bytes.fromhex("f07f7f0601f7")) == ("playing", 0)
    located = machine_control(bytes.fromhex("f07f7f06440601" + "2000050000" + "f7"))
    assert located == ("seconds", 5)
    assert machine_control(bytes.fromhex("f07f7f0644f7")) is None
    clock = Clock()
    assert clock.feed(bytes.fromhex("f07f7f0601f7"), 0) == [("/punchin/transport/playing", (0,))]
    assert clock.feed(bytes.fromhex("f07f7f010120000a00f7"), 0) == [
        ("/punchin/transport/seconds", (10,))
    ]
