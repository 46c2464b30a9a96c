"""Which beat of the clip to play on each beat to fill: the cheapest way through the clip.

Playing on costs nothing; a jump from beat `i` to beat `j` costs what a listener would notice:
how far `j` is from what would have followed `i`, and `i` from what would have preceded `j`. A jump
keeps the beat of the bar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.listen.frames import Check

_JUMP_COST = 0.3  # whatever the beats: long runs are worth having
_STEP_COST = 0.4  # per dB of a step in loudness
_SMALL_STEP_DB = 0.5  # that bar lines have anyhow
_FORBIDDEN = 1e6


@dataclass(frozen=True)
class Route:
    """What is allowed and what it costs, for `n` beats of the clip and `k` beats to fill.

    `places` `(n,)` and `wanted_places` `(k,)`: beats of the bar. `jump` `(n, n)`: from, to.
    `cost` `(k, n)`: of playing a beat there. `entry`, `leave` `(n,)`: of beginning or ending so.
    """

    places: np.ndarray
    wanted_places: np.ndarray
    jump: np.ndarray
    cost: np.ndarray
    entry: np.ndarray
    leave: np.ndarray


def jump_costs(
    distance: np.ndarray, places: np.ndarray, per_bar: int, sides: np.ndarray
) -> np.ndarray:
    """Cost `(n, n)` of a jump from each beat to each other (`jump[i, i + 1]` is not playing on).

    `sides` is of `beats.Beats`: a jump should not be a step in loudness.
    """
    n = len(distance)
    ahead, back = np.minimum(np.arange(n) + 1, n - 1), np.maximum(np.arange(n) - 1, 0)
    follows = distance[ahead, :].copy()
    precedes = distance[:, back].copy()
    # At the clip's ends one of the two views is missing; the other counts twice.
    follows[-1] = precedes[-1]
    precedes[:, 0] = follows[:, 0]
    cost = follows + precedes + _JUMP_COST + step_cost(sides[1:, None, 0], sides[None, :-1, 1])
    cost[(places[:, None] + 1) % per_bar != places[None, :]] = _FORBIDDEN
    return cost


def step_cost(before_db: np.ndarray, after_db: np.ndarray) -> np.ndarray:
    """Cost of a step from one level to another where two runs meet."""
    return np.asarray(_STEP_COST * np.maximum(np.abs(after_db - before_db) - _SMALL_STEP_DB, 0))


def cheapest(route: Route, check: Check) -> np.ndarray | None:
    """Return the beat to play on each beat to fill `(k,)`, or None when there is no way."""
    steps, n = route.cost.shape
    wrong = np.where(route.wanted_places[:, None] != route.places[None, :], _FORBIDDEN, 0)
    cost = route.cost + wrong
    came_from = np.zeros((steps, n), int)
    total = route.entry + cost[0]
    for step in range(1, steps):
        if step % 16 == 0:
            check()
        through = total[:, None] + route.jump
        best = through.argmin(axis=0)
        reached = through[best, np.arange(n)]
        on = np.r_[_FORBIDDEN, total[:-1]]
        played_on = on <= reached
        came_from[step] = np.where(played_on, np.arange(n) - 1, best)
        total = np.where(played_on, on, reached) + cost[step]
    total = total + route.leave
    path = np.empty(steps, int)
    path[-1] = int(total.argmin())
    if total[path[-1]] >= _FORBIDDEN:
        return None
    for step in range(steps - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path
