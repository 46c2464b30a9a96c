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

    def wet(self, send: Array) -> Array:
        """Return the room's answer to `send` `(frames,)`: float32 `(2, frames)`, tail cut."""
        total = len(send)
        out = np.zeros((2, total), np.float32)
        step = self.size - self.frames + 1
        for start in range(0, total, step):
            block = send[start : start + step]
            if not block.any():
                continue
            answer = fft.irfft(fft.rfft(block, n=self.size) * self.spectrum, n=self.size, axis=1)
            stop = min(total, start + self.size)
            out[:, start:stop] += answer[:, : stop - start]
        return out


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
    size = fft.next_fast_len(3 * pair.shape[1], real=True)
    return Room(fft.rfft(pair, n=size, axis=1), size, pair.shape[1])
