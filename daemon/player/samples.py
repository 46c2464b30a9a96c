"""Samples by frame: files, jobs that still grow, and time lines made of them.

All arrays are float32 `(frames, channels)`, full scale at ±1. Frames before the first and after the
last one are silence and always there. `ready` tells how much of a stretch can be read; `read` gives
silence for what is not there yet.

Threads: `read` and `ready` are called on audio threads and never wait. `load` belongs to the loader
thread, `write` to the thread that hears the control plane. What has been written is published by
assigning one reference or setting one byte after the samples are in place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from daemon.audio import reading
from daemon.audio.probe import probe

BLOCK = 32_768


class Samples(Protocol):
    """Something that has samples. `frames` is its length when whole."""

    frames: int
    channels: int

    def ready(self, start: int, end: int) -> int:
        """Return how many frames from `start` on can be read without a gap, up to `end`."""

    def read(self, start: int, end: int) -> np.ndarray:
        """Return frames `[start, end)`."""


class Blocks:
    """Samples that arrive block by block in any order."""

    def __init__(self, frames: int, channels: int) -> None:
        self.frames, self.channels = frames, channels
        self._data = np.empty((frames, channels), np.float32)  # pages are taken when written
        self._there = bytearray(-(-frames // BLOCK))

    def ready(self, start: int, end: int) -> int:
        """Return how many frames from `start` on can be read without a gap, up to `end`."""
        first = max(0, start)
        if first >= min(end, self.frames):
            return end - start
        gap = self._there.find(0, first // BLOCK)
        known = self.frames if gap < 0 else max(first, gap * BLOCK)
        return end - start if known >= min(end, self.frames) else known - start

    def read(self, start: int, end: int) -> np.ndarray:
        """Return frames `[start, end)`."""
        if start >= 0 and end <= self.frames and self.ready(start, end) == end - start:
            return self._data[start:end]
        out = np.zeros((end - start, self.channels), np.float32)
        here = max(0, start)
        while here < min(end, self.frames):
            upto = min((here // BLOCK + 1) * BLOCK, end, self.frames)
            if self._there[here // BLOCK]:
                out[here - start : upto - start] = self._data[here:upto]
            here = upto
        return out

    def _missing(self, near: int) -> int | None:
        """Return the first block from frame `near` on that is not there, then from the front."""
        gap = self._there.find(0, min(max(0, near), max(0, self.frames - 1)) // BLOCK)
        gap = self._there.find(0) if gap < 0 else gap
        return None if gap < 0 else gap

    def _put(self, block: int, samples: np.ndarray) -> None:
        self._data[block * BLOCK : block * BLOCK + len(samples)] = samples
        self._there[block] = 1


class FileSamples(Blocks):
    """A file in memory, at its own rate. Raises 200, 201, 204 as `probe`."""

    def __init__(self, path: str) -> None:
        self.info = probe(path)
        self._stream: Iterator[np.ndarray] | None = None
        self._next = 0
        super().__init__(self.info.frames, self.info.channels)

    def load(self, near: int) -> bool:
        """Read one more block, if possible the one at frame `near`; False when all are there."""
        block = self._missing(near)
        if block is None:
            return False
        if not reading.seeks_exactly(self.info):
            return self._load_in_order()
        first = block * BLOCK
        self._put(block, reading.window(self.info, first, min(first + BLOCK, self.frames)))
        return True

    def _load_in_order(self) -> bool:
        """Compressed files are decoded from their start: their seeks are not exact."""
        if self._stream is None:
            self._stream = reading.blocks(self.info, 0, self.frames, BLOCK)
        native = next(self._stream, None)
        if native is None:
            return False
        samples = reading.as_float(native)
        self._data[self._next : self._next + len(samples)] = samples
        self._next += len(samples)
        whole = len(self._there) if self._next == self.frames else self._next // BLOCK
        for i in range(whole):
            self._there[i] = 1
        return True


class LiveSamples:
    """What a running job has made so far of one role.

    A chunk over frames that were there before is a better version of them; it is heard from the
    next `settle` on, so that nothing changes under the play head.
    """

    def __init__(
        self, frames: int, channels: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.frames, self.channels = frames, channels
        self._clock = clock
        self._data = np.zeros((frames, channels), np.float32)
        self.chunks = 0
        self.grain = 0  # the most frames that one chunk has added
        self._better: np.ndarray | None = None
        self._parts: tuple[tuple[int, int], ...] = ()
        self._since: tuple[float, int] | None = None
        self._speed: float | None = None

    @property
    def made(self) -> int:
        """Frames that are there."""
        return sum(b - a for a, b in self._parts)

    def speed(self) -> float | None:
        """Frames made a second since the first chunk; None before the second one."""
        return self._speed

    def write(self, start: int, samples: np.ndarray) -> None:
        """Take a chunk whose first sample lies at frame `start`; what lies outside is dropped."""
        first, last = max(0, start), min(start + len(samples), self.frames)
        if last <= first:
            return
        piece = samples[first - start : last - start]
        data, again = self._data, any(a < last and first < b for a, b in self._parts)
        if again and self._better is None:
            self._better = data.copy()
        if self._better is not None:
            self._better[first:last] = piece
        for a, b in _gaps(self._parts, first, last):
            data[a:b] = piece[a - first : b - first]
        before = self.made
        self._parts = _joined(self._parts, (first, last))
        self.grain = max(self.grain, self.made - before)
        self.chunks += 1
        self._measure()

    def _measure(self) -> None:
        now, made = self._clock(), self.made
        if self._since is None:
            self._since = (now, made)
        elif now > self._since[0] and made > self._since[1]:
            self._speed = (made - self._since[1]) / (now - self._since[0])

    def settle(self) -> None:
        """Hear the latest version of every frame from now on."""
        better, self._better = self._better, None
        if better is not None:
            self._data = better

    def ready(self, start: int, end: int) -> int:
        """Return how many frames from `start` on can be read without a gap, up to `end`."""
        here = start if start >= 0 else min(0, end)
        for a, b in self._parts:
            if a <= here < b:
                here = b
        return end - start if here >= min(end, self.frames) else here - start

    def read(self, start: int, end: int) -> np.ndarray:
        """Return frames `[start, end)`."""
        if start >= 0 and end <= self.frames:
            return self._data[start:end]
        out = np.zeros((end - start, self.channels), np.float32)
        first, last = max(0, start), min(end, self.frames)
        if first < last:
            out[first - start : last - start] = self._data[first:last]
        return out


def _gaps(parts: tuple[tuple[int, int], ...], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of `[first, last)` that no part covers."""
    for a, b in parts:
        if a >= last:
            break
        if first < a:
            yield first, a
        first = max(first, b)
    if first < last:
        yield first, last


def _joined(
    parts: tuple[tuple[int, int], ...], new: tuple[int, int]
) -> tuple[tuple[int, int], ...]:
    out: list[tuple[int, int]] = []
    for a, b in sorted((*parts, new)):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return tuple(out)


@dataclass(frozen=True)
class Segment:
    """Frames `[start, end)` of a time line are those of `samples` from `offset` on."""

    start: int
    end: int
    samples: Samples
    offset: int = 0


class Timeline:
    """The sum of layers; each is a row of segments that don't overlap, with silence between."""

    def __init__(self, layers: Sequence[Sequence[Segment]], frames: int) -> None:
        self.layers = [sorted(layer, key=lambda s: s.start) for layer in layers]
        self.frames = frames
        self.channels = max((s.samples.channels for la in layers for s in la), default=1)

    def ready(self, start: int, end: int) -> int:
        """Return how many frames from `start` on can be read without a gap, up to `end`."""
        return min((_ready(layer, start, end) for layer in self.layers), default=end - start)

    def read(self, start: int, end: int) -> np.ndarray:
        """Return frames `[start, end)`; layers are added in float32."""
        if len(self.layers) == 1 and len(self.layers[0]) == 1:
            (only,) = self.layers[0]
            if only.start <= start and end <= only.end:
                shift = only.offset - only.start
                return fit(only.samples.read(start + shift, end + shift), self.channels)
        out = np.zeros((end - start, self.channels), np.float32)
        for layer in self.layers:
            for s in layer:
                a, b = max(start, s.start), min(end, s.end)
                if a < b:
                    shift = s.offset - s.start
                    piece = s.samples.read(a + shift, b + shift)
                    out[a - start : b - start] += fit(piece, self.channels)
        return out


def _ready(layer: Sequence[Segment], start: int, end: int) -> int:
    for s in layer:
        a, b = max(start, s.start), min(end, s.end)
        if a < b:
            shift = s.offset - s.start
            known = s.samples.ready(a + shift, b + shift)
            if known < b - a:
                return a + known - start
    return end - start


def fit(samples: np.ndarray, channels: int) -> np.ndarray:
    """Return samples with `channels` channels: mono goes to two, others are cut or padded.

    A mono device gets the mean of the first two.
    """
    have = samples.shape[1]
    if have == channels:
        return samples
    if channels == 1:
        return np.asarray(samples[:, :2].mean(axis=1, keepdims=True, dtype=np.float32))
    out = np.zeros((len(samples), channels), np.float32)
    out[:, : min(2, channels)] = samples[:, :1] if have == 1 else samples[:, :2]
    if have > 2:
        n = min(have, channels)
        out[:, :n] = samples[:, :n]
    return out
