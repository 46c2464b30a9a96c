"""A room and its noise, for voices: mono float signals `(frames,)`."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

RT60_S, BELOW_DRY_DB, SNR_DB = 1.0, 6.0, 20.0


def reverberant(dry: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Add a diffuse tail of `RT60_S`, its energy `BELOW_DRY_DB` below the dry sound's."""
    t = np.arange(round(RT60_S * rate)) / rate
    tail = rng.standard_normal(len(t)) * 10 ** (-3 * t / RT60_S)
    tail[: round(0.008 * rate)] = 0
    wet = fftconvolve(dry, tail)[: len(dry)]
    wet *= 10 ** (-BELOW_DRY_DB / 20) * np.sqrt(np.mean(dry**2) / np.mean(wet**2))
    return dry + wet


def noisy(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add pink-ish noise `SNR_DB` below the sound, and bring the peak to 0.7."""
    spectrum = np.fft.rfft(rng.standard_normal(len(x)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 20)), len(x))
    noise *= 10 ** (-SNR_DB / 20) * np.sqrt(np.mean(x**2) / np.mean(noise**2))
    mixed = x + noise
    return 0.7 * mixed / np.abs(mixed).max()
