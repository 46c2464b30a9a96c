"""The clip as an engine hears it: at its own rate, in stereo, never above full scale.

A long window stays in its file: it is gone through once, block by block, for its fold and its
digest, and is read again where it is wanted.

Threads: the worker's main thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from daemon.audio import reading, resample
from daemon.audio.channels import Fold
from daemon.audio.clip_files import FileClip, ResampledClip, StereoClip
from daemon.audio.clips import ClipReader, HeldClip
from daemon.audio.types import SourceInfo
from daemon.core.planner import Work
from daemon.engines.base import Engine, Span

HELD_S = 60.0
"""Seconds of a window that are held in memory, whoever reads them: some 20 MB."""


@dataclass(frozen=True, eq=False)
class Clip:
    """What the engine hears: `heard` float32 `(n, 2)` from `engine_start` on at `engine_rate`.

    `source` is the same window, `(n, channels)` from frame `start` on, at the source's rate. A long
    one is only held where the engine wants an array.
    """

    source: ClipReader
    start: int
    heard: ClipReader
    engine_start: int
    fold: Fold

    @property
    def rate(self) -> int:
        """Sample rate of the source, Hz."""
        return self.source.rate

    @property
    def engine_rate(self) -> int:
        """Sample rate of what the engine hears, Hz."""
        return self.heard.rate

    def engine_span(self, start: int, end: int) -> Span:
        """Return the engine's frames, counted from the clip, that cover source frames."""
        first, last = resample.engine_span(start, end, self.rate, self.engine_rate)
        return Span(first - self.engine_start, last - self.engine_start)


Hear = Callable[[Engine, Work, tuple[int, int], Callable[[], None]], Clip]
"""How a window of a job's source is heard; see `hear`."""


class Ear:
    """Hears windows and keeps the last one: what was prepared need not be read again.

    A file that changed is read anew. Windows that stay in their file are not kept.
    """

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._clip: Clip | None = None

    def hear(
        self, engine: Engine, work: Work, window: tuple[int, int], check: Callable[[], None]
    ) -> Clip:
        """Return a window of the job's source. Raises as `hear`."""
        rate = engine.rate_for(work.rate)
        key = (engine, work.source, window, rate)
        if self._clip is not None and key == self._key and _unchanged(work.source):
            return self._clip
        clip = hear(engine, work, window, check)
        held = window[1] - window[0] <= HELD_S * work.rate
        self._key, self._clip = (key, clip) if held else ((), None)
        return clip


def _unchanged(source: SourceInfo | None) -> bool:
    if source is None:
        return False
    try:
        now = Path(source.path).stat()
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (source.size, source.mtime_ns)


def hear(engine: Engine, work: Work, window: tuple[int, int], check: Callable[[], None]) -> Clip:
    """Read a window of the job's source for an engine. Raises 200, 201, 202.

    `check` is called every few milliseconds while a long window is read, and may raise.
    """
    engine_rate = engine.rate_for(work.rate)
    if work.source is None:
        nothing = np.zeros((0, 2), np.float32)
        fold = Fold.fit(np.zeros((1, 2), np.float32))
        return Clip(HeldClip(nothing, work.rate), 0, HeldClip(nothing, engine_rate), 0, fold)
    start, end = window
    if end - start <= HELD_S * work.rate:
        source = HeldClip(reading.window(work.source, start, end), work.rate)
        fold = Fold.fit(source[:])
        heard, engine_start = resample.convert(
            fold.stereo(source[:]), start, work.rate, engine_rate
        )
        heard = np.ascontiguousarray(heard, np.float32)
        return Clip(source, start, HeldClip(heard, engine_rate), engine_start, fold)
    clip = _in_blocks(FileClip(work.source, start, end), start, engine_rate, check)
    if work.op in engine.capabilities().in_blocks:
        return clip
    return replace(clip, heard=HeldClip(np.asarray(clip.heard), engine_rate))


def _in_blocks(source: FileClip, start: int, rate: int, check: Callable[[], None]) -> Clip:
    stereo, fold = StereoClip.of(source, check)
    if rate == source.rate:
        return Clip(source, start, stereo, start, fold)
    heard = ResampledClip(stereo, start, rate)
    return Clip(source, start, heard, heard.first, fold)
