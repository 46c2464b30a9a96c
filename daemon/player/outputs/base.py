"""The contract of an output: it knows its own clock and pulls what sounds from a render function.

Sound is float32, shape `(frames, channels)`, full scale at ±1. An output opens its device, tells
the `Format` that it got, asks `start` for the render function of that format, and then pulls block
after block from a thread of its own until it is closed or its device dies. `Keeper` opens it again
when the device comes back, so `start` may be called several times, each time with the format then
in force.

Threads: `open` and `close` are called by one thread (the keeper's); `render` by the output's own
thread only; `health` by any.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Render = Callable[[int], np.ndarray]
Idle = Callable[[], bool]


def never() -> bool:
    """Return that something may sound at any time."""
    return False


@dataclass(frozen=True)
class Format:
    """What an output plays.

    `rate` in Hz. `pairs` are the names of its stereo pairs in the order of the channels, `mix`
    first; channels 2i and 2i + 1 are left and right of pair i. A mono device has `channels` 1.
    `latency_s`: from the moment a block is asked for until its first sample is heard (or sent), as
    it was on opening; `Health` tells what it is now.
    `block`: the largest number of frames that is asked for at once. `device`: what a musician calls
    the place where it sounds.
    """

    rate: int
    channels: int
    latency_s: float
    block: int
    pairs: tuple[str, ...] = ("mix",)
    device: str = ""


Start = Callable[[Format], Render]


@dataclass(frozen=True)
class Health:
    """How an output is.

    `state`: `open`, `closed`, or `lost` when the device is gone. `frames`: pulled since it was
    opened. `underruns`: how often the device had to play silence because nothing was there.
    `beat_s`: `time.monotonic()` of the last sign of life of the device. `latency_s`: as in
    `Format`, where it has changed since.
    """

    state: str
    frames: int = 0
    underruns: int = 0
    beat_s: float = 0.0
    trouble: str = ""
    latency_s: float | None = None


@dataclass(frozen=True)
class Clock:
    """Frame `frame`, counted from the first that was pulled, is heard at `time_s`.

    `time_s` is on the scale of `time.monotonic()`. Underruns move it; between two readings the
    device's own rate holds.
    """

    frame: int
    time_s: float

    def heard_at(self, frame: int, rate: int) -> float:
        """Return when another frame is heard, on the same scale."""
        return self.time_s + (frame - self.frame) / rate


class Output(Protocol):
    """A place where sound goes. `name` is how replies and messages call it.

    `idle` tells whether nothing sounds and nothing is asked for; who owns the output sets it.
    """

    name: str
    idle: Idle

    def open(self, start: Start) -> Format:
        """Open the device and begin to pull. Raises PunchinError 402 with the mend."""

    def close(self) -> None:
        """Stop and let go of the device; may hang when its server has died."""

    def health(self) -> Health:
        """Return how it is; never blocks."""

    def clock(self) -> Clock | None:
        """Return which frame is heard when, None before the first; never blocks."""


class Pulse:
    """Counts of a running output. Written by its audio thread, read by any.

    `latency_s` is for outputs whose latency may change while they are open.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.underruns = 0
        self.beat_s = time.monotonic()
        self.trouble = ""
        self.latency_s: float | None = None
        self.clock: Clock | None = None
        self.ended = threading.Event()

    def beat(self, frames: int) -> None:
        """Note that the device took `frames` frames."""
        self.frames += frames
        self.beat_s = time.monotonic()

    def end(self, trouble: str = "") -> None:
        """Note that the device is gone."""
        self.trouble = self.trouble or trouble
        self.ended.set()

    def health(self) -> Health:
        """Return the counts as a value."""
        state = "lost" if self.ended.is_set() else "open"
        return Health(state, self.frames, self.underruns, self.beat_s, self.trouble, self.latency_s)


CLOSED = Health("closed")


def next_block(render: Render, frames: int, channels: int) -> np.ndarray:
    """Return the next block, checked: float32 `(frames, channels)`, C-contiguous."""
    block = np.ascontiguousarray(render(frames), np.float32)
    assert block.shape == (frames, channels), (block.shape, frames, channels)
    return block
