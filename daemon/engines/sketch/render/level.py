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
_TAPS, _PHASES, _KAISER = 64, 8, 6.0
_PEAK_BLOCK = 1 << 13
_LEAST_ROOM = 1e-3  # of the ceiling; beside a voice that takes all of it
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
    """Return the filters that read at a sample and at every eighth after it, `(taps, phases)`."""
    at = np.arange(_TAPS) - (_TAPS // 2 - 1)
    shift = np.arange(_PHASES)[:, None] / _PHASES
    reach = np.clip((at - shift) / (_TAPS / 2), -1, 1)
    window = np.i0(_KAISER * np.sqrt(1 - reach**2)) / np.i0(_KAISER)
    taps = np.sinc(at - shift) * window
    return np.asarray((taps / taps.sum(axis=1, keepdims=True)).T, np.float32)


def tops(x: Array, ceiling: float) -> Array:
    """Return every frame's magnitude up to the next, read eightfold wherever it may pass `ceiling`.

    Oversampling as in BS.1770-4, annex 2, twice as fine and with longer filters.
    """
    return crowding(x, None, ceiling, 1.0) * np.float32(ceiling)


def crowding(x: Array, beside: Array | None, ceiling: float, gain: float) -> Array:
    """Return, for every frame up to the next, 1 over the gain that brings `x` to `ceiling`.

    With `beside` (the same shape), which stays as it is, the sum of both may reach it as well: what
    plays against a voice's excursion has all the room, what plays with it only the rest. Exact
    wherever a gain up to `gain` may matter, below 1 / `gain` elsewhere.
    """
    level: Array = np.maximum(np.abs(x[0]), np.abs(x[1])) / np.float32(ceiling)
    sure = np.float32(gain) * level
    if beside is not None:
        sure += np.maximum(np.abs(beside[0]), np.abs(beside[1])) / np.float32(ceiling)
    near = sure > _LOUDEST_BETWEEN
    near[:-1] |= near[1:]
    if not near.any():
        return level
    frames = np.flatnonzero(near)
    for channel in range(2):
        mine = _rows(x[channel])
        other = None if beside is None else _rows(beside[channel])
        for at in range(0, len(frames), _PEAK_BLOCK):
            some = frames[at : at + _PEAK_BLOCK]
            voice = None if other is None else other[some] @ _between()
            need = _needed(mine[some] @ _between(), voice, ceiling)
            level[some] = np.maximum(level[some], need)
    return level


def _needed(x: Array, beside: Array | None, ceiling: float) -> Array:
    """Return the greatest of `x` `(frames, phases)` as shares of what `beside` leaves to it."""
    share = np.abs(x) / np.float32(ceiling)
    if beside is not None:
        room = 1 - np.sign(x) * beside / np.float32(ceiling)
        share /= room.clip(_LEAST_ROOM, 1)
    return np.asarray(share.max(axis=1))


def _rows(channel: Array) -> Array:
    """Return a view of the samples around each frame, `(frames, taps)`."""
    padded = np.pad(channel, (_TAPS // 2 - 1, _TAPS // 2))
    return np.lib.stride_tricks.sliding_window_view(padded, _TAPS)
