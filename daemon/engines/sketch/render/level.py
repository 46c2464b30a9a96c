"""Loudness and peaks of a mix whose gain is still being sought: filtered once, read many times.

Signals are float32 `(2, frames)`. The measure is ITU-R BS.1770-4; a slowly moving gain is applied
after the K-weighting instead of before it, which changes nothing that counts. Power is the sum over
both channels, and is kept as means over hops of 0.1 s.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.signal import sosfilt

from daemon.engines.sketch.render.tone import Array

HOP_S = 0.1
_HOPS = 4  # a gating block of 0.4 s is four hops
_ABSOLUTE_LUFS, _RELATIVE_LU = -70.0, -10.0
_OFFSET = -0.691
_FILTER_BLOCK = 1 << 18
_LOUDEST_BETWEEN = 0.6  # frames whose samples stay below this share of the ceiling can't pass it
_TAPS, _PHASES, _KAISER = 64, 4, 6.0
_PEAK_BLOCK = 1 << 14
PEAK_EDGE = _TAPS // 2
"""Frames on either side that a reading between samples hears."""


@lru_cache(maxsize=8)
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


def at_rest(channels: int) -> Array:
    """Return the state in which `k_power` begins."""
    return np.zeros((2, channels, 2))


def k_power(x: Array, rate: int, state: Array) -> tuple[Array, Array]:
    """Return every frame's K-weighted power `(frames,)`, and the state for what follows `x`."""
    power = np.empty(x.shape[1], np.float32)
    for at in range(0, x.shape[1], _FILTER_BLOCK):
        piece = x[:, at : at + _FILTER_BLOCK]
        heard, state = sosfilt(k_weighting(rate), piece, axis=-1, zi=state)
        power[at : at + _FILTER_BLOCK] = np.einsum("cn,cn->n", heard, heard)
    return power, state


def hop_means(power: Array, hop: int) -> Array:
    """Return the mean power of each hop, `(hops,)`; a last short hop counts as a whole one."""
    whole = len(power) // hop
    means = power[: whole * hop].reshape(whole, hop).sum(axis=1, dtype=np.float64) / hop
    rest = power[whole * hop :]
    return np.append(means, rest.sum(dtype=np.float64) / hop) if len(rest) else means


def gated_lufs(hops: Array) -> float | None:
    """Return the integrated loudness of mean powers of hops; None for silence.

    What is shorter than one block of 0.4 s counts as one block.
    """
    if len(hops) >= _HOPS:
        sums = np.concatenate([[0.0], np.cumsum(hops)])
        blocks = (sums[_HOPS:] - sums[:-_HOPS]) / _HOPS
    else:
        blocks = hops.mean(keepdims=True) if len(hops) else hops
    loud = blocks[blocks > 10 ** ((_ABSOLUTE_LUFS - _OFFSET) / 10)]
    if len(loud) == 0:
        return None
    gate = loud.mean() * 10 ** (_RELATIVE_LU / 10)
    return float(_OFFSET + 10 * np.log10(loud[loud > gate].mean()))


class Loudness:
    """A mix, K-weighted, whose integrated loudness can be asked under any gain."""

    def __init__(self, mix: Array, rate: int) -> None:
        self._power, _ = k_power(mix, rate, at_rest(2))
        self._hop = round(HOP_S * rate)

    def lufs(self, gain: Array | float = 1.0) -> float | None:
        """Return the loudness under `gain` (`(frames,)` or one number); None for silence."""
        power = self._power * np.square(gain)
        hops = len(power) // self._hop
        if hops < _HOPS:
            return gated_lufs(power.mean(dtype=np.float64, keepdims=True) if len(power) else power)
        return gated_lufs(hop_means(power[: hops * self._hop], self._hop))


@lru_cache(maxsize=1)
def _between() -> Array:
    """Return the filters that read a quarter, a half and three quarters after a sample."""
    at = np.arange(_TAPS) - (_TAPS // 2 - 1)
    shift = np.arange(1, _PHASES)[:, None] / _PHASES
    reach = np.clip((at - shift) / (_TAPS / 2), -1, 1)
    window = np.i0(_KAISER * np.sqrt(1 - reach**2)) / np.i0(_KAISER)
    taps = np.sinc(at - shift) * window
    return np.asarray((taps / taps.sum(axis=1, keepdims=True)).T, np.float32)


def tops(x: Array, ceiling: float) -> Array:
    """Return every frame's magnitude up to the next, read fourfold wherever it may pass `ceiling`.

    Oversampling as in BS.1770-4, annex 2, with longer filters.
    """
    level: Array = np.maximum(np.abs(x[0]), np.abs(x[1]))
    near = level > _LOUDEST_BETWEEN * ceiling
    near[:-1] |= near[1:]
    frames = np.flatnonzero(near)
    if len(frames) == 0:
        return level
    for channel in np.pad(x, ((0, 0), (_TAPS // 2 - 1, _TAPS // 2))):
        rows = np.lib.stride_tricks.sliding_window_view(channel, _TAPS)
        for at in range(0, len(frames), _PEAK_BLOCK):
            some = frames[at : at + _PEAK_BLOCK]
            fine = np.abs(rows[some] @ _between()).max(axis=1)
            level[some] = np.maximum(level[some], fine)
    return level
