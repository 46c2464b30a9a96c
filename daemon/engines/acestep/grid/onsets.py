"""When notes begin: peaks of the spectral flux, to about a millisecond.

Samples are float `(n, 2)` at 48 kHz; times in seconds from the first sample. The flux is that of
compressed magnitudes (Bello et al. 2005, a tutorial on onset detection), on mono sound at 12 kHz,
where drums and most attacks still are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from daemon.engines.acestep.parts import RATE

_DOWN = 4
_RATE = RATE // _DOWN
_SIZE, _HOP = 256, 48  # 21 ms, 4 ms
_COMPRESSION = 1000.0
_NEAR_S, _AROUND_S = 0.030, 0.100  # a peak is the largest this near, and above the mean around it
_ABOVE = 2.0
_LEAST = 0.12  # of the strongest
_BLOCK = 1 << 14
LATE_S = -0.002
"""How late this detector reads an attack: its window's centre against where a sound begins."""


@dataclass(frozen=True, eq=False)
class Onsets:
    """Times `(n,)` in seconds, ascending, and their strengths `(n,)`, the sum of the rise."""

    times: np.ndarray
    strengths: np.ndarray

    def __len__(self) -> int:
        return len(self.times)

    def moved(self, by_s: float) -> Onsets:
        """Return the same onsets of a piece that begins `by_s` later."""
        return Onsets(self.times + by_s, self.strengths)


NONE = Onsets(np.zeros(0), np.zeros(0))


def onsets(samples: np.ndarray) -> Onsets:
    """Return the attacks in `samples`."""
    flux = _flux(samples)
    if len(flux) < 3 or flux.max() <= 0:
        return NONE
    around = _mean(flux, round(_AROUND_S * _RATE / _HOP))
    tops = _running_max(flux, round(_NEAR_S * _RATE / _HOP))
    peak = (flux == tops) & (flux > _ABOVE * around) & (flux > _LEAST * flux.max())
    at = np.flatnonzero(peak[1:-1]) + 1
    before, here, after = flux[at - 1], flux[at], flux[at + 1]
    curve = before - 2 * here + after
    offset = np.divide(before - after, 2 * curve, out=np.zeros(len(at)), where=curve < 0)
    times = ((at + offset) * _HOP + _SIZE / 2) / _RATE
    return Onsets(times - LATE_S, here)


def _flux(samples: np.ndarray) -> np.ndarray:
    """Rise of the compressed spectrum from row to row, `(rows,)`; row n begins at n × `_HOP`."""
    mono = samples.mean(axis=1, dtype=np.float32)
    low = mono[: len(mono) // _DOWN * _DOWN].reshape(-1, _DOWN).mean(axis=1)
    if len(low) < _SIZE:
        return np.zeros(0)
    rows = np.lib.stride_tricks.sliding_window_view(low, _SIZE)[::_HOP]
    window = np.hanning(_SIZE).astype(np.float32)
    parts, last = [], None
    for start in range(0, len(rows), _BLOCK):
        size = np.abs(scipy.fft.rfft(rows[start : start + _BLOCK] * window, axis=1))
        level = np.log1p(_COMPRESSION / _SIZE * size)
        first = level[:1] if last is None else last
        rise = np.diff(np.concatenate([first, level]), axis=0)
        parts.append(np.maximum(rise, 0).sum(axis=1))
        last = level[-1:]
    return np.concatenate(parts).astype(np.float64)


def _mean(x: np.ndarray, reach: int) -> np.ndarray:
    """Mean over `reach` values on each side."""
    sums = np.concatenate([[0.0], np.cumsum(x)])
    index = np.arange(len(x))
    low, high = np.maximum(0, index - reach), np.minimum(len(x), index + reach + 1)
    return np.asarray((sums[high] - sums[low]) / (high - low))


def _running_max(x: np.ndarray, reach: int) -> np.ndarray:
    padded = np.pad(x, reach, constant_values=-np.inf)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1))
