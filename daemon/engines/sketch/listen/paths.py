"""The likeliest sequence of states where every change costs the same (Viterbi)."""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.listen.frames import Check, unchecked

_CHECKED_ROWS = 2000


def likeliest(scores: np.ndarray, costs: np.ndarray, check: Check = unchecked) -> np.ndarray:
    """Return the best states `(n,)` for `scores` `(n, states)`, where change `i` costs `costs[i]`.

    Where all changes cost the same, only the best previous state can be worth leaving.
    """
    n, states = scores.shape
    stay = np.empty((n, states), bool)
    jump = [0] * n
    total, steps = scores[0].astype(np.float64), costs.tolist()
    # In place and few calls: for some dozen states these calls are what takes the time.
    for row in range(1, n):
        if row % _CHECKED_ROWS == 0:
            check()
        jump[row] = best = int(total.argmax())
        arrived = float(total[best]) - steps[row]
        np.greater_equal(total, arrived, out=stay[row])
        np.maximum(total, arrived, out=total)
        total += scores[row]
    path = np.empty(n, int)
    path[-1] = int(np.argmax(total))
    for row in range(n - 1, 0, -1):
        path[row - 1] = path[row] if stay[row, path[row]] else jump[row]
    return path
