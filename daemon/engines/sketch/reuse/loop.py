"""The loop that a clip's harmony goes round in, and what it predicts for beats beyond the clip."""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.reuse.beats import Beats

_LOOP_BARS = (1, 2, 3, 4, 6, 8, 12, 16)
_SEEN = 1.5  # times that a loop is heard when its likeness may be moderate
_COMES_ROUND = 0.4  # of the mean distance; recorded loops 0.05 … 0.3, sung tunes 0.67 and more
_PER_BAR_COST = 0.004  # of two equal explanations the shorter
_CONVINCING = 0.6  # of the clip's mean distance
_STRIKING = 0.5  # the same where no more than a bar or two come back
_USUAL_BARS = (8, 4)  # of a loop that is not heard to its end
_ODD_BARS = (9, 10, 11, 5, 6, 7)  # that a clip has by chance rather than by form
_WRONG_CHORD = 0.5


def loop_beats(beats: Beats, distance: np.ndarray) -> int | None:
    """Return the length of the loop in beats, or None where the clip shows none."""
    names = np.array(beats.chords)
    apart = distance + _WRONG_CHORD * (names[:, None] != names[None, :])
    usual = float(apart.mean())
    best, best_score = None, np.inf
    for bars in _LOOP_BARS:
        lag = bars * beats.pulse.per_bar
        if beats.number < lag + beats.pulse.per_bar:
            break
        likeness = float(np.diagonal(apart, lag).mean())
        score = likeness + _PER_BAR_COST * bars
        limit = _CONVINCING if beats.number >= _SEEN * lag else _STRIKING
        if likeness < limit * usual and score < best_score:
            best, best_score = lag, score
    return best


def comes_round(beats: Beats, distance: np.ndarray) -> bool:
    """Whether some bars come back so alike that nobody can have sung or spoken them twice."""
    per_bar, usual = beats.pulse.per_bar, float(distance.mean())
    lags = [bars * per_bar for bars in _LOOP_BARS if beats.number >= (bars + 1) * per_bar]
    return any(float(np.diagonal(distance, lag).mean()) < _COMES_ROUND * usual for lag in lags)


def predicted_distance(beats: Beats, distance: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Distance `(k, n)` of each beat from what the loop wants at each pulse count of `counts`.

    Without a loop the whole bars of the clip count as one: music that goes on begins again.
    """
    lag = loop_beats(beats, distance) or _whole_bars(beats)
    own = beats.first_count + np.arange(beats.number)
    alike = (counts[:, None] - own[None, :]) % lag == 0
    names = np.array(beats.chords)
    wrong = (names[:, None] != names[None, :]).astype(np.float32)
    weight = alike / np.maximum(alike.sum(axis=1, keepdims=True), 1)
    return weight @ (distance + wrong)


def _whole_bars(beats: Beats) -> int:
    per_bar = beats.pulse.per_bar
    bars = max(1, beats.number // per_bar)
    if bars in _ODD_BARS:
        bars = next(usual for usual in _USUAL_BARS if usual < bars)
    return bars * per_bar
