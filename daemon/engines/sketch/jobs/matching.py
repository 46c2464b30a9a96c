"""New material made to sit beside a clip: its loudness and its spectrum.

Signals are float32 `(2, frames)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.fft
from scipy.signal import oaconvolve

from daemon.audio.clips import Samples
from daemon.audio.loudness import rms_db
from daemon.engines.sketch.render.tone import Array

LIMIT_DB = 12.0
CENTRES_HZ = 1000.0 * 2.0 ** (np.arange(-13, 13) / 3)  # third-octaves, 50 Hz … 16 kHz
_SIZE = 8192
_ROWS = 64
_TAPS = 4095
_SILENT_DB = -70.0  # of the whole context, full scale
_FLOOR_DB = -50.0  # bands this far below the loudest are not evened out


@dataclass(frozen=True, eq=False)
class Colour:
    """How loud a clip is, RMS in dB full scale, and the level of each of its third-octaves, dB."""

    level_db: float
    bands_db: Array


def colour_of(x: Array, rate: int) -> Colour:
    """Return the colour of a signal."""
    return Colour(rms_db(x), band_levels(x, rate))


def band_levels(x: Array, rate: int) -> Array:
    """Return the level of each third-octave in dB (long-term average), `(bands,)`."""
    return _levels(lambda start, end: x[:, start:end].mean(axis=0), x.shape[1], rate)


def clip_levels(clip: Samples, rate: int, check: Callable[[], None]) -> Array:
    """Return `band_levels` of a clip `(frames, 2)`, which is gone through in blocks."""

    def mono(start: int, end: int) -> Array:
        check()
        return np.asarray(clip[start:end].mean(axis=1))

    return _levels(mono, len(clip), rate)


def _levels(mono: Callable[[int, int], Array], frames: int, rate: int) -> Array:
    """Return the levels of the `frames` that `mono` cuts out of a clip, some rows at a time."""
    hop, shape = _SIZE // 2, np.hanning(_SIZE)
    rows = max(1, (frames - _SIZE) // hop + 1)
    power = np.zeros(hop + 1)
    for row in range(0, rows, _ROWS):
        count = min(_ROWS, rows - row)
        piece = mono(row * hop, min(frames, (row + count + 1) * hop))
        piece = np.pad(piece, (0, (count + 1) * hop - len(piece)))
        framed = np.lib.stride_tricks.sliding_window_view(piece, _SIZE)[::hop]
        power += (np.abs(scipy.fft.rfft(framed * shape, axis=1)) ** 2).sum(axis=0)
    power /= rows
    f = np.fft.rfftfreq(_SIZE, 1 / rate)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    low = np.searchsorted(f, CENTRES_HZ * 2 ** (-1 / 6))
    high = np.maximum(low + 1, np.searchsorted(f, CENTRES_HZ * 2 ** (1 / 6)))
    inside = np.minimum(high, len(power))
    return np.asarray(10 * np.log10(sums[inside] - sums[np.minimum(low, len(power) - 1)] + 1e-12))


def correction_db(new: Array, context: Array, rate: int) -> Array:
    """Return the gain of each third-octave that brings `new` to the context's balance, ± 12 dB."""
    return _correction_db(band_levels(new, rate), band_levels(context, rate))


def _correction_db(have: Array, want: Array) -> Array:
    gain = want - have
    heard = (have > have.max() + _FLOOR_DB) & (want > want.max() + _FLOOR_DB)
    if not heard.any():
        return np.zeros(len(gain))
    gain -= np.median(gain[heard])
    gain = np.where(heard, gain, np.minimum(gain, 0.0))
    smooth = np.convolve(np.pad(gain, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    return np.clip(smooth, -LIMIT_DB, LIMIT_DB)


def shaped(new: Array, gain_db: Array, rate: int) -> Array:
    """Return `new` through a linear-phase filter with the given third-octave gains, not delayed."""
    f = np.fft.rfftfreq(_TAPS + 1, 1 / rate)
    curve = np.interp(np.log2(np.maximum(f, 1.0)), np.log2(CENTRES_HZ), gain_db)
    taps = np.fft.irfft(10 ** (curve / 20))
    taps = np.roll(taps, _TAPS // 2)[:_TAPS] * np.hanning(_TAPS + 2)[1:-1]
    return np.asarray(oaconvolve(new, taps[None].astype(np.float32), "same", axes=1), np.float32)


def matched(new: Array, context: Array, rate: int, whole: Array | None = None) -> Array:
    """Return `new` with the spectrum of `context`; as it is beside silence.

    Where `new` is a part of a `whole`, it gets the correction that the whole would need.
    """
    return coloured(new, colour_of(context, rate), rate, whole)


def coloured(new: Array, colour: Colour, rate: int, whole: Array | None = None) -> Array:
    """Return what `matched` returns, for a context of this colour."""
    if colour.level_db < _SILENT_DB or not new.any():
        return new
    have = band_levels(new if whole is None else whole, rate)
    return shaped(new, _correction_db(have, colour.bands_db), rate)
