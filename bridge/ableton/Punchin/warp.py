"""Time inside a clip: from the clip's own unit to seconds of the source file, and back.

A warped clip counts in beats (quarter notes) that warp markers tie to seconds of the file; between
two markers time runs evenly, and outside them as in the nearest pair. The last marker that Live
lists is its own and hidden; it says how fast the file runs after the last visible one. A clip
without warping counts in seconds of the file.
"""

from __future__ import annotations

from typing import Any

from . import lom

NEAR = 1e-9


class Warp:
    """The pairs (beat, second) of a warped clip, in order; at least two."""

    def __init__(self, pairs: Any) -> None:
        """Raises ValueError unless two pairs or more rise in beats and in seconds."""
        self.pairs = sorted((float(b), float(s)) for b, s in pairs)
        rising = all(
            b2 - b1 > NEAR and s2 - s1 > NEAR
            for (b1, s1), (b2, s2) in zip(self.pairs, self.pairs[1:])
        )
        if len(self.pairs) < 2 or not rising:
            raise ValueError("fewer than two warp markers, or not in order")

    def second_at(self, beat: float) -> float:
        """Return the second of the file that sounds at a beat of the clip."""
        (b1, s1), (b2, s2) = self._segment(beat, 0)
        return s1 + (beat - b1) * (s2 - s1) / (b2 - b1)

    def beat_at(self, second: float) -> float:
        """Return the beat of the clip at which a second of the file sounds."""
        (b1, s1), (b2, s2) = self._segment(second, 1)
        return b1 + (second - s1) * (b2 - b1) / (s2 - s1)

    def bpm_at(self, beat: float) -> float:
        """Return the file's tempo just after a beat, in quarter notes a minute."""
        (b1, s1), (b2, s2) = self._segment(beat, 0)
        return 60.0 * (b2 - b1) / (s2 - s1)

    def moved(self, seconds: float, length_s: float) -> list[tuple[float, float]]:
        """Return pairs for a file of `length_s` in which this one's material lies `seconds` later.

        They begin at its first sample and end at its last.
        """
        ends = [(self.beat_at(at - seconds), at) for at in (0.0, length_s)]
        inner = [(b, s + seconds) for b, s in self.pairs if 1e-3 < s + seconds < length_s - 1e-3]
        return [ends[0], *inner, ends[1]]

    def _segment(self, value: float, axis: int) -> Any:
        later = (i for i in range(1, len(self.pairs)) if value < self.pairs[i][axis] - NEAR)
        i = next(later, len(self.pairs) - 1)
        return self.pairs[i - 1], self.pairs[i]


def of(clip: Any) -> Warp | None:
    """Return the warping of a clip, None where this Live does not tell it."""
    markers = lom.get(clip, "warp_markers", ())
    try:
        return Warp([(m.beat_time, m.sample_time) for m in markers])
    except (ValueError, *lom.UNREADABLE):
        return None
