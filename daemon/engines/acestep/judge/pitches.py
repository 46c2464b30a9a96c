"""Pitches in common: does the accompaniment sound in the key, and in the chords, of the melody?

Pitch classes are summed from spectra, row by row (0.19 s). What counts is how much better the
accompaniment fits the vocal as it is than it would in the eleven other keys.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from daemon.engines.acestep.parts import RATE
from daemon.engines.sketch.listen.frames import EAR_RATE_HZ, spectra, to_ear

Check = Callable[[], None]
_WINDOW, _HOP = 8192, 4096
_LOWEST_HZ, _HIGHEST_HZ = 55.0, 1760.0
_SUNG = 0.02  # of the loudest row's power: 17 dB below it
_CHORD_ROWS = 5  # a note is heard against about a second of chords
_FLAT = 0.02  # a difference of likeness that is nothing


def chroma_agreement(played: np.ndarray, sung: np.ndarray) -> float:
    """Return how two chromas `(rows, 12)` agree, −1…1: 1 where no other key would fit better.

    Likeness is the mean cosine of both chromas while the vocal sounds. 0 where it is what other
    keys give on average, or where there are no pitches to compare.
    """
    rows = min(len(played), len(sung))
    if not rows:
        return 0.0
    power = np.square(sung[:rows]).sum(axis=1)
    there = power > _SUNG * power.max(initial=0.0)
    if not there.any() or not played[:rows].any():
        return 0.0
    chords = _unit(_smooth(_unit(played[:rows])))[there]
    melody = _unit(sung[:rows])[there]
    likeness = np.array(
        [(np.roll(chords, turn, axis=1) * melody).sum(axis=1).mean() for turn in range(12)]
    )
    own, others = likeness[0], likeness[1:].mean()
    spread = np.abs(likeness - others).max()
    return float(np.clip((own - others) / spread, -1, 1)) if spread > _FLAT else 0.0


def chroma_of(samples: np.ndarray, check: Check) -> np.ndarray:
    """Return the level of each pitch class (0 is C), `(rows, 12)`, of samples `(frames, 2)`."""
    if len(samples) < RATE // 10:
        return np.zeros((0, 12))
    hz = np.arange(_WINDOW // 2 + 1) * EAR_RATE_HZ / _WINDOW
    inside = (hz >= _LOWEST_HZ) & (hz <= _HIGHEST_HZ)
    pitch = 12 * np.log2(np.maximum(hz, 1.0) / 440) + 69
    classes = np.zeros((len(hz), 12), np.float32)
    # A bin between two semitones tells nothing: it counts the less, the further off it lies.
    sure = np.cos(np.pi * (pitch - np.round(pitch))) ** 2
    classes[np.flatnonzero(inside), np.round(pitch[inside]).astype(int) % 12] = sure[inside]
    ear = to_ear(samples, RATE, check)
    rows = [magnitudes @ classes for magnitudes in spectra(ear, _WINDOW, _HOP, check=check)]
    return np.concatenate(rows)


def _smooth(rows: np.ndarray) -> np.ndarray:
    shape = np.ones(_CHORD_ROWS) / _CHORD_ROWS
    return np.stack([np.convolve(column, shape, "same") for column in rows.T], axis=1)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
