"""Samples at another pitch. Signals are float32 `(frames,)`.

A steady pitch goes through soxr, which keeps frame 0 where it is and lets nothing alias. One that
moves is brought to its highest pitch that way, fourfold oversampled, and read there between frames
with a cubic.
"""

from __future__ import annotations

import numpy as np
import soxr

from daemon.engines.sketch.soundfont.envelope import spread

_OVER = 4
_SAME = 1e-7

Array = np.ndarray


def transposed(x: Array, ratio: float, frames: int | None = None) -> Array:
    """Return `x` read at `ratio` frames a frame, at most `frames` frames of it."""
    if abs(ratio - 1) > _SAME and len(x):
        x = soxr.resample(x, ratio, 1.0, "VHQ")
    return x[:frames]


def glided(x: Array, ratio: float, cents: Array, frames: int) -> Array:
    """Return at most `frames` frames of `x` at `ratio`, bent by `cents` (as `bent` gives them)."""
    highest = float(cents.max())
    x = transposed(x, ratio * 2 ** (highest / 1200))
    fine = transposed(x, 1 / _OVER)
    speed = spread(2 ** ((cents - highest) / 1200) * _OVER, frames)
    place = np.concatenate([[0.0], np.cumsum(speed[:-1], dtype=np.float64)])
    return _read(fine, place[: np.searchsorted(place, len(fine))])


def _read(x: Array, place: Array) -> Array:
    """Return `x` at fractional places in `[0, len(x))`, by a Lagrange cubic of four frames."""
    whole = place.astype(np.int64)
    d = (place - whole).astype(np.float32)
    padded = np.pad(x, (1, 2))
    a, b, c, e = (padded[whole + k] for k in range(4))
    low, high = d * (d - 1) / 6, (d + 1) * (d - 2) / 2
    return np.asarray(high * ((d - 1) * b - d * c) + low * ((d + 1) * e - (d - 2) * a), np.float32)
