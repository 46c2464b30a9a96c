"""The clip of a job in its file, as readers: the source's own channels, in stereo, at another rate.

Samples are float32, frame 0 is the clip's first. Nothing but a block is held, and the file is
opened for every read, so that a DAW can replace it; a replaced one is told as 202.

Threads: one reader belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from daemon.audio import reading, resample
from daemon.audio.channels import Fitting, Fold
from daemon.audio.clips import BLOCK_S, ClipReader, digest_of
from daemon.audio.probe import unchanged
from daemon.audio.types import SourceInfo


class FileClip(ClipReader):
    """Frames `[start, end)` of a source file, in its own channels, full scale at ±1.

    A source that can't be read from the middle (MP3, Vorbis) is held from the first `read` on;
    going through its `blocks` in order holds nothing.
    """

    def __init__(self, info: SourceInfo, start: int, end: int) -> None:
        super().__init__(end - start, info.channels, info.rate)
        self._info, self._start = info, start

    def read(self, start: int, count: int) -> np.ndarray:
        """Return frames of the window. Raises 200, 201, 202."""
        assert 0 <= start <= start + count <= self.frames, (start, count, self.frames)
        if not reading.seeks_exactly(self._info):
            return self._whole[start : start + count]
        unchanged(self._info)
        first = self._start + start
        return reading.window(self._info, first, first + count)

    def blocks(self, count: int | None = None) -> Iterator[np.ndarray]:
        """Yield the window in one go through the file. Raises 200, 201, 202."""
        if "_whole" in self.__dict__:
            yield from super().blocks(count)
            return
        unchanged(self._info)
        step = count or round(BLOCK_S * self.rate)
        native = reading.blocks(self._info, self._start, self._start + self.frames, step)
        yield from _regrouped((reading.as_float(block) for block in native), step)
        unchanged(self._info)

    @cached_property
    def _whole(self) -> np.ndarray:
        unchanged(self._info)
        return reading.window(self._info, self._start, self._start + self.frames)


class StereoClip(ClipReader):
    """A source folded to stereo and scaled as an engine hears it, at the source's rate."""

    def __init__(self, source: ClipReader, fold: Fold, digest: bytes) -> None:
        super().__init__(source.frames, 2, source.rate)
        self._source, self._fold, self.digest = source, fold, digest

    @classmethod
    def of(cls, source: ClipReader, check: Callable[[], None]) -> tuple[StereoClip, Fold]:
        """Return `source` as an engine hears it, and its fold; goes through it once.

        `check` is called for every block and may raise. Errors as the source's.
        """
        fitting = Fitting(source.channels)
        mark = digest_of(source.rate, source.channels)
        for block in source.blocks():
            check()
            fitting.add(block)
            mark.update(np.ascontiguousarray(block).data)
        fold = fitting.fold()
        return cls(source, fold, mark.digest()), fold

    def read(self, start: int, count: int) -> np.ndarray:
        """Return folded frames; errors as the source's."""
        return self._fold.stereo(self._source.read(start, count))

    def blocks(self, count: int | None = None) -> Iterator[np.ndarray]:
        """Yield folded blocks; errors as the source's."""
        return (self._fold.stereo(block) for block in self._source.blocks(count))


class ResampledClip(ClipReader):
    """A clip at another rate, frame by frame as `resample.convert` makes it of the whole.

    The clip begins at frame `start` of its source's time line, the result at frame `first` of the
    new rate, the first one that is not before.
    """

    def __init__(self, clip: ClipReader, start: int, rate: int) -> None:
        frames, self.first = resample.converted_span(clip.frames, start, clip.rate, rate)
        super().__init__(frames, clip.channels, rate)
        self._clip, self._start = clip, start

    @cached_property
    def digest(self) -> bytes:
        """Of the clip, where it begins and the rate."""
        mark = digest_of(self.rate, self.channels)
        mark.update(f"{self._start} {self._clip.rate}".encode() + self._clip.digest)
        return mark.digest()

    def read(self, start: int, count: int) -> np.ndarray:
        """Return converted frames; errors as the clip's."""
        rates = self._clip.rate, self.rate
        begin = self.first + start
        first, last = resample.needed(*rates, begin, begin + count)
        first, last = (max(0, frame - self._start) for frame in (first, last))
        piece = self._clip[first:last]
        return resample.cut(piece, self._start + first, *rates, begin, begin + count)


def _regrouped(pieces: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """Yield what `pieces` hold in arrays of `count` frames, the last one shorter."""
    held: list[np.ndarray] = []
    have = 0
    for piece in pieces:
        held.append(piece)
        have += len(piece)
        if have < count:
            continue
        joined = held[0] if len(held) == 1 else np.concatenate(held)
        whole = have // count * count
        yield from (joined[at : at + count] for at in range(0, whole, count))
        held, have = [joined[whole:]], have - whole
    if have:
        yield np.concatenate(held)
