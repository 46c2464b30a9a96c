"""Gentle bus compression as a gain common to all stems.

The level is that of K-weighted power, so that a kick doesn't pump what is above it; above a
threshold 2 dB more in give 1 dB more out, through a soft knee, 3 dB less at most.
"""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.render.tone import Array

ABOVE_LU = 2.0
"""Where compression begins, above the loudness that is aimed for."""

_RATIO, _KNEE_DB, _MOST_DB = 2.0, 6.0, 3.0
_ATTACK_S, _RELEASE_S = 0.025, 0.18
_OFFSET = -0.691  # of BS.1770's loudness


def reduction_db(
    power: Array, hop_s: float, loudness_lufs: float, before_db: float
) -> tuple[Array, float]:
    """Return the gain at the end of each hop in dB, ≤ 0, and the last one, for what follows.

    `power` `(hops,)` is the mean K-weighted power of each hop, both channels added up; `before_db`
    is the gain that the hops before ended with.
    """
    over = _OFFSET + 10 * np.log10(power + 1e-12) - (loudness_lufs + ABOVE_LU)
    knee = np.clip((over + _KNEE_DB / 2) / _KNEE_DB, 0, 1)
    bent = np.where(over > _KNEE_DB / 2, over, _KNEE_DB / 2 * knee**2)
    wanted = -np.minimum((1 - 1 / _RATIO) * bent, _MOST_DB)
    quick, slow = (float(1 - np.exp(-hop_s / t)) for t in (_ATTACK_S, _RELEASE_S))
    out, now = [], before_db
    for goal in wanted.tolist():
        now += (quick if goal < now else slow) * (goal - now)
        out.append(now)
    return np.array(out), now
