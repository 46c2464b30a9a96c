"""The clip as an engine hears it: at its own rate, in stereo, never above full scale.

A long window stays in its file: it is gone through once, block by block, for its fold and its
digest, and is read again where it is wanted. The last few windows are kept for the job that follows
a preparation, and for the next one on the same clip.

Threads: the worker's main thread.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bridge.protocol.errors import PunchinError
from daemon.audio import reading, resample
from daemon.audio.channels import Fold
from daemon.audio.clip_files import FileClip, ResampledClip, StereoClip
from daemon.audio.clips import ClipReader, HeldClip
from daemon.audio.types import SourceInfo
from daemon.core.planner import Windowing, Work
from daemon.engines.base import Engine, Span

HELD_S = 60.0
"""Seconds of a window that are held in memory, whoever reads them: some 20 MB."""

KEPT, KEPT_BYTES = 4, 96 << 20
"""Windows that a shelf keeps, and what their samples may take together."""

_SETTLED_S = 2.0  # the coarsest modification times there are (FAT)
Name = tuple[object, ...]


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

    @property
    def held_bytes(self) -> int:
        """Memory that its samples take."""
        both = (self.source, self.heard)
        return sum(np.asarray(clip).nbytes for clip in both if isinstance(clip, HeldClip))


class Shelf:
    """The windows that were read last; each counts for as long as its file is the same."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._clips: OrderedDict[Name, Clip] = OrderedDict()

    def hear(
        self, engine: Engine, work: Work, window: tuple[int, int], check: Callable[[], None]
    ) -> Clip:
        """Return what `hear` returns, read now or before. Raises what it raises."""
        name = _name(engine, work, window)
        if name is not None and name in self._clips:
            self._clips.move_to_end(name)
            return self._clips[name]
        clip = hear(engine, work, window, check)
        if name is not None and name == _name(engine, work, window):
            self._keep(name, clip)
        return clip

    def _keep(self, name: Name, clip: Clip) -> None:
        self._clips[name] = clip
        while len(self._clips) > KEPT or self._held_bytes > self._most_bytes:
            self._clips.popitem(last=False)

    @property
    def _held_bytes(self) -> int:
        return sum(clip.held_bytes for clip in self._clips.values())


def _name(engine: Engine, work: Work, window: tuple[int, int]) -> Name | None:
    """Return what tells a window of a file, as it is now, from all others.

    None where nothing does, and for a long one that can't be read from the middle: its reader
    holds all of it in the end.
    """
    file = _file(work.source) if work.source else None
    if work.source is None or file is None:
        return None
    if window[1] - window[0] > HELD_S * work.rate and not reading.seeks_exactly(work.source):
        return None
    in_blocks = work.op in engine.capabilities().in_blocks
    return (*file, work.rate, engine.rate_for(work.rate), window, in_blocks)


def _file(source: SourceInfo) -> Name | None:
    """Return what tells a file from others with its path.

    None for one that was written a moment ago: it may be written again without another time.
    """
    try:
        found = Path(source.path).stat()
    except OSError:
        return None
    if (found.st_size, found.st_mtime_ns) != (source.size, source.mtime_ns):
        return None
    if time.time() - found.st_mtime < _SETTLED_S:
        return None
    # A file that is put in the place of another with its times has another node or change time.
    times = found.st_mtime_ns, found.st_ctime_ns
    return source.path, found.st_dev, found.st_ino, found.st_size, *times


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


@dataclass(frozen=True, eq=False)
class OriginClip:
    """What a result was made to, `(n, 2)` as its clip is heard.

    It begins `lead` engine frames before the result does and ends `tail` after it.
    """

    heard: np.ndarray
    lead: int
    tail: int

    def fields(self) -> dict[str, Any]:
        """Return what a request says of it."""
        return {"origin": self.heard, "origin_lead": self.lead, "origin_tail": self.tail}


def origin_of(
    engine: Engine, work: Work, clip: Clip, cut: Windowing, check: Callable[[], None]
) -> OriginClip | None:
    """Return what the result that is varied was made to, as `clip` is heard.

    `cut` is how the engine cut its window. None where there is no such thing, or it is not any more
    what it was.
    """
    if work.origin is None:
        return None
    source, (start, end) = work.origin.source, work.origin.clip
    window = cut.with_more((start, end), work.origin.around or (start, end), source.rate)
    try:
        held = FileClip(source, *window)
        found = _in_blocks(held, window[0] - start, engine.rate_for(source.rate), check)
        heard = np.asarray(found.heard)
    except PunchinError:
        return None
    own = found.engine_span(0, end - start)
    heard = heard * np.float32(clip.fold.gain / found.fold.gain)
    return OriginClip(heard, own.start, len(heard) - own.end)


def _in_blocks(source: FileClip, start: int, rate: int, check: Callable[[], None]) -> Clip:
    stereo, fold = StereoClip.of(source, check)
    if rate == source.rate:
        return Clip(source, start, stereo, start, fold)
    heard = ResampledClip(stereo, start, rate)
    return Clip(source, start, heard, heard.first, fold)
