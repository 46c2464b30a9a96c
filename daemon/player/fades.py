"""One fade between what sounded and what will, exact where both are the same.

With t from 0 to 1 the plain equal-power law is cos and sin of t·π/2: it holds the level of unlike
sounds, and lifts alike ones by up to 3 dB. The power of the sum is 1 + r·sin(t·π) for two sounds
of equal level with correlation r, so dividing by its root holds the level whatever they are.
"""

from __future__ import annotations

import numpy as np

FADE_S = 0.008


def cross(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return `(frames, channels)` that begins as `old` and ends as `new`, of the same shape."""
    if np.array_equal(old, new):
        return new
    n = len(new)
    turn = (np.arange(n, dtype=np.float64) + 0.5)[:, None] / max(n, 1) * (np.pi / 2)
    level = 1 + _correlation(old, new) * np.sin(2 * turn)
    mixed = (old * np.cos(turn) + new * np.sin(turn)) / np.sqrt(level)
    return np.asarray(mixed, np.float32)


def _correlation(old: np.ndarray, new: np.ndarray) -> float:
    a, b = old.astype(np.float64).ravel(), new.astype(np.float64).ravel()
    power = float(np.sqrt((a @ a) * (b @ b)))
    # Opposite sounds cancel in the middle: no level could make up for that.
    return max(0.0, float(a @ b) / power) if power > 1e-12 else 0.0


class Fade:
    """A fade that is being played, a block at a time. `samples`: `(frames, channels)`."""

    def __init__(self, samples: np.ndarray) -> None:
        self._samples, self._at = samples, 0

    @property
    def left(self) -> int:
        """Frames that are still to come."""
        return len(self._samples) - self._at

    def play(self, out: np.ndarray) -> int:
        """Fill the front of `out`; return how many frames that were."""
        piece = self._samples[self._at : self._at + len(out)]
        out[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
