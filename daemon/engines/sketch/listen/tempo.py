"""Tempo of a clip when nobody told it: quarter notes per minute, 60…200."""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.listen.onsets import HOP_S, Onsets

SLOWEST_BPM, FASTEST_BPM = 60.0, 200.0
DEFAULT_BPM = 120.0
_STEP = 1.01  # ratio between neighbours of the coarse search
# Preferred tempo and spread in octaves (after Parncutt 1994, as used for beat tracking by
# Ellis 2007).
_PREFERRED_BPM, _SPREAD_OCTAVES = 115.0, 0.9
_SHORTEST_S = 1.0
_REFINED_OVER_S = 120.0  # from the middle of the clip


def find_tempo(onsets: Onsets) -> tuple[float, float]:
    """Return `(bpm, confidence)`; 120 and 0 where there is nothing periodic to hear.

    Each tempo is scored by the autocorrelation at one, two and four beats, by how much more its
    beats divide in two than in three, and by a preference for moderate tempi; the best is refined
    by the phase of the onsets.
    """
    strength = onsets.strength - onsets.strength.mean()
    energy = float(strength @ strength)
    if len(strength) * HOP_S < _SHORTEST_S or energy <= 0:
        return DEFAULT_BPM, 0.0
    steps = int(np.log(FASTEST_BPM / SLOWEST_BPM) / np.log(_STEP)) + 1
    tempi = SLOWEST_BPM * _STEP ** np.arange(steps + 1)
    periodic = _autocorrelation(strength) / energy
    fit = np.array([_fit(periodic, 60 / bpm / HOP_S) for bpm in tempi.tolist()])
    octaves = np.log2(tempi / _PREFERRED_BPM)
    fit *= _duple_share(strength, tempi)
    scores = fit * np.exp(-0.5 * (octaves / _SPREAD_OCTAVES) ** 2)
    best = int(np.argmax(scores))
    bpm = _refined(strength, float(tempi[best]))
    return bpm, float(np.clip(2 * fit[best], 0, 1))


def _autocorrelation(signal: np.ndarray) -> np.ndarray:
    """Return the autocorrelation at lags ≥ 0, corrected for the shrinking overlap."""
    size = 1 << (2 * len(signal) - 1).bit_length()
    spectrum = np.fft.rfft(signal, size)
    raw = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[: len(signal)]
    overlap = 1 - np.arange(len(signal)) / len(signal)
    return raw / np.maximum(overlap, 0.25)


def _fit(periodic: np.ndarray, lag: float) -> float:
    """Mean autocorrelation at one, two and four periods of `lag` rows, where they fit."""
    lags = np.array([1.0, 2.0, 4.0]) * lag
    lags = lags[lags < 0.8 * len(periodic)]
    if not len(lags):
        return 0.0
    rows = np.arange(len(periodic))
    near = np.max([np.interp(lags + d, rows, periodic) for d in (-1, 0, 1)], axis=0)
    return float(near.mean())


def _duple_share(strength: np.ndarray, tempi: np.ndarray) -> np.ndarray:
    """How far the onsets divide the beat by 2 and 4 rather than by 3; quarters do in any metre."""
    powers = [_fourier(strength, tempi * multiple) ** 2 for multiple in (2, 3, 4, 6)]
    duple, triple = powers[0] + powers[2], powers[1] + powers[3] / 2
    return 0.1 + duple / (duple + triple + 1e-12)


def _fourier(strength: np.ndarray, tempi: np.ndarray) -> np.ndarray:
    """Magnitude of the Fourier sum of `strength` at each of `tempi`, the best within a step."""
    size = 1 << (4 * len(strength) - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(strength, size))
    at = tempi / 60 * HOP_S * size
    rows = np.arange(len(spectrum))
    near = [np.interp(at * (1 + d), rows, spectrum) for d in (-0.005, 0, 0.005)]
    return np.max(near, axis=0)


def _refined(strength: np.ndarray, bpm: float) -> float:
    """Maximise the Fourier sum of the onsets at the beat and its multiples around `bpm`."""
    excess = max(0, len(strength) - int(_REFINED_OVER_S / HOP_S)) // 2
    strength = strength[excess : len(strength) - excess]
    seconds = np.arange(len(strength)) * HOP_S
    for spread, count in ((0.015, 61), (0.0008, 17)):
        tempi = bpm * np.linspace(1 - spread, 1 + spread, count)
        scores = np.zeros(count)
        for multiple in (1, 2, 4):
            turns = np.exp(2j * np.pi * multiple / 60 * tempi[:, None] * seconds[None, :])
            scores += np.abs(turns @ strength)
        bpm = float(tempi[np.argmax(scores)])
    return bpm
