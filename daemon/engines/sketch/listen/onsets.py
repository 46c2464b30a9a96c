"""Onset strength: how much the spectrum rises from frame to frame.

Rows are `HOP_S` apart; row `i` belongs to second `i × HOP_S`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.listen.frames import EAR_RATE_HZ, Check, spectra, unchecked

_WINDOW = 1024
_HOP = 256
HOP_S = _HOP / EAR_RATE_HZ
_BANDS = 36
COLOURS = 16
_LOWEST_HZ = 40.0
_LOW_BAND_HZ = 130.0
_HIGH_BAND_HZ = 5000.0
_LAG = 2
_FINE_HOP = 32
_FINE_LAG = 4
_FINE_ROWS = 20000
# The rise is seen while an onset enters the window, before it reaches the centre: the mean lead,
# measured on clicks, is added back.
_LEAD_S = 0.005


@dataclass(frozen=True)
class Onsets:
    """`strength` of all bands, `low` below 130 Hz, `high` above 5 kHz: float32 `(rows,)`, ≥ 0.

    `colour` is the power in `COLOURS` wide bands, float32 `(rows, COLOURS)`.
    """

    strength: np.ndarray
    low: np.ndarray
    high: np.ndarray
    colour: np.ndarray

    @property
    def seconds(self) -> np.ndarray:
        """Second of each row."""
        return np.arange(len(self.strength)) * HOP_S + _LEAD_S


def onset_strength(signal: np.ndarray, check: Check = unchecked) -> Onsets:
    """Return the half-wave rectified rise of log band levels of `signal` (see `frames`).

    Spectral flux after Böck & Widmer (2013) without its vibrato filter; levels are taken relative
    to the clip's own loud passages, so gain does not matter.
    """
    edges = np.geomspace(_LOWEST_HZ, EAR_RATE_HZ / 2, _BANDS + 1)
    bands = _band_matrix(edges)
    wide = np.r_[0, np.geomspace(3, _WINDOW // 2 + 1, COLOURS + 1).astype(int)[1:-1]]
    parts, powers = [], []
    for magnitudes in spectra(signal, _WINDOW, _HOP, check=check):
        parts.append(magnitudes @ bands)
        powers.append(np.add.reduceat(np.square(magnitudes), wide, axis=1))
    levels, colour = np.concatenate(parts), np.concatenate(powers)
    check()
    loud = float(np.percentile(levels.max(axis=1), 95))
    if loud <= 0:
        still = np.zeros(len(levels), np.float32)
        return Onsets(still, still, still, colour)
    levels = np.log1p(levels * (100 / loud))
    check()
    rise = np.zeros_like(levels)
    rise[_LAG:] = np.maximum(levels[_LAG:] - levels[:-_LAG], 0)
    low = edges[1:] <= _LOW_BAND_HZ
    high = edges[:-1] >= _HIGH_BAND_HZ
    parts_of = (rise.mean(axis=1), rise[:, low].mean(axis=1), rise[:, high].mean(axis=1))
    return Onsets(*parts_of, colour)


def _band_matrix(edges: np.ndarray) -> np.ndarray:
    """Sum FFT bins into bands; a band narrower than a bin shares its nearest one."""
    centres = np.arange(_WINDOW // 2 + 1) * EAR_RATE_HZ / _WINDOW
    matrix = np.zeros((len(centres), len(edges) - 1), np.float32)
    for band, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = (centres >= low) & (centres < high)
        if not inside.any():
            inside[np.argmin(np.abs(centres - (low + high) / 2))] = True
        matrix[inside, band] = 1 / np.sqrt(inside.sum())
    return matrix


def attack_strength(signal: np.ndarray, check: Check = unchecked) -> tuple[np.ndarray, np.ndarray]:
    """Return `(seconds, rise)` of the level in fine steps of 1.5 ms, to place a beat exactly.

    The rise is in nepers over 6 ms of the differentiated signal, so that hiss and attack count more
    than a ringing bass; what lies 50 dB below the loud passages does not rise.
    """
    if len(signal) < 8 * _FINE_HOP:
        return np.zeros(0), np.zeros(0)
    rows = len(signal) // _FINE_HOP
    power = np.empty(rows)
    for first in range(0, rows, _FINE_ROWS):
        check()
        last = min(rows, first + _FINE_ROWS)
        piece = signal[first * _FINE_HOP : last * _FINE_HOP]
        slope = np.diff(piece, prepend=signal[max(0, first * _FINE_HOP - 1)])
        power[first:last] = np.square(slope).reshape(-1, _FINE_HOP).mean(axis=1)
    floor = float(np.percentile(power, 95)) * 1e-5 + 1e-20
    level = 0.5 * np.log(power + floor)
    lag = _FINE_LAG
    rise = np.maximum(level[lag:] - level[:-lag], 0)
    # Rise over rows i…i + lag: it belongs to the edge in the middle between their centres.
    seconds = (np.arange(len(rise)) + (lag + 1) / 2) * (_FINE_HOP / EAR_RATE_HZ)
    return seconds, rise


def pick_onsets(onsets: Onsets) -> np.ndarray:
    """Return the seconds of clear onsets: local maxima well above their surroundings."""
    s = onsets.strength
    if len(s) < 5 or s.max() <= 0:
        return np.zeros(0)
    width = 2 * round(0.15 / HOP_S) + 1
    around = np.convolve(np.pad(s, width // 2, mode="edge"), np.ones(width) / width, "valid")
    peak = np.r_[False, (s[1:-1] > s[:-2]) & (s[1:-1] >= s[2:]), False]
    strong = s > 1.3 * around + 0.12 * float(np.percentile(s, 98))
    return onsets.seconds[peak & strong]
