"""Swing and sections: what a clip's eighths and its bars as a whole do."""

import json

import numpy as np
import pytest
from listen_material import POP, RATE, add, drums, song, sung, tone

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen import analysis_dict, listen

GRID = Grid.steady(120.0)


def shuffle(share):
    """Chords on every beat and, softer, `share` of a beat after it."""
    clip = np.zeros((16 * RATE, 2))
    for beat in range(32):
        root, quality = POP[beat // 4 % 4]
        for late, gain in ((0.0, 0.2), (share, 0.12)):
            for step in (0, 3 if quality == "m" else 4, 7):
                add(clip, tone(60 + (root + step) % 12, 0.15), (beat + late) * 0.5, gain)
    return clip.astype(np.float32)


@pytest.mark.parametrize(("share", "swing"), [(0.5, 0.0), (0.6, 0.6), (2 / 3, 1.0)])
def test_swing_is_how_late_the_off_beats_come(share, swing):
    heard = listen(shuffle(share), RATE, GRID, downbeat_told=True)
    assert heard.swing == pytest.approx(swing, abs=0.12)
    assert analysis_dict(heard)["swing"] == pytest.approx(swing, abs=0.12)


def test_what_has_no_off_beats_does_not_swing():
    voice = sung([(2.0 * bar, 2.0 * bar + 1.9, 60 + bar % 5) for bar in range(8)])
    assert listen(voice, RATE, GRID, downbeat_told=True).swing == 0.0


def letters(heard):
    return [(round(s.start_s / 2), s.label) for s in heard.sections]


def test_a_song_of_verses_and_choruses_comes_apart_into_them():
    verse, chorus = song(with_drums=False, lead=False), song()
    clip = np.concatenate([0.5 * verse, chorus, 0.5 * verse, chorus])
    heard = listen(clip, RATE, GRID, downbeat_told=True)
    assert letters(heard) == [(0, "A"), (8, "B"), (16, "A"), (24, "B")]
    assert heard.sections[-1].end_s == pytest.approx(heard.length_s)
    data = json.loads(json.dumps(analysis_dict(heard), allow_nan=False))
    assert [s["label"] for s in data["sections"]] == ["A", "B", "A", "B"]


def test_other_harmony_in_the_same_sound_is_another_section():
    other = ((4, "m"), (11, ""), (6, "m"), (1, "m"))
    clip = np.concatenate([song(lead=False), song(other, lead=False), song(lead=False)])
    heard = listen(clip, RATE, GRID, downbeat_told=True)
    labels = [s.label for s in heard.sections]
    assert len(heard.sections) == 3
    assert labels[0] == labels[2] != labels[1]


def test_a_loop_is_one_section():
    assert letters(listen(song(bars=16), RATE, GRID, downbeat_told=True)) == [(0, "A")]


def test_drums_and_silence_have_sections_too():
    out = np.zeros((8 * RATE, 2))
    drums(out, 120, 4, 4)
    clip = (0.5 * out / np.abs(out).max()).astype(np.float32)
    assert letters(listen(clip, RATE, GRID, downbeat_told=True)) == [(0, "A")]
    assert letters(listen(np.zeros_like(clip), RATE)) == [(0, "A")]
