"""Clips that are read when they are asked for, so that a long one need not be held in memory.

Samples are float32 `(frames, channels)` at `rate` Hz, finite; frame 0 is the clip's first. A reader
is sliced like an array (`clip[a:b]`, `len(clip)`, `clip.shape`); what comes back is an array.

Threads: one reader belongs to one thread.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property

import numpy as np

BLOCK_S = 4.0
"""Seconds in a block where nobody asks for another length."""


class ClipReader(ABC):
    """A clip of `frames` frames and `channels` channels at `rate` Hz, read in pieces."""

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, frames: int, channels: int, rate: int) -> None:
        self.frames, self.channels, self.rate = frames, channels, rate

    @abstractmethod
    def read(self, start: int, count: int) -> np.ndarray:
        """Return frames `[start, start + count)`, float32 `(count, channels)`.

        They must lie inside the clip. Errors: 200 gone, 201 damaged, 202 changed since.
        """

    def blocks(self, count: int | None = None) -> Iterator[np.ndarray]:
        """Yield the clip in arrays of `count` frames, the last one shorter. Errors as `read`."""
        step = count or round(BLOCK_S * self.rate)
        for start in range(0, self.frames, step):
            yield self.read(start, min(step, self.frames - start))

    @cached_property
    def digest(self) -> bytes:
        """What tells this clip from others with other samples; reads it once."""
        mark = digest_of(self.rate, self.channels)
        for block in self.blocks():
            mark.update(np.ascontiguousarray(block).data)
        return mark.digest()

    @property
    def shape(self) -> tuple[int, int]:
        """`(frames, channels)`."""
        return self.frames, self.channels

    def __len__(self) -> int:
        return self.frames

    def __getitem__(self, part: slice) -> np.ndarray:
        start, stop, step = part.indices(self.frames)
        assert step == 1, part
        return self.read(start, max(0, stop - start))

    def __array__(self, dtype: type | None = None, copy: bool | None = None) -> np.ndarray:
        """Return the whole clip: as much memory as it takes."""
        whole = np.empty(self.shape, np.float32)
        at = 0
        for block in self.blocks():
            whole[at : at + len(block)] = block
            at += len(block)
        return whole if dtype is None else whole.astype(dtype, copy=False)


Samples = np.ndarray | ClipReader
"""A clip, held or read in pieces; both are sliced alike."""


class HeldClip(ClipReader):
    """A clip that is in memory anyway: float32 `(frames, channels)`, not to be written to."""

    def __init__(self, samples: np.ndarray, rate: int) -> None:
        super().__init__(len(samples), samples.shape[1], rate)
        self._samples = samples

    def read(self, start: int, count: int) -> np.ndarray:
        """Return a view of the samples."""
        return self._samples[start : start + count]

    def __array__(self, dtype: type | None = None, copy: bool | None = None) -> np.ndarray:
        return self._samples if dtype is None else self._samples.astype(dtype, copy=False)


def as_reader(samples: Samples, rate: int) -> ClipReader:
    """Return a reader of `samples` at `rate` Hz; one that is a reader already as it is."""
    return samples if isinstance(samples, ClipReader) else HeldClip(samples, rate)


def digest_of(rate: int, channels: int) -> hashlib.blake2b:
    """Return a digest to add a clip's samples to."""
    return hashlib.blake2b(f"{rate} {channels}".encode(), digest_size=16)
