"""Loudness and true peak. Samples are float `(frames, channels)`, full scale ±1; levels in dB.

Threads: any; nothing is shared. Imports scipy through pyloudnorm: for the worker only.
"""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import soxr

SILENCE_DB = -200.0
_BLOCK = 1 << 18  # frames oversampled at a time: bounds the memory of long pieces
_MARGIN = 256  # frames on each side that the oversampling filter hears
SHORTEST_S = 0.4
"""One gating block of ITU-R BS.1770-4; shorter material has no integrated loudness."""

# Columns for the five channels that are measured (left, right, centre, left and right surround); −1
# is a silent one. Without LFE; of more than two surrounds the outermost pair of the WAV order.
_MEASURED = {4: (0, 1, -1, 2, 3), 6: (0, 1, 2, 4, 5), 7: (0, 1, 2, 5, 6), 8: (0, 1, 2, 4, 5)}


def db(ratio: float) -> float:
    """Return an amplitude ratio in dB, not below `SILENCE_DB`."""
    return max(SILENCE_DB, 20 * math.log10(ratio)) if ratio > 0 else SILENCE_DB


def amplitude(level_db: float) -> float:
    """Return the amplitude ratio of a level in dB."""
    return float(10 ** (level_db / 20))


def rms_db(x: np.ndarray) -> float:
    """Return the root mean square over all frames and channels in dB; `SILENCE_DB` for none."""
    return db(math.sqrt(float(np.mean(np.square(x, dtype=np.float64))))) if x.size else SILENCE_DB


def oversampling(rate: int) -> int:
    """Return how often a true peak is read per frame, 1, 2 or 4 (BS.1770-4, annex 2)."""
    return 4 if rate < 96_000 else 2 if rate < 192_000 else 1


def loudest(x: np.ndarray) -> np.ndarray:
    """Return the largest magnitude of every frame, `(frames,)`."""
    # Column by column: NumPy's maximum along a short axis takes ten times as long.
    top = np.abs(x[:, 0])
    for channel in range(1, x.shape[1]):
        np.maximum(top, np.abs(x[:, channel]), out=top)
    return top


def peaks(x: np.ndarray, rate: int) -> np.ndarray:
    """Return, for every frame, the largest magnitude from it up to the next one, any channel.

    Float64 `(frames,)`; between the samples the oversampled waveform is read.
    """
    own = loudest(x).astype(np.float64)
    factor = oversampling(rate)
    if factor == 1:
        return own
    for at in range(0, len(x), _BLOCK):
        end = min(len(x), at + _BLOCK)
        own[at:end] = np.maximum(own[at:end], _between(x, at, end, factor))
    return own


def true_peak(x: np.ndarray, rate: int) -> float:
    """Return the largest true-peak magnitude, 0 for no samples."""
    return float(peaks(x, rate).max(initial=0.0))


def true_peak_db(x: np.ndarray, rate: int) -> float:
    """Return the true peak in dBTP, after ITU-R BS.1770-4 annex 2."""
    return db(true_peak(x, rate))


def integrated_lufs(x: np.ndarray, rate: int) -> float | None:
    """Return integrated loudness in LUFS (BS.1770-4); None below 0.4 s or where all is gated."""
    if len(x) < math.ceil(SHORTEST_S * rate):
        return None
    measured = x
    if x.shape[1] in _MEASURED:
        measured = np.concatenate([x, np.zeros((len(x), 1))], axis=1)[:, _MEASURED[x.shape[1]]]
    # Only here can NumPy divide by zero: pyloudnorm takes the logarithm of silence.
    with np.errstate(divide="ignore", invalid="ignore"):
        value = pyloudnorm.Meter(rate).integrated_loudness(measured.astype(np.float64))
    return float(value) if math.isfinite(value) else None


def _between(x: np.ndarray, start: int, end: int, factor: int) -> np.ndarray:
    """Return the oversampled peak of each frame in `[start, end)`."""
    first = max(0, start - _MARGIN)
    piece = np.asarray(x[first : end + _MARGIN], np.float32)
    padded = np.concatenate([piece, np.zeros((_MARGIN, x.shape[1]), np.float32)])
    fine = soxr.resample(padded, 1, factor, quality="HQ")
    tops = loudest(fine)[factor * (start - first) :][: factor * (end - start)]
    return loudest(tops.reshape(end - start, factor))
