"""Rulers that owe nothing to the engine: onsets, beat phase, chroma, clicks, loudness, spectrum.

Samples are float `(frames, channels)`, results plain floats or arrays.
"""

from __future__ import annotations

import numpy as np
import pyloudnorm
import soxr
from scipy.signal import get_window, sosfilt, stft

HOP_S = 0.0029
_LEAD_S, _WIDE_S = 0.012, 0.004


def mono(x: np.ndarray) -> np.ndarray:
    """Return the mean of the channels as float64."""
    return x.mean(axis=1, dtype=np.float64)


def flux(x: np.ndarray, rate: int, hop: int = 0) -> tuple[np.ndarray, float]:
    """Return half-wave rectified log-magnitude flux and the seconds between its rows.

    Row n tells what is new in the window whose middle is n hops from the first sample.
    """
    hop = hop or round(HOP_S * rate)
    size = 1024
    _, _, spectrum = stft(mono(x), rate, get_window("hann", size), size, size - hop, padded=True)
    level = np.log1p(1000 * np.abs(spectrum))
    rise = np.maximum(0, np.diff(level, axis=1, prepend=level[:, :1]))
    return rise.sum(axis=0), hop / rate


def onset_times(x: np.ndarray, rate: int) -> np.ndarray:
    """Return seconds of clear onsets: peaks of the flux well above its surroundings."""
    strength, step = flux(x, rate)
    reach = round(0.05 / step)
    padded = np.pad(strength, reach, mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    peak = strength >= views.max(axis=1) - 1e-12
    wide = round(0.4 / step)
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(strength, wide, mode="edge"), 2 * wide + 1
    )
    strong = strength > 1.3 * np.median(around, axis=1) + 0.12 * np.percentile(strength, 99)
    return np.flatnonzero(peak & strong) * step


def folded(x: np.ndarray, rate: int, period_s: float, start_s: float, bins: int) -> np.ndarray:
    """Return onset strength against the place in a period; `start_s` is where `x` begins in it."""
    strength, step = flux(x, rate, hop=round(0.001 * rate))
    place = ((np.arange(len(strength)) * step + start_s) % period_s) / period_s * bins
    low = place.astype(int) % bins
    part = place - np.floor(place)
    out = np.bincount(low, strength * (1 - part), bins)
    return out + np.bincount((low + 1) % bins, strength * part, bins)


def phase_lag_ms(a: np.ndarray, b: np.ndarray, period_s: float, most_ms: float = 60) -> float:
    """Return by how much pattern `b` lies later than `a`, both from `folded`."""
    bins = len(a)
    both = np.fft.irfft(np.fft.rfft(a - a.mean()).conj() * np.fft.rfft(b - b.mean()), bins)
    reach = int(most_ms / 1000 / period_s * bins)
    lags = np.arange(-reach, reach + 1)
    values = both[lags % bins]
    at = int(np.argmax(values))
    shift = 0.0
    if 0 < at < len(values) - 1:
        left, mid, right = values[at - 1 : at + 2]
        bend = left - 2 * mid + right
        shift = 0.5 * (left - right) / bend if bend else 0.0
    return float((lags[at] + shift) * period_s / bins * 1000)


def chroma(x: np.ndarray, rate: int) -> np.ndarray:
    """Return `(24,)`: energy of each pitch class below and above C4, roots of magnitude, unit."""
    if len(x) < 8192:
        x = np.pad(x, ((0, 8192 - len(x)), (0, 0)))
    f, _, spectrum = stft(mono(x), rate, "hann", 8192, 8192 - 2048)
    power = (np.abs(spectrum) ** 2).mean(axis=1)
    out = np.zeros(24)
    for low, high, at in ((50, 260, 0), (260, 2000, 12)):
        inside = (f > low) & (f < high)
        midi = 69 + 12 * np.log2(f[inside] / 440)
        near = np.exp(-0.5 * ((midi - np.round(midi)) / 0.2) ** 2)
        np.add.at(out, at + np.round(midi).astype(int) % 12, power[inside] * near)
    out = np.sqrt(out)
    return out / (np.linalg.norm(out) + 1e-12)


def click_ratio(levels: np.ndarray, rate: int, second: float) -> float:
    """Return the largest of `levels` within 4 ms of `second`."""
    a, b = (round((second + d) * rate) for d in (-_WIDE_S, _WIDE_S))
    piece = levels[max(2, a) : max(3, b)]
    return float(piece.max()) if len(piece) else 0.0


def flux_peak(strength: np.ndarray, step: float, second: float) -> float:
    """Return the largest flux within 30 ms of `second`."""
    a, b = round((second - 0.03) / step), round((second + 0.03) / step) + 1
    piece = strength[max(0, a) : max(1, b)]
    return float(piece.max()) if len(piece) else 0.0


def lufs(x: np.ndarray, rate: int) -> float:
    """Return BS.1770 integrated loudness; −120 where there is none."""
    if len(x) < 0.4 * rate:
        x = np.pad(x, ((0, round(0.4 * rate) + 1 - len(x)), (0, 0)))
    with np.errstate(divide="ignore"):
        value = pyloudnorm.Meter(rate).integrated_loudness(x.astype(np.float64))
    return float(value) if np.isfinite(value) else -120.0


def momentary(x: np.ndarray, rate: int) -> float:
    """Return the ungated K-weighted loudness of all of `x`."""
    from daemon.engines.sketch.render.level import k_weighting

    heard = sosfilt(k_weighting(rate), x, axis=0)
    return float(-0.691 + 10 * np.log10(np.square(heard).mean(axis=0).sum() + 1e-12))


def true_peak_db(x: np.ndarray, rate: int) -> float:
    """Return the peak at eight times the rate in dBTP (BS.1770-4 asks for four at least)."""
    fine = soxr.resample(np.pad(x, ((64, 64), (0, 0))).astype(np.float32), 1, 8, quality="VHQ")
    return float(20 * np.log10(np.abs(fine).max() + 1e-12))


def third_octaves(x: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return centres (Hz, 63 … 10 k) and levels in dB of the long-term average spectrum."""
    centres = 1000 * 2.0 ** (np.arange(-12, 11) / 3)
    f, _, spectrum = stft(mono(x), rate, "hann", 16384, 8192)
    power = (np.abs(spectrum) ** 2).mean(axis=1)
    edges = [(c * 2 ** (-1 / 6), c * 2 ** (1 / 6)) for c in centres]
    sums = [power[(f >= a) & (f < b)].sum() for a, b in edges]
    return centres, 10 * np.log10(np.array(sums) + 1e-15)
