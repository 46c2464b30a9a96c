"""Test signals: float64 `(frames, channels)`, reproducible, and files made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from daemon.audio.probe import probe
from daemon.audio.types import SourceInfo


def noise(seed: int, frames: int, channels: int = 1, level: float = 0.1) -> np.ndarray:
    """White noise of RMS `level`."""
    return np.random.default_rng(seed).standard_normal((frames, channels)) * level


def tone(frequency: float, frames: int, rate: int, phase: float = 0.0) -> np.ndarray:
    """A sine of amplitude 1, one channel."""
    return np.sin(2 * np.pi * frequency * np.arange(frames) / rate + phase)[:, None]


def music(seed: int, frames: int, rate: int, channels: int = 2, level: float = 0.1) -> np.ndarray:
    """A few detuned tones over falling noise; every channel a little different."""
    rng = np.random.default_rng(seed)
    base = sum(
        tone(f, frames, rate, rng.uniform(0, 6)) * a
        for f, a in ((110.3, 0.6), (220.9, 0.5), (331.2, 0.3), (1003.7, 0.2))
    )
    rough = np.cumsum(rng.standard_normal((frames, channels)), axis=0)
    rough -= np.concatenate([np.zeros((64, channels)), rough])[:frames]
    x = base * rng.uniform(0.7, 1.0, channels) + rough / np.std(rough) * 0.2
    return x / np.std(x) * level


def sweep(frames: int, rate: int, first: float, last: float) -> np.ndarray:
    """A linear sweep from `first` to `last` Hz, amplitude 0.5, faded in and out over 10 % each."""
    t = np.arange(frames) / rate
    phase = 2 * np.pi * (first * t + (last - first) * t * t / (2 * frames / rate))
    edge = np.clip(np.minimum(np.arange(frames), np.arange(frames)[::-1]) / (0.1 * frames), 0, 1)
    return (0.5 * np.sin(phase) * np.sin(np.pi / 2 * edge) ** 2)[:, None]


def write(
    path: Path, x: np.ndarray, rate: int = 44_100, subtype: str = "PCM_16", container: str = "WAV"
) -> SourceInfo:
    """Write `x` and return what `probe` says."""
    soundfile.write(str(path), x, rate, subtype, format=container)
    return probe(str(path))


def click_ratio(x: np.ndarray, at: int, around: int = 24) -> float:
    """Sharpest corner (second difference) near frame `at` over the 99.9th percentile of all."""
    corner = np.abs(np.diff(x, 2, axis=0)).max(axis=1)
    here = corner[max(0, at - around) : at + around].max()
    return float(here / np.quantile(corner, 0.999))


def lag_frames(a: np.ndarray, b: np.ndarray) -> float:
    """Delay of `b` against `a` in frames, to a thousandth, from the slope of the cross-spectrum."""
    size = 2 * len(a)
    spectra = np.fft.rfft(a, size, axis=0), np.fft.rfft(b, size, axis=0)
    cross = (np.conj(spectra[0]) * spectra[1]).sum(axis=1)
    omega = 2 * np.pi * np.arange(len(cross)) / size
    weight = np.abs(cross)
    return float(-np.sum(weight * omega * np.angle(cross)) / np.sum(weight * omega**2))
