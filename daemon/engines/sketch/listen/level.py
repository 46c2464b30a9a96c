"""Loudness and peak of a clip, in blocks; finite for silence."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.types import SILENCE_DB

_BLOCK_S = 0.4
_HOP_S = 0.1
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_PIECE_S = 4.0
_RUN_IN_S = 0.4


def decibels(value: float) -> float:
    """Return 20·log10 of an amplitude, not below `SILENCE_DB`."""
    return max(SILENCE_DB, 20 * float(np.log10(max(value, 1e-12))))


def peak_dbfs(samples: np.ndarray) -> float:
    """Sample peak of `(frames, channels)` in dB full scale; non-finite samples do not count."""
    peak = 0.0
    for start in range(0, len(samples), 1 << 18):
        piece = np.abs(samples[start : start + (1 << 18)])
        peak = max(peak, float(np.nan_to_num(piece, nan=0.0, posinf=0.0).max()))
    return decibels(peak)


def loudness_lufs(samples: np.ndarray, rate: int, check: Check = unchecked) -> float:
    """Integrated loudness after ITU-R BS.1770-4 of `(frames, 2)`; `SILENCE_DB` when gated away.

    Clips shorter than one 0.4 s block are measured as a single block.
    """
    power = _step_powers(samples, rate, check)
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


def _step_powers(samples: np.ndarray, rate: int, check: Check) -> np.ndarray:
    """K-weighted power, channels summed, of consecutive steps of 0.1 s."""
    step = max(1, round(_HOP_S * rate))
    piece = step * round(_PIECE_S / _HOP_S)
    powers = []
    for start in range(0, len(samples), piece):
        check()
        squares = _weighted(samples, start, piece, rate)
        whole = len(squares) // step
        if whole:
            powers.append(squares[: whole * step].reshape(whole, step).mean(axis=1))
        elif not powers:
            powers.append(squares.mean(keepdims=True))
    return np.concatenate(powers) if powers else np.zeros(0)


def _weighted(samples: np.ndarray, start: int, frames: int, rate: int) -> np.ndarray:
    """Squares of the K-weighted `samples[start : start + frames]`, channels summed.

    Filtered as a spectrum, with a run-in that covers the ringing of the 38 Hz high-pass.
    """
    lead = min(start, round(_RUN_IN_S * rate))
    part = np.nan_to_num(samples[start - lead : start + frames], posinf=0.0, neginf=0.0)
    size = _smooth_size(len(part) + round(_RUN_IN_S * rate))
    response = _k_weighting(size, rate)
    squares = np.zeros(len(part))
    for channel in part.T:
        squares += np.square(np.fft.irfft(np.fft.rfft(channel, size) * response, size)[: len(part)])
    return squares[lead:]


def _smooth_size(frames: int) -> int:
    """Return the smallest 2^a·m ≥ `frames` with m below 16: quick to transform."""
    shift = max(0, frames.bit_length() - 4)
    return -(-frames >> shift) << shift


@lru_cache(maxsize=2)
def _k_weighting(size: int, rate: int) -> np.ndarray:
    """Frequency response at the bins of an FFT of `size`: the two stages of ITU-R BS.1770.

    A high shelf of 4 dB at 1.5 kHz and a high-pass at 38 Hz, made for any rate by the formulas of
    Bristow-Johnson's audio EQ cookbook.
    """
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    gain = 10 ** (4.0 / 40)
    w, alpha = _angle(1500.0, np.sqrt(0.5), rate)
    cos, root = np.cos(w), 2 * np.sqrt(gain) * alpha
    up, down = gain + 1, gain - 1
    shelf_b = gain * np.array(
        [up + down * cos + root, -2 * (down + up * cos), up + down * cos - root]
    )
    shelf_a = np.array([up - down * cos + root, 2 * (down - up * cos), up - down * cos - root])
    w, alpha = _angle(38.0, 0.5, rate)
    cos = np.cos(w)
    pass_b = np.array([(1 + cos) / 2, -(1 + cos), (1 + cos) / 2])
    pass_a = np.array([1 + alpha, -2 * cos, 1 - alpha])
    return (_biquad(shelf_b, shelf_a, z) * _biquad(pass_b, pass_a, z)).astype(np.complex64)


def _angle(hz: float, q: float, rate: int) -> tuple[float, float]:
    w = 2 * np.pi * hz / rate
    return w, np.sin(w) / (2 * q)


def _biquad(b: np.ndarray, a: np.ndarray, z: np.ndarray) -> np.ndarray:
    return (b[0] + b[1] * z + b[2] * z * z) / (a[0] + a[1] * z + a[2] * z * z)
