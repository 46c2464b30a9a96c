"""Loudness and peak of a clip, in blocks; finite for silence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.signal import sosfilt

from daemon.audio.clips import Samples, as_reader
from daemon.engines.sketch.listen.frames import Check, finite, unchecked
from daemon.engines.sketch.listen.types import SILENCE_DB

_BLOCK_S = 0.4
_HOP_S = 0.1
_ANY_RATE_HZ = 48000  # a peak has none
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_BLOCK_STEPS = 40  # 4 s: short enough to be cancelled, long enough to be quick


def decibels(value: float) -> float:
    """Return 20·log10 of an amplitude, not below `SILENCE_DB`."""
    return max(SILENCE_DB, 20 * float(np.log10(max(value, 1e-12))))


def peak_dbfs(samples: Samples) -> float:
    """Sample peak of `(frames, channels)` in dB full scale; non-finite samples do not count."""
    blocks = as_reader(samples, _ANY_RATE_HZ).blocks()
    return decibels(max((block_peak(finite(block)) for block in blocks), default=0.0))


def block_peak(block: np.ndarray) -> float:
    """Largest absolute sample."""
    return float(max(block.max(initial=0.0), -block.min(initial=0.0)))


def loudness_lufs(samples: Samples, rate: int, check: Check = unchecked) -> float:
    """Integrated loudness after ITU-R BS.1770-4 of `(frames, 2)`; `SILENCE_DB` when gated away.

    Clips shorter than one 0.4 s block are measured as a single block.
    """
    powers: list[np.ndarray] = []
    state = None
    for block in as_reader(samples, rate).blocks(block_frames(rate)):
        check()
        power, state = step_powers(finite(block), state, rate)
        powers.append(power)
    return gated_lufs(powers)


def block_frames(rate: int) -> int:
    """Frames in each block that `step_powers` is given, but for the last: whole steps of 0.1 s."""
    return max(1, round(_HOP_S * rate)) * _BLOCK_STEPS


def step_powers(
    block: np.ndarray, state: np.ndarray | None, rate: int
) -> tuple[np.ndarray, np.ndarray]:
    """K-weighted power, channels summed, of the 0.1 s steps of the next block; and the state.

    The state is the filter's, None before the first block. A last step that is not whole is left
    out, unless it is all there is.
    """
    begins = state is None
    if state is None:
        state = np.zeros((2, block.shape[1], 2))
    weighted, state = sosfilt(_k_weighting(rate), block.T, axis=1, zi=state)
    squares = np.einsum("cf,cf->f", weighted, weighted)
    step = max(1, round(_HOP_S * rate))
    whole = len(squares) // step
    if begins and not whole and len(squares):
        return squares.mean(keepdims=True), state
    return squares[: whole * step].reshape(whole, step).mean(axis=1), state


def gated_lufs(powers: Sequence[np.ndarray]) -> float:
    """Integrated loudness from the powers of all steps; `SILENCE_DB` when gated away."""
    power = np.concatenate([np.zeros(0), *powers])
    span = round(_BLOCK_S / _HOP_S)
    if len(power) >= span:
        sums = np.cumsum(np.r_[0.0, power])
        power = (sums[span:] - sums[:-span]) / span
    else:
        power = power.mean(keepdims=True) if len(power) else np.zeros(1)
    lufs = -0.691 + 10 * np.log10(power + 1e-15)
    kept = power[lufs > _ABSOLUTE_GATE_LUFS]
    if not len(kept):
        return SILENCE_DB
    gate = -0.691 + 10 * np.log10(kept.mean()) + _RELATIVE_GATE_LU
    kept = kept[-0.691 + 10 * np.log10(kept) > gate]
    return float(-0.691 + 10 * np.log10(kept.mean()))


@lru_cache(maxsize=4)
def _k_weighting(rate: int) -> np.ndarray:
    """The two stages of ITU-R BS.1770 as second-order sections `(2, 6)`.

    A high shelf of 4 dB at 1.5 kHz and a high-pass at 38 Hz, made for any rate by the formulas of
    Bristow-Johnson's audio EQ cookbook.
    """
    gain = 10 ** (4.0 / 40)
    w, alpha = _angle(1500.0, np.sqrt(0.5), rate)
    cos, root = np.cos(w), 2 * np.sqrt(gain) * alpha
    up, down = gain + 1, gain - 1
    above = np.array([up + down * cos + root, -2 * (down + up * cos), up + down * cos - root])
    shelf = [*gain * above, up - down * cos + root, 2 * (down - up * cos), up - down * cos - root]
    w, alpha = _angle(38.0, 0.5, rate)
    cos = np.cos(w)
    high_pass = [(1 + cos) / 2, -(1 + cos), (1 + cos) / 2, 1 + alpha, -2 * cos, 1 - alpha]
    sections = np.array([shelf, high_pass])
    return sections / sections[:, 3:4]


def _angle(hz: float, q: float, rate: int) -> tuple[float, float]:
    w = 2 * np.pi * hz / rate
    return w, np.sin(w) / (2 * q)
