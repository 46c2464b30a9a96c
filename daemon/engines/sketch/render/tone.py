"""Building blocks of the instruments: harmonic sums, strings, spectra, noise, filters.

Signals are float32 `(frames,)`, times in seconds, frequencies in Hz. Nothing here aliases: harmonic
sums stop below 0.45 × rate and plucked strings are filtered noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import scipy.fft as fft
from scipy.signal import butter, sosfilt

HIGHEST = 0.45  # of the sample rate
_ROW = 256

Array = np.ndarray


def hertz(midi: float) -> float:
    """Return the frequency of a MIDI note number, A4 = 440 Hz."""
    return float(440.0 * 2 ** ((midi - 69) / 12))


def times(seconds: float, rate: int) -> Array:
    """Return the time of every sample of a sound, float64."""
    return np.arange(max(1, round(seconds * rate))) / rate


def fading(t: Array, t60_s: float) -> Array:
    """Return a gain that falls by 60 dB in `t60_s`, float32."""
    return np.exp(t * (-math.log(1000) / t60_s)).astype(np.float32)


def rising(t: Array, attack_s: float) -> Array:
    """Return a raised-cosine attack, float32."""
    return (0.5 - 0.5 * np.cos(np.pi * np.minimum(t / attack_s, 1))).astype(np.float32)


def harmonics(
    phase: Array, frequency: float, rate: int, amplitudes: Sequence[float], damping: float = 0.0
) -> Array:
    """Return Σ aₖ sin(k·phase) with harmonic k damped by exp(−k·damping·t), by Horner's scheme.

    `phase` in radians; `amplitudes[0]` belongs to the fundamental; those above the band are left
    out. `damping` is in nepers per second and harmonic.
    """
    room = max(1, min(len(amplitudes), int(HIGHEST * rate / frequency)))
    step = np.exp(1j * phase - damping * np.arange(len(phase)) / rate).astype(np.complex64)
    total = np.full(len(phase), amplitudes[room - 1], np.complex64)
    for amplitude in reversed(amplitudes[: room - 1]):
        total *= step
        total += np.complex64(amplitude)
    total *= step
    return np.ascontiguousarray(total.imag)


def steady_phase(frequency: float, t: Array) -> Array:
    """Return the phase of a steady tone, radians."""
    return 2 * np.pi * frequency * t


def modes(hz: Array, t60_s: Array, level: Array, rate: int, frames: int) -> Array:
    """Return Σ levelₖ sin(2π hzₖ t), each dying away by 60 dB in its own t60ₖ; `hz` in any ratio.

    Every mode is a geometric series, so that samples in rows of 256 are a product of two small
    matrices. Modes above the band are left out.
    """
    inside = hz < HIGHEST * rate
    hz, t60_s, level = hz[inside], t60_s[inside], level[inside]
    turn = 2j * np.pi * hz / rate - math.log(1000) / (t60_s * rate)
    rows = np.exp(np.outer(np.arange(-(-frames // _ROW)) * _ROW, turn)) * level
    columns = np.exp(np.outer(turn, np.arange(_ROW)))
    left = np.concatenate([rows.real, rows.imag], axis=1).astype(np.float32)
    right = np.concatenate([columns.imag, columns.real]).astype(np.float32)
    return np.ascontiguousarray((left @ right).reshape(-1)[:frames])


def plucked(
    frequency: float, rate: int, seconds: float, t60_s: float, softness: float, burst: Array
) -> Array:
    """Return a Karplus-Strong string (Karplus & Strong, CMJ 7(2), 1983), tuned by a Lagrange tap.

    `burst` is the excitation of one period or more; `softness` 0…0.5 weighs the two-point average
    that darkens the string with every round; `t60_s` is the decay of its fundamental.
    """
    period = rate / frequency
    whole = int(period - softness - 1)
    taps = np.convolve(_lagrange(period - softness - whole), [1 - softness, softness])
    taps *= 10 ** (-3 / (frequency * t60_s))
    taps32 = taps.astype(np.float32)[::1]
    lead = whole + len(taps) - 1
    total = round(seconds * rate)
    line = np.zeros(lead + total + whole, np.float32)
    line[:lead] = np.resize(burst, lead)
    for at in range(lead, lead + total, whole):
        line[at : at + whole] = np.convolve(line[at - lead : at], taps32, "valid")
    return line[lead : lead + total]


def _lagrange(delay: float) -> Array:
    """Return the four taps of a third-order Lagrange interpolator, `delay` in 1…2 samples."""
    taps = np.ones(4)
    for k in range(4):
        for m in range(4):
            if m != k:
                taps[k] *= (delay - m) / (k - m)
    return taps


def spectral_pair(
    rate: int, frames: int, magnitude: Callable[[Array], Array], rng: np.random.Generator
) -> Array:
    """Return `(2, frames)` of two seamless loops with one magnitude spectrum and chance phases."""
    bins = frames // 2 + 1
    level = magnitude(np.arange(bins) * rate / frames).astype(np.float32)
    level[0] = 0
    turn = rng.random((2, bins), dtype=np.float32) * np.float32(2 * np.pi)
    spectrum = (level * np.exp(1j * turn)).astype(np.complex64)
    pair: Array = fft.irfft(spectrum, n=frames, axis=1)
    return pair


def noise(frames: int, rng: np.random.Generator) -> Array:
    """Return white noise with unit variance."""
    return rng.standard_normal(frames, dtype=np.float32)


@lru_cache(maxsize=256)
def _band(frames: int, rate: int, low_hz: float, high_hz: float, order: int) -> Array:
    f = np.fft.rfftfreq(frames, 1 / rate) + 1e-9
    gain = np.ones(len(f))
    if low_hz > 0:
        gain /= np.sqrt(1 + (low_hz / f) ** (2 * order))
    if high_hz > 0:
        gain /= np.sqrt(1 + (f / high_hz) ** (2 * order))
    return gain.astype(np.float32)


def banded(x: Array, rate: int, low_hz: float = 0.0, high_hz: float = 0.0, order: int = 2) -> Array:
    """Return `x` (last axis time) within Butterworth magnitudes; 0 leaves a side open.

    The filter is zero-phase; sounds are padded so that nothing wraps round.
    """
    frames = x.shape[-1]
    size = fft.next_fast_len(frames + rate // 20, real=True)
    spectrum = fft.rfft(x, n=size, axis=-1)
    spectrum *= _band(size, rate, low_hz, high_hz, order)
    return np.asarray(fft.irfft(spectrum, n=size, axis=-1)[..., :frames], np.float32)


def closing(frames: int, rate: int) -> Array:
    """Return a gain that closes the last 30 ms, so that no sound ends in a step."""
    length = min(frames, round(0.03 * rate))
    gain = np.ones(frames, np.float32)
    gain[frames - length :] = np.linspace(1, 0, length, dtype=np.float32)
    return gain


def trimmed(x: Array) -> Array:
    """Return `x` (last axis time) from its first sample that can be heard, so that it is in time.

    What lies 100 dB below the peak can't.
    """
    level = np.abs(np.atleast_2d(x)).max(axis=0)
    return x[..., int(np.argmax(level > 1e-5 * level.max())) :]


def low_cut(x: Array, rate: int, hz: float, order: int = 2) -> Array:
    """Return `x` (last axis time) without DC and what lies below `hz`; causal."""
    return np.asarray(sosfilt(_high_pass(rate, hz, order), x, axis=-1), np.float32)


@lru_cache(maxsize=64)
def _high_pass(rate: int, hz: float, order: int) -> Array:
    return np.asarray(butter(order, hz, "highpass", fs=rate, output="sos"))
