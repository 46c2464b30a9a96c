"""What repeats in a clip: the period of its accompaniment and the spectrum that comes back."""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.listen.types import NO_CHORD, Listening

_BARS = (1, 2, 3, 4, 6, 8, 12, 16)
_AGREEMENT = 0.85  # share of the time for which the chords must come back
_LOOKED_AT = 3  # repeats to either side
_STEP_S = 0.1


def period_s(heard: Listening) -> float | None:
    """Return the length of the harmonic loop in seconds, None where fewer than two are heard."""
    times = np.arange(_STEP_S / 2, heard.length_s, _STEP_S)
    names = np.array([heard.chord_at(t) for t in times.tolist()])
    if not len(names) or (names == NO_CHORD).all():
        return None
    bar_s = heard.grid.bars_length(heard.length_s / 2, 1)
    for bars in _BARS:
        lag = round(bars * bar_s / _STEP_S)
        if 2 * lag > len(names) + 1:
            return None
        if (names[lag:] == names[:-lag]).mean() >= _AGREEMENT:
            return bars * bar_s
    return None


def coming_back(levels: np.ndarray, first: int, count: int, period: float) -> np.ndarray:
    """Median of rows `[first, first + count)` of `levels` and of the rows whole periods away.

    `levels` is `(rows, bins)`, `period` in rows. REPET-SIM's adaptive relative (Liutkus et al.
    2012): what comes and goes between repeats is not in the median.
    """
    rows = np.arange(first, first + count)
    shifted = []
    for turn in range(-_LOOKED_AT, _LOOKED_AT + 1):
        at = rows + round(turn * period)
        inside = (at >= 0) & (at < len(levels))
        piece = levels[np.clip(at, 0, len(levels) - 1)].astype(np.float32)
        piece[~inside] = np.nan
        shifted.append(piece)
    stack = np.stack(shifted)
    known = ~np.isnan(stack[:, :, 0])
    return _median_of_known(stack, known.sum(axis=0))


def _median_of_known(stack: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Lower median over the first axis; NaNs, which sort last, do not count."""
    ordered = np.sort(stack, axis=0)
    return np.take_along_axis(ordered, ((known - 1) // 2)[None, :, None], axis=0)[0]
