"""The key: profiles of scale degrees against the notes heard, and against the chords.

A key is an index: 0…11 major on C, C#, …; 12…23 minor.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from daemon.engines.sketch.listen.harmony import NONE
from daemon.engines.sketch.listen.names import MAJOR_SCALE, QUALITIES, key_name

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
    if not weights.any():
        return None, 0.0
    fit = profile_fit(weights)
    if path is None:
        scores = _LONE_PROFILE_WEIGHT * fit
    else:
        scores = _PROFILE_WEIGHT * fit + chord_fit(path) @ _CHORD_WEIGHTS
    odds = np.exp(scores - scores.max())
    odds /= odds.sum()
    best = int(np.argmax(odds))
    relative = (best + 9) % 12 + 12 if best < 12 else (best + 3) % 12
    sure = float(odds[best] + odds[relative] / 2)
    return key_name(best % 12, best >= 12), sure * float(np.clip(2 * fit[best], 0, 1))
