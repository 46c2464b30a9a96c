"""Mono folding, resampling and short-time spectra, all in blocks so that long clips stay small.

Signals here are float32 `(frames,)` at `EAR_RATE_HZ`. Spectra are magnitudes, one row a frame; row
`i` is centred on sample `i × hop`, the signal counting as silent outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import soxr
from scipy.fft import rfft

from daemon.audio.clips import Samples, as_reader

EAR_RATE_HZ = 22050
_BLOCK_S = 5.0

Check = Callable[[], None]


def unchecked() -> None:
    """Stand in for a cancellation check where there is nothing to cancel."""


def to_ear(samples: Samples, rate: int, check: Check = unchecked) -> np.ndarray:
    """Fold `(frames, channels)` at `rate` Hz to mono at `EAR_RATE_HZ`; non-finite samples are 0."""
    stream = ear_stream(rate)
    parts = []
    for block in as_reader(samples, rate).blocks():
        check()
        parts.append(folded(stream, finite(block)))
    return np.concatenate([*parts, folded(stream, None)])


def ear_stream(rate: int) -> soxr.ResampleStream:
    """Return a resampler from `rate` Hz to the ear, for one clip's blocks in order."""
    return soxr.ResampleStream(rate, EAR_RATE_HZ, 1, dtype="float32", quality="LQ")


def folded(stream: soxr.ResampleStream, block: np.ndarray | None) -> np.ndarray:
    """Return what the ear gets of the next block, finite `(frames, channels)`; None for the end."""
    if block is None:
        return np.asarray(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    mono = block @ np.full(block.shape[1], 1 / block.shape[1], np.float32)
    return np.asarray(stream.resample_chunk(mono))


def finite(block: np.ndarray) -> np.ndarray:
    """Return the block with zeros for samples that are no numbers."""
    if np.isfinite(block.sum()):
        return block
    return np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)


def spectra(
    signal: np.ndarray, window: int, hop: int, bins: int | None = None, check: Check = unchecked
) -> Iterator[np.ndarray]:
    """Yield magnitudes of Hann frames in blocks of some seconds, the lowest `bins` of each.

    A block is float32 `(rows, bins)`; a full-scale sine peaks at 1. In all there are
    `len(signal) // hop + 1` rows.
    """
    shape = np.hanning(window + 1)[:-1].astype(np.float32)
    shape *= 2 / shape.sum()
    rows = len(signal) // hop + 1
    block = max(1, int(_BLOCK_S * EAR_RATE_HZ / 2) // hop)
    for first in range(0, rows, block):
        check()
        count = min(block, rows - first)
        piece = _padded(signal, first * hop - window // 2, (count - 1) * hop + window)
        framed = np.lib.stride_tricks.sliding_window_view(piece, window)[::hop]
        yield np.abs(rfft(framed * shape, axis=1)[:, :bins])


def _padded(signal: np.ndarray, start: int, length: int) -> np.ndarray:
    """Cut `length` samples from `start` on, with zeros where there is no signal."""
    piece = signal[max(0, start) : max(0, start + length)]
    before = min(length, max(0, -start))
    return np.pad(piece, (before, length - before - len(piece)))
