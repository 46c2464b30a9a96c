"""The key: profiles of scale degrees against the notes heard, and against the chords.

A key is an index: 0…11 major on C, C#, …; 12…23 minor.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.harmony import NONE
from daemon.engines.sketch.listen.names import MAJOR_SCALE, QUALITIES, key_name
from daemon.engines.sketch.listen.types import Note

# Shares of scale degrees from the tonic up, major and minor: Krumhansl & Kessler (1982),
# Temperley (2001), Albrecht & Shanahan (2013).
_PROFILES = (
    (
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    ),
    (
        (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
        (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
    ),
    (
        (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
    ),
)
# Weights of the evidence, a conditional logit fitted on rendered clips with known keys.
_PROFILE_WEIGHT = 2.0
_LONE_PROFILE_WEIGHT = 12.0  # where there are no chords to go by
_CHORD_WEIGHTS = np.array([8.0, 0.0, 1.6])
# Weight of a melody's own harmony, chosen on the tunes that are there to tune on: with it the
# keys of 32 whole tunes are right for 32, not 29, and of 59 cuttings of eight bars for 55, not 48.
_MELODY_WEIGHT = 5.0
_FAINT_THIRD = 0.02  # share of a melody's time that is taken as sung on either third beforehand


def profile_fit(weights: np.ndarray) -> np.ndarray:
    """Mean correlation of pitch-class `weights` `(12,)` with the profiles of the 24 keys."""
    if not weights.any() or np.ptp(weights) == 0:
        return np.zeros(24)
    heard = (weights - weights.mean()) / weights.std()
    fit = np.zeros((2, 12))
    for pair in _PROFILES:
        for mode, profile in enumerate(pair):
            shape = np.array(profile)
            shape = (shape - shape.mean()) / shape.std()
            for tonic in range(12):
                fit[mode, tonic] += (heard * np.roll(shape, tonic)).mean() / len(_PROFILES)
    return fit.ravel()


def chord_fit(path: np.ndarray) -> np.ndarray:
    """Evidence of a chord sequence for each key: shares `(24, 3)`.

    Columns: time on chords of the scale (the major dominant of a minor key counts), time on the
    tonic chord, and 1 where the sequence begins on the tonic chord.
    """
    chords = path[path != NONE]
    table = np.zeros((24, 3))
    if not len(chords):
        return table
    counts = np.bincount(chords, minlength=NONE)
    inside, tonic = _membership()
    table[:, 0] = inside @ counts / len(chords)
    table[:, 1] = tonic @ counts / len(chords)
    table[:, 2] = tonic[:, chords[0]]
    return table


@cache
def _membership() -> tuple[np.ndarray, np.ndarray]:
    """Which chords lie in each key, and which are its tonic chord: two tables `(24, NONE)`."""
    inside, tonic = np.zeros((24, NONE)), np.zeros((24, NONE))
    suffixes = list(QUALITIES)
    for key in range(24):
        root_of_key, is_minor = key % 12, key >= 12
        major = root_of_key + 3 if is_minor else root_of_key
        scale = {(major + step) % 12 for step in MAJOR_SCALE}
        homes = ("m", "m7") if is_minor else ("", "maj7")
        for chord in range(NONE):
            root, quality = chord // len(suffixes), suffixes[chord % len(suffixes)]
            tones = {(root + step) % 12 for step in QUALITIES[quality]}
            dominant = is_minor and (root - root_of_key) % 12 == 7 and quality in ("", "7")
            inside[key, chord] = tones <= scale or dominant
            tonic[key, chord] = root == root_of_key and quality in homes
    return inside, tonic


def find_key(weights: np.ndarray, path: np.ndarray | None = None) -> tuple[str | None, float]:
    """Return the key and a confidence 0…1 from pitch-class `weights` `(12,)` and chord indices.

    None when there are no notes. The relative key shares the notes, so the confidence counts it as
    half right.
    """
    fit = profile_fit(weights)
    if path is None:
        scores = _LONE_PROFILE_WEIGHT * fit
    else:
        scores = _PROFILE_WEIGHT * fit + chord_fit(path) @ _CHORD_WEIGHTS
    return _chosen(scores, fit) if weights.any() else (None, 0.0)


def melody_key(notes: Sequence[Note], grid: Grid) -> tuple[str | None, float]:
    """Return the key of a lone melody as `find_key` does, from its notes and their harmony.

    Where phrases rest and what falls on the beats tells a minor key from a major with its notes.
    """
    from daemon.engines.sketch.plan.bars import bars_between
    from daemon.engines.sketch.plan.harmonise import Sung, key_evidence

    if not notes:
        return None, 0.0
    pitches, lengths = _in_own_tuning(notes), [note.length_s for note in notes]
    line = [
        Sung(grid.quarter_at(note.start_s), grid.quarter_at(note.end_s), pitch)
        for note, pitch in zip(notes, pitches, strict=True)
    ]
    first = notes[0].start_s
    evidence = key_evidence(
        line, bars_between(grid, first, notes[-1].end_s), grid.bars_length(first, 1)
    )
    sung = np.bincount(np.array(pitches) % 12, lengths, 12)
    fit = profile_fit(sung)
    scores = _LONE_PROFILE_WEIGHT * fit + _MELODY_WEIGHT * evidence + _third_fit(sung)
    return _chosen(scores, fit)


def _third_fit(weights: np.ndarray) -> np.ndarray:
    """Log-odds `(24,)` against keys of whose two thirds the other mode's is sung more.

    In modes with a raised sixth or a lowered seventh the profiles mistake minor for major.
    """
    share = weights / weights.sum() + _FAINT_THIRD
    odds = np.log(np.roll(share, -4) / np.roll(share, -3))
    return np.minimum(np.concatenate([odds, -odds]), 0)


def _in_own_tuning(notes: Sequence[Note]) -> list[int]:
    """Return semitones, rounded as the singer is tuned."""
    midi = np.array([note.midi for note in notes])
    length = np.array([note.length_s for note in notes])
    detune = np.angle((length * np.exp(2j * np.pi * midi)).sum()) / (2 * np.pi)
    return [round(m) for m in (midi - detune).tolist()]


def _chosen(scores: np.ndarray, fit: np.ndarray) -> tuple[str, float]:
    odds = np.exp(scores - scores.max())
    odds /= odds.sum()
    best = int(np.argmax(odds))
    relative = (best + 9) % 12 + 12 if best < 12 else (best + 3) % 12
    sure = float(odds[best] + odds[relative] / 2)
    return key_name(best % 12, best >= 12), sure * float(np.clip(2 * fit[best], 0, 1))
