"""What was played as a MIDI file: over a song, without one, notes cut by the end."""

import io

import mido
import pytest

from bridge.midi.clock import Clock
from bridge.midi.played import PPQ, Recorder, midi_file
from daemon.engines.sketch.plan.midi_reading import plan_from_midi

TICK_S = 60 / 100 / 24


def free(**told):
    """A recorder for 120 bpm without a song."""
    return Recorder(lambda _: None, bar_quarters=4, bpm=120, **told)


def over(beats, **told):
    """A recorder over a song at 60 bpm that is at `beats` at second 0."""
    return Recorder(lambda now_s: beats + now_s, 4, 60, **told)


def play(recorder, *rows, until_s=None):
    for at_s, *message in rows:
        recorder.feed(bytes(message), at_s)
    if until_s is not None:
        recorder.done(until_s)
    return [(round(a, 2), round(b, 2), k) for a, b, k, _ in recorder.finish()[0]]


def test_without_a_song_the_first_note_is_beat_0():
    recorder = free(length=4)
    assert not recorder.done(99.0)
    found = play(
        recorder,
        (10.0, 0x90, 60, 90),
        (10.5, 0x80, 60, 0),
        (10.5, 0x90, 62, 90),
        (10.9, 0x90, 62, 0),
    )
    assert found == [(0, 1, 60), (1, 1.8, 62)]
    assert not recorder.done(11.9)
    assert recorder.done(12.0)


def test_the_end_cuts_and_what_comes_later_is_left_out():
    found = play(
        free(length=4),
        (0.0, 0x90, 60, 9),
        (1.9, 0x90, 64, 9),
        (2.1, 0x90, 65, 9),
        (2.2, 0x80, 60, 0),
    )
    assert found == [(0, 4, 60), (3.8, 4, 64)]


def test_a_key_struck_again_ends_the_note_before():
    rows = (0.0, 0x90, 60, 9), (0.5, 0x90, 60, 9)
    assert play(free(length=4), *rows, until_s=2.0) == [(0, 1, 60), (1, 4, 60)]


def test_what_is_no_note_is_left_out():
    rows = (0.0, 0xB0, 1, 9), (0.1, 0xE0, 0, 64), (0.2, 0xC0, 5), (0.3, 0x90, 60, 9)
    assert play(free(length=4), *rows, until_s=1.3) == [(0, 2, 60)]


def test_over_a_song_it_begins_at_the_bar_line_before_the_first_note():
    # Second 1.95 is a little before the bar line at beat 8.
    rows = (1.95, 0x90, 60, 9), (3.0, 0x80, 60, 0), (4.0, 0x90, 64, 9), (5.0, 0x80, 64, 0)
    recorder = over(6.0, length=4)
    assert play(recorder, *rows) == [(0, 1, 60), (2, 3, 64)]
    assert recorder.begin == 8
    assert recorder.done(6.0)


def test_bar_lines_lie_where_the_song_has_them():
    recorder = over(6.0, length=4, bar_beat=1.0)
    recorder.feed(bytes((0x90, 60, 9)), 0.0)
    assert recorder.begin == 5.0


def test_an_armed_one_waits_for_its_place():
    recorder = over(0.0, begin=4.0, length=4)
    assert not recorder.done(1.0)
    rows = (1.0, 0x90, 50, 9), (3.9, 0x90, 60, 9), (4.5, 0x80, 60, 0), (4.6, 0x80, 50, 0)
    assert play(recorder, *rows) == [(0, 0.5, 60)]
    assert recorder.begun
    assert recorder.done(8.0)


def test_one_that_is_armed_behind_the_song_waits_for_the_next_round():
    place = [9.0]
    recorder = Recorder(lambda _: place[0], 4, 60, begin=4.0, length=4)
    assert not recorder.done(0.0)
    recorder.feed(bytes((0x90, 60, 9)), 0.0)
    place[0] = 4.5
    recorder.feed(bytes((0x90, 62, 9)), 1.0)
    place[0] = 8.0
    assert recorder.done(2.0)
    assert recorder.finish() == ([(0.5, 4.0, 62, 9)], 4)


@pytest.mark.parametrize("after", [None, 2.0], ids=["it stops", "it goes round"])
def test_it_ends_with_the_song(after):
    place = [4.0]
    recorder = Recorder(lambda _: place[0], 4, 60, begin=4.0)
    recorder.feed(bytes((0x90, 60, 9)), 0.0)
    place[0] = 9.5
    assert not recorder.done(1.0)
    place[0] = after
    recorder.feed(bytes((0x90, 65, 9)), 1.1)
    assert recorder.done(1.1)
    assert recorder.finish() == ([(0.0, 5.5, 60, 9)], 8)


@pytest.mark.parametrize(("told_s", "step", "end"), [(5.0, 4, 8), (3.0, 1, 3), (0.1, 4, 4)])
def test_an_end_that_is_told_comes_at_the_next_line(told_s, step, end):
    recorder = over(0.0, begin=0.0)
    recorder.feed(bytes((0x90, 60, 9)), 0.0)
    recorder.end_at(told_s, step)
    assert recorder.length == end
    assert not recorder.done(end - 0.1)
    assert recorder.done(end)


def test_a_clock_is_a_song():
    clock = Clock()
    events = [(i * TICK_S, 0xF8) for i in range(24 * 13)]
    events.append((96 * TICK_S - 0.001, 0xFA))  # tick 96 is beat 0
    for at_s, message in sorted(events):
        assert clock.song(at_s) is None or at_s > 96 * TICK_S - 0.002
        clock.feed(bytes((message,)), at_s)
    assert clock.song((96 + 4 * 24) * TICK_S + 5 * 24 * TICK_S) == pytest.approx(9, abs=0.01)
    clock.feed(b"\xfc", 24 * 13 * TICK_S)
    assert clock.song(24 * 13 * TICK_S) is None


def test_the_file_is_as_long_as_the_bars_and_the_engine_reads_it():
    notes = [(0.0, 1.0, 60, 90), (1.0, 2.5, 64, 80), (1.0, 2.0, 67, 70)]
    data = midi_file(notes, 96.0, 3, 4, 6.0)
    score = mido.MidiFile(file=io.BytesIO(data))
    assert score.length == pytest.approx(6 * 60 / 96, abs=1e-3)
    assert score.ticks_per_beat == PPQ
    plan = plan_from_midi(data, {})
    played = sorted((n.start_quarter, n.midi) for p in plan.parts for n in p.notes)
    assert played == [(0.0, 60), (1.0, 64), (1.0, 67)]
