"""Steps in loudness where bars were joined, made small: the new bar begins as loud as what came.

Samples are float32 `(frames, 2)`; positions are frames of the new material. A step that any bar
line may have stays, and one that is too large to be anything but the music's own stays too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.signal import sosfilt

from daemon.engines.sketch.render.level import k_weighting

_SIDE_S = 0.4  # a momentary window of BS.1770, on either side
_SETTLE_S = 0.1  # for the K-weighting to come to rest
_USUAL_LU = 0.3
_MOST_DB = 1.5
_OWN_LU = 4.0  # a larger step is an accent or a rest of the music
_FADE_S = 0.010


def evened(
    new: np.ndarray,
    before: np.ndarray,
    cuts: Sequence[int],
    ramp: int,
    rate: int,
) -> np.ndarray:
    """Return `new` with a gain that brings it to the level before each of `cuts`.

    `before` is what sounds before the first frame. The gain, at most ±1.5 dB, goes back to 0 dB,
    evenly in dB, within `ramp` frames or until the next cut.
    """
    side = round((_SIDE_S + _SETTLE_S) * rate)
    before = before[max(0, len(before) - side) :]
    whole = np.concatenate([before, new])
    places = [*(len(before) + cut for cut in cuts), len(whole)]
    for at, following in itertools.pairwise(places):
        gain_db = _correction_db(whole, at, rate)
        if gain_db:
            _ramp(whole, at, min(at + ramp, following), gain_db, ramp, rate)
    return whole[len(before) :]


def _correction_db(whole: np.ndarray, at: int, rate: int) -> float:
    """Return the gain after `at` that leaves a usual step there."""
    side, settle = round(_SIDE_S * rate), round(_SETTLE_S * rate)
    if at < side or at + side > len(whole):
        return 0.0
    first = max(0, at - side - settle)
    heard = sosfilt(k_weighting(rate), whole[first : at + side], axis=0)
    power = np.square(heard).sum(axis=1)
    left, right = power[at - side - first : at - first].mean(), power[at - first :].mean()
    if min(left, right) <= 0:
        return 0.0
    step = float(10 * np.log10(right / left))
    if abs(step) > _OWN_LU:
        return 0.0
    return float(np.clip(-np.sign(step) * max(0.0, abs(step) - _USUAL_LU), -_MOST_DB, _MOST_DB))


def _ramp(whole: np.ndarray, at: int, end: int, gain_db: float, ramp: int, rate: int) -> None:
    rise = np.minimum(1.0, (np.arange(end - at) + 1) / max(1, round(_FADE_S * rate)))
    fall = 1.0 - np.arange(end - at) / max(1, ramp)
    gain = 10 ** (gain_db * rise * fall / 20)
    whole[at:end] *= gain[:, None].astype(np.float32)
