"""Loudness and peaks of a mix whose gain is still being sought: filtered once, read many times.

Signals are float32 `(2, frames)`. The measure is ITU-R BS.1770-4; a slowly moving gain is applied
after the K-weighting instead of before it, which changes nothing that counts.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import sosfilt

from daemon.audio.loudness import peaks
from daemon.engines.sketch.render.tone import Array

_HOP_S, _HOPS = 0.1, 4  # a gating block of 0.4 s is four hops
_ABSOLUTE_LUFS, _RELATIVE_LU = -70.0, -10.0
_OFFSET = -0.691
_FILTER_BLOCK = 1 << 19
_PEAK_BLOCK = 2048
_PEAK_EDGE = 64
_LOUDEST_BETWEEN = 0.6  # blocks whose samples stay below this share of the ceiling can't pass it


def k_weighting(rate: int) -> Array:
    """Return the two sections of BS.1770-4's filter, for any rate (Hz)."""
    k = math.tan(math.pi * 1681.974450955533 / rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0,
    ]  # fmt: skip
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    cut = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    return np.array([shelf, cut])


class Loudness:
    """A mix, K-weighted, whose integrated loudness can be asked under any gain."""

    def __init__(self, mix: Array, rate: int) -> None:
        sections = k_weighting(rate)
        state = np.zeros((len(sections), 2, 2))
        self._power = np.zeros(mix.shape[1], np.float32)
        for at in range(0, mix.shape[1], _FILTER_BLOCK):
            heard, state = sosfilt(sections, mix[:, at : at + _FILTER_BLOCK], axis=-1, zi=state)
            self._power[at : at + _FILTER_BLOCK] = np.square(heard).sum(axis=0)
        self._hop = round(_HOP_S * rate)

    def lufs(self, gain: Array | float = 1.0) -> float | None:
        """Return the loudness under `gain` (`(frames,)` or one number); None for silence.

        What is shorter than one block of 0.4 s counts as one block.
        """
        blocks = self._blocks(gain)
        if len(blocks) == 0:
            return None
        loud = blocks[blocks > 10 ** ((_ABSOLUTE_LUFS - _OFFSET) / 10)]
        if len(loud) == 0:
            return None
        gate = loud.mean() * 10 ** (_RELATIVE_LU / 10)
        return float(_OFFSET + 10 * np.log10(loud[loud > gate].mean()))

    def _blocks(self, gain: Array | float) -> Array:
        """Return the mean power of every gating block: four hops each."""
        power = self._power * np.square(gain)
        hops = len(power) // self._hop
        if hops < _HOPS:
            return power.mean(dtype=np.float64, keepdims=True) if len(power) else power
        sums = power[: hops * self._hop].reshape(hops, self._hop).sum(axis=1, dtype=np.float64)
        return np.convolve(sums, np.ones(_HOPS), "valid") / (_HOPS * self._hop)


def tops(x: Array, rate: int, ceiling: float) -> Array:
    """Return every frame's magnitude, read between samples wherever it may pass `ceiling`."""
    level: Array = np.abs(x).max(axis=0)
    near = level > _LOUDEST_BETWEEN * ceiling
    blocks = np.flatnonzero(np.add.reduceat(near, np.arange(0, len(near), _PEAK_BLOCK)))
    for block in blocks:
        first = int(block) * _PEAK_BLOCK
        a, b = max(0, first - _PEAK_EDGE), min(len(level), first + _PEAK_BLOCK + _PEAK_EDGE)
        fine = peaks(x[:, a:b].T, rate)
        stop = min(len(level), first + _PEAK_BLOCK)
        np.maximum(level[first:stop], fine[first - a : stop - a], out=level[first:stop])
    return level
