"""Onsets in common: does the accompaniment play where the singer begins a note?

Onsets are those of the embedded engine's ear. A busy accompaniment has one near every note by
chance, so what counts is how many more than by chance it has.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from daemon.engines.acestep.parts import RATE
from daemon.engines.sketch.listen.frames import to_ear
from daemon.engines.sketch.listen.onsets import onset_strength, pick_onsets

Check = Callable[[], None]
_NEAR_S = 0.07  # ±70 ms: what MIREX takes for a beat, and a singer's looseness
_LEAST = 4  # fewer onsets tell nothing
_ROOM = 0.5  # where chance leaves less than this, a difference to it is not blown up


def onset_agreement(played: np.ndarray, sung: np.ndarray) -> float:
    """Return the share of the onsets `sung` with one of `played` near it, beyond chance, −1…1.

    Seconds, `(n,)` each. 1: all of them, where few would be by chance; 0: no more than by chance,
    or nothing to tell.
    """
    if len(sung) < _LEAST or len(played) < _LEAST:
        return 0.0
    hits = _near(sung, played).mean()
    # Chance: the share of the time that lies near an onset, while the vocal is there.
    times = np.arange(sung[0] - _NEAR_S, sung[-1] + _NEAR_S, 0.005)
    chance = _near(times, played).mean()
    return float(np.clip((hits - chance) / max(1 - chance, _ROOM), -1, 1))


def onsets_of(samples: np.ndarray, check: Check) -> np.ndarray:
    """Return the seconds of the onsets, `(n,)`, of samples `(frames, 2)`."""
    if len(samples) < RATE // 10:
        return np.zeros(0)
    return pick_onsets(onset_strength(to_ear(samples, RATE, check), check))


def _near(times: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Whether an onset lies within reach of each of `times`, `(n,)`."""
    after = np.searchsorted(onsets, times)
    left = onsets[np.maximum(after - 1, 0)]
    right = onsets[np.minimum(after, len(onsets) - 1)]
    return np.asarray(np.minimum(np.abs(times - left), np.abs(times - right)) <= _NEAR_S)
