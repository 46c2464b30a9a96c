import json
from functools import cache

import numpy as np
import pytest
from listen_material import POP, RATE, add, names_by_bar, song, tone

from daemon.audio.grid import Grid, TempoPoint
from daemon.engines.sketch.listen import analysis_dict, chords, find_grid, key, listen
from daemon.engines.sketch.listen.qualities import lean


@cache
def pop(transpose=0, off_s=0.0, with_drums=True, beats=4, bpm=120.0):
    return song(transpose=transpose, off_s=off_s, with_drums=with_drums, beats=beats, bpm=bpm)


def bar_error(grid, bar_s, off_s=0.0):
    return abs((grid.downbeat + off_s + bar_s / 2) % bar_s - bar_s / 2)


def test_chords_key_and_kind_of_a_song():
    heard = listen(pop(), RATE, bpm=120, metre=(4, 4))
    assert names_by_bar(heard, 2.0, 8) == ["C", "G", "Am", "F"] * 2
    assert heard.key == "C major"
    assert heard.relative_key == "A minor"
    assert heard.kind == "mix"
    assert heard.has_drums


def test_chords_are_spelled_with_the_flats_of_their_key():
    heard = listen(pop(transpose=3), RATE, bpm=120)
    assert heard.key == "Eb major"
    assert names_by_bar(heard, 2.0, 4) == ["Eb", "Bb", "Cm", "Ab"]


def test_the_same_song_without_drums_has_none():
    assert not listen(pop(with_drums=False), RATE, bpm=120).has_drums


@pytest.mark.parametrize("off_s", [0.0, 0.31, 0.9, 1.7])
def test_the_downbeat_is_found_wherever_in_a_bar_the_clip_begins(off_s):
    heard = listen(pop(off_s=off_s), RATE, bpm=120, metre=(4, 4))
    assert bar_error(heard.grid, 2.0, off_s) < 0.02
    assert -0.06 <= heard.grid.downbeat < 2.0
    assert names_by_bar(heard, 2.0, 8, off_s)[1:7] == ["G", "Am", "F", "C", "G", "Am"]


def test_a_waltz_is_heard_in_three_when_nobody_says_so():
    clip = pop(beats=3, bpm=150.0)
    grid, _ = find_grid(clip, RATE, 150.0)
    assert grid.metre_at(0.0) == (3, 4)
    assert bar_error(grid, 1.2) < 0.02


def six_eight(bpm=96.0, bars=10):
    """Chords, kick and snare on the two dotted quarters of a bar, hats on its eighths."""
    quarter_s, out = 60 / bpm, np.zeros((round(bars * 180 / bpm * RATE), 2))
    random = np.random.Generator(np.random.PCG64(4))
    hiss = random.standard_normal(2200) * np.exp(-np.arange(2200) / 400)
    for half in range(2 * bars):
        at = 1.5 * half * quarter_s
        root, quality = POP[half // 2 % 4]
        for midi in (36, 60, 67, 63 if quality == "m" else 64):
            add(out, tone(midi + root, 1.4 * quarter_s), at, 0.12)
        add(out, hiss if half % 2 else tone(28, 0.1, decay_s=0.05), at, 0.5)
        for eighth in range(3):
            add(out, np.diff(hiss[:400], prepend=0), at + eighth * quarter_s / 2, 0.2)
    return (0.7 * out / np.abs(out).max()).astype(np.float32)


def test_six_eight_is_told_from_a_waltz_when_nobody_says_so():
    grid, _ = find_grid(six_eight(), RATE, 96.0)
    assert grid.metre_at(0.0) == (6, 8)
    assert bar_error(grid, 180 / 96) < 0.02


def test_swung_off_beats_do_not_pull_the_beat():
    clip = np.zeros((16 * RATE, 2))
    for beat in range(32):
        root, quality = POP[beat // 4 % 4]
        if beat % 4 == 0:
            add(clip, tone(36 + root, 1.9, decay_s=2), beat * 0.5, 0.2)
        for step in (0, 3 if quality == "m" else 4, 7):
            add(clip, tone(60 + (root + step) % 12, 0.15), (beat + 2 / 3) * 0.5, 0.15)
    grid, _ = find_grid(clip.astype(np.float32), RATE, 120.0, (4, 4))
    assert bar_error(grid, 2.0) < 0.03


@pytest.mark.parametrize("bpm", [84.0, 97.3, 128.0])
def test_an_untold_tempo_is_found_within_a_percent(bpm):
    grid, confidence = find_grid(pop(bpm=bpm), RATE)
    ratio = grid.tempo_at(0) / bpm
    assert min(abs(ratio / k - 1) for k in (0.5, 1, 2)) < 0.01
    assert confidence > 0.2


def test_what_was_told_is_kept():
    told = Grid.steady(120.0, downbeat=0.5)
    heard = listen(pop(), RATE, told, downbeat_told=True, key="A minor")
    assert heard.grid is told
    assert heard.downbeat_confidence == 1.0
    assert heard.key == "A minor"
    assert heard.key_confidence == 1.0


def test_a_told_tempo_map_keeps_its_points_and_gets_a_downbeat():
    told = Grid((TempoPoint(0.0, 120.0), TempoPoint(8.0, 119.0)), downbeat=0.0)
    heard = listen(pop(off_s=0.9), RATE, told)
    assert heard.grid.points == told.points
    assert bar_error(heard.grid, 2.0, 0.9) < 0.03


def test_the_parts_agree_with_the_whole():
    heard = listen(pop(), RATE, bpm=120, metre=(4, 4))
    assert chords(pop(), RATE, heard.grid) == heard.chords
    assert find_grid(pop(), RATE, 120.0, (4, 4))[0] == heard.grid
    assert key(pop(), RATE)[0] in ("C major", "A minor", "F major", "G major")


def test_chords_leave_no_gap_and_neighbours_differ():
    heard = listen(pop(off_s=0.9), RATE, bpm=120)
    assert heard.chords[0].start_s == 0.0
    assert heard.chords[-1].end_s == pytest.approx(heard.length_s)
    for before, after in zip(heard.chords, heard.chords[1:], strict=False):
        assert before.end_s == after.start_s
        assert before.name != after.name


def test_seventh_and_diminished_chords_are_told_from_triads():
    loop = ((9, "m7"), (2, "7"), (7, ""), (6, "dim"))
    heard = listen(song(loop, lead=False), RATE, bpm=120, metre=(4, 4))
    assert names_by_bar(heard, 2.0, 4) == ["Am7", "D7", "G", "F#dim"]


def test_all_seven_qualities_are_told_apart():
    loop = ((0, "maj7"), (9, "m7"), (2, "m"), (7, "sus4"), (7, "7"), (5, ""), (11, "dim"), (0, ""))
    heard = listen(song(loop, lead=False), RATE, bpm=120, metre=(4, 4))
    wanted = ["Cmaj7", "Am7", "Dm", "Gsus4", "G7", "F", "Bdim", "C"]
    assert sum(a == b for a, b in zip(names_by_bar(heard, 2.0, 8), wanted, strict=True)) >= 7


def test_chords_may_change_in_the_middle_of_a_bar():
    halves = song(((0, ""), (7, ""), (9, "m"), (5, "")), bpm=120.0, bars=16, beats=2, lead=False)
    heard = listen(halves, RATE, Grid.steady(120.0), downbeat_told=True)
    assert [heard.chord_at(k + 0.5) for k in range(8)] == ["C", "G", "Am", "F"] * 2


def test_seventh_chords_lean_on_each_other():
    minor_sevenths, major = np.array([3] * 8), np.array([0] * 8)
    assert lean(minor_sevenths)[3] > 0 > lean(minor_sevenths)[0]
    assert lean(major)[0] > 0 > lean(major)[3]
    assert not lean(np.array([], int)).any()


def test_a_detuned_song_has_the_same_chords():
    clip = pop()
    at = np.arange(0, len(clip) - 1, 2 ** (0.4 / 12))
    sharp = np.stack([np.interp(at, np.arange(len(clip)), c) for c in clip.T], axis=1)
    bpm = 120 * 2 ** (0.4 / 12)
    heard = listen(sharp.astype(np.float32), RATE, bpm=bpm, metre=(4, 4))
    assert names_by_bar(heard, 240 / bpm, 8) == ["C", "G", "Am", "F"] * 2


def test_the_analysis_is_json_in_the_agreed_shape():
    heard = listen(pop(off_s=0.9), RATE, bpm=120)
    data = json.loads(json.dumps(analysis_dict(heard), allow_nan=False))
    agreed = "bpm meter key key_confidence downbeats chords notes loudness_lufs peak_dbfs voiced"
    assert set(agreed.split()) <= data.keys()
    assert data["meter"] == "4/4"
    assert data["bpm"] == 120
    assert np.allclose(np.diff(data["downbeats"]), 2.0, atol=1e-3)
    assert {"start", "end", "name"} == data["chords"][0].keys()
    assert len(POP) <= len(data["chords"])


def test_listening_twice_is_the_same():
    assert listen(pop(), RATE, bpm=120) == listen(pop(), RATE, bpm=120)


def test_the_lead_of_a_mix_is_heard_without_overlaps():
    clip = song(lead=False).astype(np.float64)
    line = [72 + step for step in (0, 4, 7, 5, 2, 7, 9, 4, 5, 0, 4, 7, 9, 5, 2, 4)]
    for at, midi in enumerate(line):
        add(clip, tone(midi, 0.9), at, 0.25)
    heard = listen(clip.astype(np.float32), RATE, bpm=120, metre=(4, 4))
    found = [
        any(n.start_s <= at + 0.4 < n.end_s and abs(n.midi - midi) < 0.5 for n in heard.notes)
        for at, midi in enumerate(line)
    ]
    assert sum(found) >= 14
    for before, after in zip(heard.notes, heard.notes[1:], strict=False):
        assert before.start_s < before.end_s <= after.start_s + 1e-9
    assert max(n.confidence for n in heard.notes) <= 0.6


def test_a_quiet_third_touched_once_in_a_bar_tells_the_mode():
    out = np.zeros((16 * RATE, 2))
    for bar, (root, third) in enumerate(((0, 4), (9, 3), (2, 3), (7, 4)) * 2):
        add(out, tone(36 + root, 1.9, decay_s=3.0), 2 * bar, 0.15)
        for beat in range(4):
            for midi in (60 + root, 67 + root):
                add(out, tone(midi, 0.45), 2 * bar + 0.5 * beat, 0.1)
        add(out, tone(60 + root + third, 0.45), 2 * bar + 0.5, 0.025)
    clip = (0.7 * out / np.abs(out).max()).astype(np.float32)
    found = chords(clip, RATE, Grid.steady(120.0))
    assert [chord.name for chord in found] == ["C", "Am", "Dm", "G"] * 2
