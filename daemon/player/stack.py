"""The sum of the stems of a running job, which nobody has counted before.

Engines make stems side by side, block by block, or one after the other, and a block comes in more
than one chunk. The sum can be heard once it is clear which stems there are: when one goes on after
another has begun, or after a moment without a new one.
A stem that is far behind the play head is silent there, and does not hold up the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from daemon.player.samples import LiveSamples, Segment, Timeline

_MOMENT_S = 0.05
_FAR_S = 0.5


class Stack(Timeline):
    """Stems at `rate` (Hz), added."""

    def __init__(self, frames: int, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__([], frames)
        self._stems: list[LiveSamples] = []
        self._far_frames = round(_FAR_S * rate)
        self._clock = clock
        self._added_s = 0.0
        self._had: list[int] = []  # chunks of the stems that were there when the newest came
        self._known = False

    def add(self, samples: LiveSamples) -> None:
        """Take a stem in."""
        self.channels = max(self.channels, samples.channels)
        self._known = self._known or self._goes_on()
        self._added_s, self._had = self._clock(), [s.chunks for s in self._stems]
        self._stems.append(samples)
        self.layers.append([Segment(0, self.frames, samples)])

    @property
    def complete(self) -> bool:
        """Whether it is clear which stems there are."""
        if not self._known and self._stems:
            self._known = self._goes_on() or self._clock() - self._added_s > _MOMENT_S
        return self._known

    def _goes_on(self) -> bool:
        """Whether a stem has had a chunk since the newest one came."""
        return any(s.chunks > had for s, had in zip(self._stems, self._had, strict=False))

    def ready(self, start: int, end: int) -> int:
        """Return how many frames from `start` on can be read without a gap, up to `end`."""
        if not self.complete:
            return 0
        back = max(0, start - self._far_frames)
        near = [s for s in self._stems if back + s.ready(back, end) >= start]
        near = [s for s in near if s.ready(back, end) > 0] or self._stems
        return min(s.ready(start, end) for s in near)
