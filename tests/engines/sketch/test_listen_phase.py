"""Where the beat lies: candidates need strokes on them, and swelling notes begin early."""

import numpy as np
import pytest
from listen_material import RATE, add, tone

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen import find_grid
from daemon.engines.sketch.listen.frames import to_ear
from daemon.engines.sketch.listen.onsets import attack_strength, onset_strength
from daemon.engines.sketch.listen.phase import Scene, candidates
from daemon.engines.sketch.listen.pulse import pulses
from daemon.engines.sketch.listen.tonal import tones

BEAT_S = 0.5


def strokes(places, bars=4):
    """Struck chords at `places` (of a beat, with a gain) of every beat at 120 beats a minute."""
    out = np.zeros((int(bars * 4 * BEAT_S * RATE), 2))
    for beat in range(bars * 4):
        for place, gain in places:
            add(out, tone(60 + 5 * (beat % 2), 0.2, decay_s=0.1), (beat + place) * BEAT_S, gain)
    return out.astype(np.float32)


def phases(places):
    sound = strokes(places)
    signal = to_ear(sound, RATE)
    length_s = len(sound) / RATE
    beat = pulses(Grid.steady(120.0), length_s)
    heard = Scene(onset_strength(signal), tones(signal), beat, length_s, attack_strength(signal))
    return candidates(heard)[0]


def near(found, phase):
    return any(abs((f - phase + 0.5) % 1 - 0.5) < 0.06 for f in found)


def test_no_beat_is_looked_for_where_nothing_begins():
    even = phases([(0.0, 0.2), (0.5, 0.3)])
    assert near(even, 0.0)
    assert near(even, 0.5)
    assert not near(even, 0.5 + 1 / 3)


def test_the_beat_before_a_louder_swung_stroke_is_looked_for():
    assert near(phases([(0.0, 0.2), (2 / 3, 0.3)]), 0.0)


@pytest.mark.parametrize("swell_s", [0.0, 0.06])
def test_a_beat_is_where_its_notes_begin_to_swell(swell_s):
    out = np.zeros((int(8.4 * RATE), 2))
    for beat, root in enumerate((48, 55, 60, 55) * 4):
        for midi in (root, root + 4, root + 7) if beat % 4 == 0 else (root + 12,):
            sound = tone(midi, 0.48, decay_s=3.0)
            if swell_s:
                sound = sound * np.minimum(1, np.arange(len(sound)) / (swell_s * RATE))
            add(out, sound, 0.2 + 0.5 * beat, 0.15)
    found, _ = find_grid(out.astype(np.float32), RATE, 120.0, (4, 4))
    late = (found.downbeat - 0.2 + 0.25) % 0.5 - 0.25
    assert -0.006 < late < 0.014
