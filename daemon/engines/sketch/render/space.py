"""Rooms: stereo reverb as convolution with shaped noise.

An impulse response is noise that dies away by 60 dB in `seconds`, its high end sooner, after a
short gap; left and right are independent (Moorer, CMJ 3(2), 1979). Its energy is 1 per channel.
"""

from __future__ import annotations

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
    """Return the room with RT60 `seconds` whose top above `tone_hz` dies away first."""
    t = times(seconds, rate)
    edges = (*_BANDS_HZ, tone_hz, 0.0)
    pair = np.zeros((2, len(t)), np.float32)
    for (low, high), share in zip(pairwise(edges), _SHARES, strict=True):
        for channel in pair:
            channel += banded(noise(len(t), rng), rate, low, high, 3) * fading(t, seconds * share)
    pair = banded(pair * rising(t, 0.008), rate, _LOW_CUT_HZ, 0.0)
    pair /= np.sqrt((pair**2).sum(axis=1, keepdims=True))
    pair = np.pad(pair, ((0, 0), (round(_GAP_S * rate), 0)))
    size = fft.next_fast_len(pair.shape[1] + round(BLOCK_S * rate), real=True)
    return Room(fft.rfft(pair, n=size, axis=1), size, pair.shape[1])
