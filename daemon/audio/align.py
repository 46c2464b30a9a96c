"""Delay and polarity of new material against the source. Arrays are float `(frames, channels)`.

A delay is one number for the whole region, so both seams vote together; when they disagree, or the
material is simply different music, the correlation is low and nothing is moved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import correlate

LONGEST_DELAY_S = 0.005
CONFIDENT = 0.5
"""Least correlation coefficient at which material is moved or turned over."""

_NEARLY_BEST = 0.95  # among lags this close to the best one (a tone has many) the shortest is taken
_CLEARLY_INVERTED = 0.2  # a tone correlates either way; only this much more negative is a polarity


@dataclass(frozen=True)
class Alignment:
    """`delay` in frames (positive: the new material is late), `polarity` ±1, and the confidence.

    `correlation` is the coefficient, −1…1, at that delay before any change of polarity.
    """

    delay: int = 0
    polarity: int = 1
    correlation: float = 0.0


def align(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Alignment:
    """Return how the second of each pair lies against the first.

    The first is `(n, channels)` of source, the second `(n + 2 × d, channels)` of new material that
    begins `d` frames earlier; delays up to `d` are tried.
    """
    if not pairs:
        return Alignment()
    lags = _correlations(pairs)
    deepest = len(lags) // 2
    inverted = -lags.min() >= max(CONFIDENT, lags.max() + _CLEARLY_INVERTED)
    curve = -lags if inverted else lags
    if curve.max() < CONFIDENT:
        return Alignment(0, 1, float(lags[deepest]))
    near = np.flatnonzero(curve >= _NEARLY_BEST * curve.max())
    first = near[np.argmin(np.abs(near - deepest))]
    best = _climb(curve, int(first))
    return Alignment(best - deepest, -1 if inverted else 1, float(lags[best]))


def coefficient(a: np.ndarray, b: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the correlation coefficient of equal shapes over all channels; 0 for silence."""
    w = 1.0 if weight is None else weight[:, None]
    power = float(np.sum(w * a * a)) * float(np.sum(w * b * b))
    return float(np.clip(np.sum(w * a * b) / math.sqrt(power), -1, 1)) if power > 1e-24 else 0.0


def _correlations(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the coefficient for every lag from −d to d."""
    span = len(pairs[0][1]) - len(pairs[0][0]) + 1
    cross, power = np.zeros(span), np.zeros(span)
    own = 0.0
    for source, new in pairs:
        for a, b in zip((source - source.mean(0)).T, (new - new.mean(0)).T, strict=True):
            cross += correlate(b, a, "valid")
            sums = np.concatenate([[0.0], np.cumsum(b * b)])
            power += sums[len(a) :] - sums[: -len(a)]
            own += float(a @ a)
    norm = np.sqrt(own * np.maximum(power, 0))
    return np.divide(cross, norm, out=np.zeros(span), where=norm > 1e-12)


def _climb(curve: np.ndarray, at: int) -> int:
    """Return the top of the hill that `at` lies on."""
    while at > 0 and curve[at - 1] > curve[at]:
        at -= 1
    while at < len(curve) - 1 and curve[at + 1] > curve[at]:
        at += 1
    return at
