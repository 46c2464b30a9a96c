"""Where something is struck: the frames at which a stretch must neither smear nor repeat.

Samples are `(frames, channels)`, positions frames.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter

HOP_S = 0.003
_SIZE_HOPS = 4  # of a spectrum
_COMPRESSION = 1000.0  # of magnitudes, as log(1 + this × magnitude)
_AROUND_S = 0.4
_OVER_MEDIAN, _OF_STRONGEST = 1.6, 0.08
_LEAST = 0.12  # a steady tone of 110 Hz ripples by 0.1, a soft piano note rises by 0.17
_BEGINNING = 0.03  # of the steepest rise near a peak of the flux
_BLOCK_HOPS = 4096


def attacks(
    samples: np.ndarray, rate: int, apart_s: float, check: Callable[[], None]
) -> np.ndarray:
    """Return the frames of attacks in `samples` `(n, c)`, at least `apart_s` apart.

    Peaks of the half-wave rectified flux of a short log spectrum that stand out of the 0.4 s around
    them; near each, the first hop of 3 ms in which the energy of high frequencies clearly rises.
    """
    hop = max(1, round(HOP_S * rate))
    mono = _mono(samples)
    strength = _flux(mono, hop, check)
    around = median_filter(strength, round(_AROUND_S / HOP_S), mode="nearest")
    floor = _OF_STRONGEST * float(np.percentile(strength, 99)) if len(strength) else 0.0
    wide = 2 * max(1, round(apart_s / HOP_S)) + 1
    is_peak = strength >= maximum_filter1d(strength, wide, mode="nearest")
    rows = np.flatnonzero(is_peak & (strength > np.maximum(_LEAST, _OVER_MEDIAN * around + floor)))
    rows = rows[np.diff(rows, prepend=-wide) > wide // 2]  # of equal neighbours the first
    rows = rows[rows < len(mono) // hop - 2 * _SIZE_HOPS]  # the end of a sound is none
    return _risen(mono, rows, hop) * hop


def _mono(samples: np.ndarray) -> np.ndarray:
    mono = samples.mean(axis=1, dtype=np.float32)
    if np.square(mono).sum() < 0.1 * np.square(samples[:, 0]).sum():
        mono = samples[:, 0]  # sides of opposite polarity
    return np.asarray(mono, np.float32)


def _risen(mono: np.ndarray, rows: np.ndarray, hop: int) -> np.ndarray:
    """Return, for the flux peaks `rows`, the hops in which the sound begins to get louder."""
    whole = len(mono) // hop
    bright = np.diff(mono[: whole * hop], prepend=mono[:1])
    energy = np.square(bright).reshape(whole, hop).sum(axis=1)
    rises = np.pad(np.diff(energy, prepend=0), (0, _SIZE_HOPS + 2))
    near = rows[:, None] + np.arange(_SIZE_HOPS)
    rise = rises[np.minimum(near, len(rises) - 1)]
    return rows + np.argmax(rise >= _BEGINNING * rise.max(axis=1, keepdims=True), axis=1)


def _flux(mono: np.ndarray, hop: int, check: Callable[[], None]) -> np.ndarray:
    """Return the rise of the log spectrum, mean over its bins, at every hop."""
    size = _SIZE_HOPS * hop
    padded = np.pad(mono, (size // 2, size + hop))
    views = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    count = len(mono) // hop + 1
    window = np.hanning(size).astype(np.float32)
    flux = np.zeros(count, np.float32)
    last: np.ndarray | None = None
    for at in range(0, count, _BLOCK_HOPS):
        check()
        level = np.log1p(_COMPRESSION * np.abs(np.fft.rfft(views[at : at + _BLOCK_HOPS] * window)))
        before = level[:1] if last is None else last
        rise = np.maximum(0, np.diff(level, axis=0, prepend=before)).mean(axis=1)
        flux[at : at + len(rise)] = rise[: count - at]
        last = level[-1:]
    return flux
