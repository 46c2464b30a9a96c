"""The loop that a clip's harmony goes round in, and what it predicts for beats beyond the clip."""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.reuse.beats import Beats

_LOOP_BARS = (1, 2, 3, 4, 6, 8, 12, 16)
_SEEN = 1.5  # a loop must be heard this many times to be believed
_PER_BAR_COST = 0.004  # of two equal explanations the shorter
_CONVINCING = 0.6  # of the clip's mean distance
_WRONG_CHORD = 0.5


def loop_beats(beats: Beats, distance: np.ndarray) -> int | None:
    """Return the length of the loop in beats, or None where the clip shows none."""
    names = np.array(beats.chords)
    apart = distance + _WRONG_CHORD * (names[:, None] != names[None, :])
    best, best_score = None, _CONVINCING * float(apart.mean())
    for bars in _LOOP_BARS:
        lag = bars * beats.pulse.per_bar
        if beats.number < _SEEN * lag:
            break
        score = float(np.diagonal(apart, lag).mean()) + _PER_BAR_COST * bars
        if score < best_score:
            best, best_score = lag, score
    return best


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
    return max(1, beats.number // per_bar) * per_bar
