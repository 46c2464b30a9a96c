"""What was played as a MIDI file: with a clock, without one, notes cut by the end."""

import io

import mido
import pytest

from bridge.midi.played import PPQ, Recorder, midi_file
from daemon.engines.sketch.plan.midi_reading import plan_from_midi

TICK_S = 60 / 100 / 24


def play(recorder, *rows):
    for at_s, *message in rows:
        recorder.feed(bytes(message), at_s)
    return [(round(a, 2), round(b, 2), k) for a, b, k, _ in recorder.finish()]


def test_without_a_clock_the_first_note_is_beat_0():
    recorder = Recorder(bars=1, bar_quarters=4, bpm=120)
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
        Recorder(1, 4, 120),
        (0.0, 0x90, 60, 9),
        (1.9, 0x90, 64, 9),
        (2.1, 0x90, 65, 9),
        (2.2, 0x80, 60, 0),
    )
    assert found == [(0, 4, 60), (3.8, 4, 64)]


def test_a_key_struck_again_ends_the_note_before():
    assert play(Recorder(1, 4, 120), (0.0, 0x90, 60, 9), (0.5, 0x90, 60, 9)) == [
        (0, 1, 60),
        (1, 4, 60),
    ]


def test_over_a_clock_it_begins_at_the_bar_line_and_has_the_clocks_tempo():
    recorder = Recorder(bars=1, bar_quarters=4, bpm=120)
    events = [(i * TICK_S, 0xF8) for i in range(24 * 13)]
    events.append((96 * TICK_S - 0.001, 0xFA))  # tick 96 is beat 0
    second_bar = (96 + 4 * 24) * TICK_S
    beat_s = 24 * TICK_S
    # The first note comes a little early, the second on beat 2 of that bar.
    events += [(second_bar - 0.02, 0x90, 60, 9), (second_bar + beat_s, 0x80, 60, 0)]
    events += [(second_bar + 2 * beat_s, 0x90, 64, 9), (second_bar + 3 * beat_s, 0x80, 64, 0)]
    assert play(recorder, *sorted(events)) == [(0, 1, 60), (2, 3, 64)]
    assert recorder.tempo == pytest.approx(100, abs=0.01)
    assert recorder.done(second_bar + 4.01 * beat_s)


def test_the_file_is_as_long_as_the_bars_and_the_engine_reads_it():
    notes = [(0.0, 1.0, 60, 90), (1.0, 2.5, 64, 80), (1.0, 2.0, 67, 70)]
    data = midi_file(notes, 96.0, 3, 4, 6.0)
    score = mido.MidiFile(file=io.BytesIO(data))
    assert score.length == pytest.approx(6 * 60 / 96, abs=1e-3)
    assert score.ticks_per_beat == PPQ
    plan = plan_from_midi(data, {})
    played = sorted((n.start_quarter, n.midi) for p in plan.parts for n in p.notes)
    assert played == [(0.0, 60), (1.0, 64), (1.0, 67)]
