"""Rooms and plates: stereo reverb as convolution with shaped noise.

An impulse response is noise that dies away by 60 dB in `seconds`, its high end sooner, after a
short gap; left and right are independent (Moorer, CMJ 3(2), 1979). Its energy is 1 per channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.fft as fft

from daemon.engines.sketch.render.tone import Array, banded, fading, noise, rising, times

BLOCK_S = 3.0
"""How much one transform answers; stretches of this length are the cheapest."""

_GAP_S = 0.012
_BANDS_HZ = (0.0, 600.0, 2000.0)
_SHARES = (1.0, 0.95, 0.75, 0.35)  # of the decay, from the lowest band up
_LOW_CUT_HZ = 180.0
_WALLS, _WALLS_S = 7, 0.045  # early reflections a side, and when the last one comes
_PLATE_HZ = (0.0, 500.0, 3000.0, 0.0)
_PLATE_SHARES = (0.7, 1.0, 0.65)
_PLATE_CUT_HZ, _PLATE_GAP_S = 240.0, 0.004


@dataclass(frozen=True)
class Room:
    """A room's response in the frequency domain: `(2, bins)` of FFTs of `size` samples."""

    spectrum: Array
    size: int
    frames: int

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.spectrum.nbytes

    @property
    def step(self) -> int:
        """Frames that one transform answers."""
        return self.size - self.frames + 1

    def wet(self, send: Array, tail: Array) -> tuple[Array, Array]:
        """Return the answer to `send` `(frames,)`, `(2, frames)`, and the tail that follows it.

        `tail` `(2, n)` is what still rings from before, the first time `(2, 0)`.
        """
        out = np.zeros((2, len(send) + self.frames - 1), np.float32)
        out[:, : tail.shape[1]] = tail[:, : out.shape[1]]
        for start in range(0, len(send), self.step):
            block = send[start : start + self.step]
            if block.any():
                self._answered(block, out[:, start:])
        return out[:, : len(send)], out[:, len(send) :]

    def _answered(self, block: Array, out: Array) -> None:
        length = len(block) + self.frames - 1
        spectrum = fft.rfft(block, n=self.size) * self.spectrum
        answer = fft.irfft(spectrum, n=self.size, axis=1, overwrite_x=True)
        out[:, :length] += answer[:, :length]


def make_room(seconds: float, tone_hz: float, rate: int, rng: np.random.Generator) -> Room:
    """Return the room with RT60 `seconds` whose top above `tone_hz` dies away first.

    A few walls answer one by one before the tail is dense.
    """
    t = times(seconds, rate)
    pair = _tail(t, rate, (*_BANDS_HZ, tone_hz, 0.0), _SHARES, rng) * rising(t, 0.03)
    for channel in pair:
        walls = np.sort(rng.uniform(0.0, _WALLS_S, _WALLS) * rate).astype(int)
        walls = walls[walls < len(t)]
        channel[walls] += 9 * rng.choice([-1.0, 1.0], len(walls)) * 0.8 ** np.arange(len(walls))
    return _ready(banded(pair, rate, _LOW_CUT_HZ, 9000.0, 1), _GAP_S, rate)


def make_plate(seconds: float, rate: int, rng: np.random.Generator) -> Room:
    """Return a plate with RT60 `seconds`: bright, dense at once, its middle ringing longest."""
    t = times(seconds, rate)
    pair = _tail(t, rate, _PLATE_HZ, _PLATE_SHARES, rng) * rising(t, 0.003)
    return _ready(banded(pair, rate, _PLATE_CUT_HZ, 12000.0, 1), _PLATE_GAP_S, rate)


def _tail(
    t: Array, rate: int, edges: Sequence[float], shares: Sequence[float], rng: np.random.Generator
) -> Array:
    """Return noise `(2, frames)` whose bands between `edges` (Hz) have their share of the decay."""
    seconds = len(t) / rate
    pair = np.zeros((2, len(t)), np.float32)
    for (low, high), share in zip(pairwise(edges), shares, strict=True):
        for channel in pair:
            channel += banded(noise(len(t), rng), rate, low, high, 3) * fading(t, seconds * share)
    return pair


def _ready(pair: Array, gap_s: float, rate: int) -> Room:
    """Return a response of unit energy, after its gap, in the frequency domain."""
    pair = pair / np.sqrt((pair**2).sum(axis=1, keepdims=True))
    pair = np.pad(pair, ((0, 0), (round(gap_s * rate), 0))).astype(np.float32)
    size = fft.next_fast_len(pair.shape[1] + round(BLOCK_S * rate), real=True)
    return Room(fft.rfft(pair, n=size, axis=1), size, pair.shape[1])
