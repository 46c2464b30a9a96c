"""Where a melody comes to rest: the ends of its phrases; standard library only."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_LONG = 1.9  # times the usual note; one that stands this long before the next ends a phrase
_LEAST_QUARTERS = 1.0
_NEAR = 0.1  # quarters; singers come early


@dataclass(frozen=True)
class Sung:
    """One melody note in quarter notes from the downbeat; `midi` is rounded to a semitone.

    `velocity` is that of a note that was played, None of one that was heard.
    """

    start: float
    end: float
    midi: int
    velocity: int | None = None


def rests(melody: Sequence[Sung], spans: Sequence[tuple[float, float]]) -> list[float]:
    """Return for each of `spans` (start, end in quarters) how surely a phrase ends there, 0…1.

    A phrase ends on a note that stands long before the next one begins; the last note is sure.
    """
    sure = [0.0] * len(spans)
    if not melody:
        return sure
    usual = max(1e-6, statistics.median(note.end - note.start for note in melody))
    for i, note in enumerate(melody):
        is_last = i + 1 == len(melody)
        stands = note.end - note.start if is_last else melody[i + 1].start - note.start
        if not is_last and stands < max(_LONG * usual, _LEAST_QUARTERS):
            continue
        share = 1.0 if is_last else min(1.0, (stands / usual - 1) / 2)
        for j, (start, end) in enumerate(spans):
            if start - _NEAR <= note.start < end - _NEAR:
                sure[j] = max(sure[j], share)
    return sure
