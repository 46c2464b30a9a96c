"""The clip as an engine hears it: at its own rate, in stereo, never above full scale.

Threads: the worker's main thread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.audio import reading, resample
from daemon.audio.channels import Fold
from daemon.core.planner import Work
from daemon.engines.base import Engine, Span


@dataclass(frozen=True, eq=False)
class Clip:
    """What the engine hears: `heard` float32 `(n, 2)` from `engine_start` on at `engine_rate`.

    `source` holds the same window, `(n, channels)` from frame `start` on, at the source's rate.
    """

    source: np.ndarray
    start: int
    heard: np.ndarray
    engine_start: int
    rate: int
    engine_rate: int
    fold: Fold

    def engine_span(self, start: int, end: int) -> Span:
        """Return the engine's frames, counted from the clip, that cover source frames."""
        first, last = resample.engine_span(start, end, self.rate, self.engine_rate)
        return Span(first - self.engine_start, last - self.engine_start)


def hear(engine: Engine, work: Work, window: tuple[int, int]) -> Clip:
    """Read a window of the job's source for an engine. Raises 200, 201."""
    engine_rate = engine.rate_for(work.rate)
    if work.source is None:
        nothing = np.zeros((0, 2), np.float32)
        fold = Fold.fit(np.zeros((1, 2), np.float32))
        return Clip(nothing, 0, nothing, 0, work.rate, engine_rate, fold)
    source = reading.window(work.source, *window)
    fold = Fold.fit(source)
    heard, start = resample.convert(fold.stereo(source), window[0], work.rate, engine_rate)
    heard = np.ascontiguousarray(heard, np.float32)
    return Clip(source, window[0], heard, start, work.rate, engine_rate, fold)
