"""Clips to work on: chords, clicks and noise, each of its own seed, 24-bit stereo at 48 kHz."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 48_000
BPM = 120.0


def write(path: Path, seconds: float, seed: int) -> str:
    """Write a clip and return its path; a long one repeats its first minute."""
    minute = music(min(seconds, 60.0), seed)
    times = -(-round(seconds * RATE) // len(minute))
    soundfile.write(path, np.tile(minute, (times, 1))[: round(seconds * RATE)], RATE, "PCM_24")
    return str(path)


def music(seconds: float, seed: int) -> np.ndarray:
    """Return `(frames, 2)` float32: a chord a bar at 120 bpm, a click a beat, a little noise."""
    rng = np.random.Generator(np.random.PCG64(seed))
    t = np.arange(round(seconds * RATE), dtype=np.float64) / RATE
    roots = 110 * 2 ** (rng.integers(0, 12, round(seconds / 2) + 2) / 12)
    hz = roots[(t // 2).astype(int)]
    tones = sum(np.sin(2 * np.pi * hz * ratio * (t % 2)) / ratio for ratio in (1, 1.25, 1.5, 2))
    click = np.exp(-40 * (2 * t % 1)) * np.sin(2 * np.pi * 1500 * t)
    left = 0.08 * tones + 0.1 * click
    noise = 0.01 * rng.standard_normal((len(t), 2))
    return (np.stack((left, 0.8 * left), 1) + noise).astype(np.float32)
