"""Which part of a clip an engine hears around what it is to make. Standard library only.

Frames are the source's samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Frames = tuple[int, int]


@dataclass(frozen=True)
class Windowing:
    """How an engine wants the window of a long clip cut; by default wherever it falls.

    `step_s`: the window begins on multiples of it, counted from the clip's first sample.
    `lengths_s`, ascending: it is as long as the shortest of these that holds the region with its
    context; what that leaves over is more context, on both sides where the clip has it. `border_s`:
    besides, so much of the clip beyond each end that was cut. `least_s`: a clip that is shorter is
    heard with so much of what lies around it that both together are as long.
    """

    step_s: float = 0.0
    lengths_s: tuple[float, ...] = ()
    border_s: float = 0.0
    least_s: float = 0.0

    def around(self, core: Frames, clip: Frames, context: Frames, rate: int) -> Frames:
        """Return the window inside `clip`, frames `[start, end)` at `rate` Hz.

        `core` is what is to be made, maybe outside the clip. `context` are the frames of the clip
        wanted before and after it; where one is 0 there is nothing to hear on that side.
        """
        before = min(context[0], max(0, core[0] - clip[0]))
        after = min(context[1], max(0, clip[1] - core[1]))
        length = before + core[1] - core[0] + after
        spare = next((n for n in self._lengths(rate) if n >= length), length) - length
        left = max(0, core[0] - before - clip[0]) if context[0] else 0
        right = max(0, clip[1] - core[1] - after) if context[1] else 0
        more = min(left, max(spare // 2, spare - right))
        start = max(clip[0], core[0] - before - more)
        end = min(clip[1], core[1] + after + min(right, spare - more))
        end_is_cut = end < clip[1]
        start, moved = self._on_step(start, min(core[0], clip[1]), clip[0], rate, not end_is_cut)
        if end_is_cut:
            end = min(clip[1], max(end - moved, core[1]))
        border = round(self.border_s * rate)
        return max(clip[0], start - border), min(clip[1], end + border)

    def with_more(self, clip: Frames, around: Frames, rate: int) -> Frames:
        """Return the window, frames `[start, end)`, in which a short clip is heard.

        It lies in `around`, on both sides of the clip where there is something, and begins a whole
        number of steps before it.
        """
        least = math.ceil(self.least_s * rate)
        missing = least - (clip[1] - clip[0])
        if missing <= 0:
            return clip
        left, right = max(0, clip[0] - around[0]), max(0, around[1] - clip[1])
        step = self.step_s * rate or 1.0
        wanted = math.ceil(max(missing / 2, missing - right) / step)
        before = round(min(wanted, left // step) * step)
        return clip[0] - before, clip[1] + min(right, max(0, missing - before))

    def _lengths(self, rate: int) -> tuple[int, ...]:
        return tuple(round(length * rate) for length in self.lengths_s)

    def _on_step(self, start: int, latest: int, origin: int, rate: int, up: bool) -> Frames:
        """Return `start` moved to a step, at most to `latest`, and by how much it moved back.

        `up`: rather later than earlier, so that a window which ends with its clip gets no longer.
        """
        step = self.step_s * rate
        if not step or start <= origin:
            return start, 0
        steps = (start - origin) / step
        whole = min(math.ceil(steps) if up else math.floor(steps), (latest - origin) // step)
        moved = origin + round(whole * step)
        return moved, start - moved


ANYWHERE = Windowing()
