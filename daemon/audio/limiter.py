"""A look-ahead limiter over a whole piece: one gain curve for all channels.

Samples are float `(frames, channels)`, full scale ±1. Each peak over the ceiling gets a dip that
leads in over 5 ms and lets go over 80 ms (raised cosines); the gain is the lowest dip. At a pinned
end the dips are shortened so that the gain is exactly 1 there.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d

from daemon.audio.loudness import loudest, peaks

ATTACK_S = 0.005
RELEASE_S = 0.080
_ROUNDS = 3  # a moving gain shifts the peaks between samples a little: measure again
_PASSES = 12
_MARGIN = 0.9995
_TOLERANCE = 1.0005


def gain_curve(
    x: np.ndarray,
    rate: int,
    ceiling: float | np.ndarray,
    pinned: tuple[bool, bool] = (False, False),
    sample_ceiling: float | np.ndarray | None = None,
    inside: slice = slice(None),
) -> np.ndarray:
    """Return the gain, 0…1, that keeps the true peak of `x` at or below `ceiling`.

    `ceiling` is a magnitude, or one for every frame of `x`, `sample_ceiling` the same for the
    samples themselves. `pinned` says at which ends the gain must be 1. Only the frames `inside` may
    be changed; the gain is as long.
    """
    gain = np.ones(len(x))
    for _ in range(_ROUNDS):
        y = x * gain[:, None]
        tops = peaks(y, rate) / ceiling
        if sample_ceiling is not None:
            tops = np.maximum(tops, loudest(y) / sample_ceiling)
        if not np.any(tops[inside] > _TOLERANCE):
            break
        gain[inside] *= dips(tops[inside], rate, pinned)
    return gain[inside]


def dips(tops: np.ndarray, rate: int, pinned: tuple[bool, bool] = (False, False)) -> np.ndarray:
    """Return the gain `(frames,)` that brings every frame's peak `tops` to 1 or below."""
    gain = np.ones(len(tops))
    reach = max(1, round(ATTACK_S * rate))
    for _ in range(_PASSES):
        over = tops * gain
        if not np.any(over > 1):
            break
        tallest = maximum_filter1d(over, 2 * reach + 1, mode="constant")
        found = np.flatnonzero((over > 1) & (over == tallest))
        # Equal peaks that follow each other closely (a clipped wave has thousands) share one dip.
        for run in np.split(found, np.flatnonzero(np.diff(found) > reach) + 1):
            first, last = int(run[0]), int(run[-1])
            _dip(gain, first, last, _MARGIN / float(tops[run].max()), rate, pinned)
    return gain


def limit(x: np.ndarray, rate: int, ceiling: float) -> np.ndarray:
    """Return `x` as float32 with its true peak at or below `ceiling` (a magnitude)."""
    return (x * gain_curve(x, rate, ceiling)[:, None]).astype(np.float32)


def _dip(
    gain: np.ndarray, first: int, last: int, depth: float, rate: int, pinned: tuple[bool, bool]
) -> None:
    """Lower `gain` in place to at most `depth` from frame `first` to the one after `last`."""
    attack, release = max(1, round(ATTACK_S * rate)), max(1, round(RELEASE_S * rate))
    final = len(gain) - 1
    hold = min(last + 1, final)
    if pinned[0]:
        attack = max(1, min(attack, first))
    if pinned[1]:
        release = max(1, min(release, final - hold))
    begin, stop = max(0, first - attack + 1), min(final + 1, hold + release)
    lead = 0.5 - 0.5 * np.cos(np.pi * (np.arange(begin, first) - first + attack) / attack)
    tail = 0.5 + 0.5 * np.cos(np.pi * (np.arange(hold + 1, stop) - hold) / release)
    shape = np.concatenate([lead, np.ones(hold - first + 1), tail])
    if pinned[0] and begin == 0:
        shape[0] = 0
    if pinned[1] and stop == final + 1:
        shape[-1] = 0
    np.minimum(gain[begin:stop], 1 - (1 - depth) * shape, out=gain[begin:stop])
