"""Which part of a clip the transformer sees, and the few lengths that it is run at.

Frames are latent frames (40 ms) of the clip. A window begins and ends on a multiple of GRAIN frames
of the clip: there the patches of the transformer and the pools of the 5 Hz codes lie as they would
in the whole clip. It may end beyond the clip, whose rest is then silence and is cut off after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.engines.acestep.parts import FRAMES_PER_S, GRAIN, HOP

BUCKETS = tuple(seconds * FRAMES_PER_S for seconds in (16, 24, 40, 64, 96))
"""Lengths, in frames, that captured graphs are made for."""
LEAST = 10 * FRAMES_PER_S
"""The model was trained on 10 s and more; shorter windows are filled up with silence."""
SHORTEST_S, LONGEST_S = 3, 90
"""Regions outside this range run with a warning (ACE-Step's tutorial on repaint)."""


@dataclass(frozen=True)
class Window:
    """Frames `[start, end)` of a clip, and its length `bucket` for a captured graph.

    `end` lies beyond the clip by `silent` frames.
    """

    start: int
    end: int
    bucket: int
    silent: int = 0

    @property
    def frames(self) -> int:
        """Length in frames, a multiple of GRAIN."""
        return self.end - self.start

    @property
    def duration_s(self) -> float:
        """Length that the model is told."""
        return self.frames / FRAMES_PER_S

    def inside(self, span: tuple[int, int]) -> tuple[int, int]:
        """Return a span of the clip in frames of the window."""
        return span[0] - self.start, span[1] - self.start


def span_of(start_sample: int, end_sample: int) -> tuple[int, int]:
    """Return the frames that hold the samples `[start_sample, end_sample)`."""
    return start_sample // HOP, -(-end_sample // HOP)


def bucket_for(frames: int) -> int:
    """Return the smallest bucket that holds `frames`, or `frames` where none does."""
    return next((bucket for bucket in BUCKETS if bucket >= frames), frames)


def window_for(clip_frames: int, spans: Sequence[tuple[int, int]], context_s: float) -> Window:
    """Choose the window around `spans` of a clip of `clip_frames` frames.

    At least `context_s` to each side where the clip has it; 0: the whole clip. The rest of the
    bucket is taken from the clip as well, evenly on both sides where it has both.
    """
    limit = _up(clip_frames)
    if context_s <= 0 or not spans:
        return _placed(0, limit, clip_frames)
    reach = _up(math.ceil(context_s * FRAMES_PER_S))
    start = max(0, _down(min(a for a, _ in spans) - reach))
    end = min(limit, _up(max(b for _, b in spans) + reach))
    start, end = _filled(start, end, limit, bucket_for(end - start))
    return _placed(start, end, clip_frames)


def _filled(start: int, end: int, limit: int, frames: int) -> tuple[int, int]:
    """Widen `[start, end)` to `frames` inside `[0, limit)`; what one side lacks the other gives."""
    more = max(0, frames - (end - start))
    start = max(0, start - _down(more // 2))
    end = min(limit, start + max(frames, end - start))
    return max(0, min(start, end - frames)), end


def _placed(start: int, end: int, clip_frames: int) -> Window:
    """Return the window, filled up with silence to the least length."""
    end = max(end, start + LEAST)
    return Window(start, end, bucket_for(end - start), max(0, end - clip_frames))


def _down(frame: int) -> int:
    return frame // GRAIN * GRAIN


def _up(frame: int) -> int:
    return -(-frame // GRAIN) * GRAIN


def warnings_of(spans: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """Return what a musician should know of regions that the model was not trained for."""
    lengths = [(end - start) / FRAMES_PER_S for start, end in spans]
    return tuple(
        f"a region of {length:.4g} s is outside {SHORTEST_S}-{LONGEST_S} s, for which the model "
        "was made: listen closely"
        for length in lengths
        if not SHORTEST_S <= length <= LONGEST_S
    )
