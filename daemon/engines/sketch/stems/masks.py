"""Which share of each time-frequency cell belongs to which stem; the shares sum to one.

Arrays are float32 `(rows, bins)` of one chunk; `left` and `right` are complex spectra.
"""

from __future__ import annotations

import numpy as np

_MEDIAN = 11  # rows and bins of the harmonic and percussive medians (Fitzgerald 2010)
_VOICE_HZ = (200.0, 10000.0)
_BASS_HZ = (180.0, 320.0)  # falls from one to zero between these
_TINY = 1e-9


def shares(
    left: np.ndarray, right: np.ndarray, repeating: np.ndarray | None, hz: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the shares of `vocals`, `drums` and `bass`; what is left to one is `other`.

    `repeating` is the spectrum that comes back with the loop, None where there is no loop. A voice
    is what does not come back, lies in the middle and is not percussive.
    """
    level = (np.abs(left) + np.abs(right)) / 2
    strokes = _percussive(level)
    voice = _centred(left, right) * (1 - strokes) * _band(hz, *_VOICE_HZ)
    if repeating is None:
        voice *= 0.5
    else:
        voice *= 1 - np.minimum(repeating, level) ** 2 / (level**2 + _TINY**2)
    low = np.clip((_BASS_HZ[1] - hz) / (_BASS_HZ[1] - _BASS_HZ[0]), 0, 1)
    rest = 1 - voice
    drums = rest * strokes
    return {"vocals": voice, "drums": drums, "bass": (rest - drums) * low}


def _percussive(level: np.ndarray) -> np.ndarray:
    """Share of each cell that is a stroke rather than a held note (soft, after Driedger 2014)."""
    held, struck = median_along(level.T).T, median_along(level)
    return struck**2 / (held**2 + struck**2 + _TINY**2)


def median_along(rows: np.ndarray) -> np.ndarray:
    """Running median along the last axis."""
    from scipy.ndimage import median_filter

    half = _MEDIAN // 2
    padded = np.pad(rows, ((0, 0), (half, half)), mode="symmetric")
    # One long row filters several times as fast; the padding keeps neighbours apart.
    smooth = median_filter(padded.ravel(), _MEDIAN, mode="nearest").reshape(padded.shape)
    return smooth[:, half:-half]


def _centred(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How alike both channels are in each cell, 0…1."""
    cross = 2 * (left * right.conj()).real
    return np.clip(cross / (np.abs(left) ** 2 + np.abs(right) ** 2 + _TINY**2), 0, 1)


def _band(hz: np.ndarray, low: float, high: float) -> np.ndarray:
    """One between `low` and `high` Hz, falling by a third of an octave outside."""
    octaves = np.log2(np.maximum(hz, 1.0))
    rise = np.clip((octaves - np.log2(low)) * 3 + 1, 0, 1)
    fall = np.clip((np.log2(high) - octaves) * 3 + 1, 0, 1)
    return (rise * fall).astype(np.float32)
