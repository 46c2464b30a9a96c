"""The key `matching_eq`: what the VAE does to the colour of a clip, taken back from new music.

The clip beside the region is known before and after the VAE; the difference of the two spectra is
the VAE's own, and new music has it too. It is measured in thirds of an octave, at most ±3 dB, and
undone by a linear-phase filter. Samples are float32 `(n, 2)` at 48 kHz.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from scipy.signal import fftconvolve

from daemon.engines.acestep.parts import RATE

MOST_DB = 3.0
_SIZE = 4096
_TAPS = 1025
_THIRD = 2 ** (1 / 6)  # half a third of an octave to each side
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 18_000.0
_SILENT = 1e-12


def curve_of(clip: np.ndarray, decoded: np.ndarray) -> np.ndarray | None:
    """Return the gains in dB, `(2049,)` from 0 Hz to 24 kHz, that give `decoded` the clip's colour.

    None where either is too short or silent. The level is left as it is.
    """
    if min(len(clip), len(decoded)) < _SIZE:
        return None
    kept, made = _spectrum(clip), _spectrum(decoded)
    if min(kept.max(), made.max()) <= _SILENT:
        return None
    hz = scipy.fft.rfftfreq(_SIZE, 1 / RATE)
    wanted = np.array([_band(kept, made, hz, f) for f in hz])
    heard = (hz >= _LOWEST_HZ) & (hz <= _HIGHEST_HZ)
    wanted -= np.average(wanted[heard], weights=made[heard])
    wanted[~heard] = 0
    return np.clip(wanted, -MOST_DB, MOST_DB)


def coloured(samples: np.ndarray, gains_db: np.ndarray) -> np.ndarray:
    """Return `samples` with these gains, without delay and of the same length."""
    amplitudes = 10 ** (gains_db / 20)
    impulse = np.roll(scipy.fft.irfft(amplitudes), _TAPS // 2)[:_TAPS]
    taps = impulse * np.hanning(_TAPS)
    return np.asarray(fftconvolve(samples, taps[:, None], "same", axes=0), np.float32)


def _spectrum(samples: np.ndarray) -> np.ndarray:
    """Mean power by frequency, `(2049,)`."""
    mono = samples.mean(axis=1)
    rows = np.lib.stride_tricks.sliding_window_view(mono, _SIZE)[:: _SIZE // 2]
    return np.asarray((np.abs(scipy.fft.rfft(rows * np.hanning(_SIZE), axis=1)) ** 2).mean(axis=0))


def _band(kept: np.ndarray, made: np.ndarray, hz: np.ndarray, around: float) -> float:
    """Level of the clip over that of what was decoded, in dB, in a third of an octave."""
    near = (hz >= around / _THIRD) & (hz <= max(around, hz[1]) * _THIRD)
    return float(10 * np.log10((kept[near].sum() + _SILENT) / (made[near].sum() + _SILENT)))
