"""From float to the sample type of a file, and from one sample type to another.

New material is dithered where the target has 16 bits or less: TPDF of ±1 LSB (Lipshitz, Wannamaker
and Vanderkooy, 1992) makes the error's mean and power independent of the signal. At 24 bits and
more the step is no coarser than float32's own, so nothing drops and rounding is all. A sample that
already lies on the target's grid is not dithered: digital silence stays silent, and source samples
inside a region (channels that are left alone) stay as they are. Kept audio is never dithered.

Integers narrower than their array lie in its upper bits, as libsndfile takes them.
"""

from __future__ import annotations

import numpy as np

from daemon.audio.formats import bits, written_dtype
from daemon.audio.types import OutputFormat

DITHERED_UP_TO_BITS = 16


def quantise(
    samples: np.ndarray, fmt: OutputFormat, rng: np.random.Generator | None
) -> tuple[np.ndarray, int]:
    """Return new material `(n, channels)` as `Writer.write` takes it, and how many samples clipped.

    `samples` is float32 or float64, full scale at ±1. `rng` drives the dither; None leaves it out.
    """
    depth = bits(fmt.subtype)
    if depth is None:
        return samples.astype(written_dtype(fmt)), 0
    scaled = samples.astype(np.float64) * (1 << (depth - 1))
    if rng is not None and depth <= DITHERED_UP_TO_BITS:
        noise = rng.random(samples.shape) - rng.random(samples.shape)
        scaled += np.where(scaled == np.rint(scaled), 0.0, noise)
    return _rounded(scaled, depth, written_dtype(fmt))


def recast(native: np.ndarray, fmt: OutputFormat) -> tuple[np.ndarray, int]:
    """Return kept audio `(n, channels)` in the type of `fmt`, and how many samples clipped.

    Exact where `fmt` holds the source's samples; else rounded, without dither.
    """
    target = np.dtype(written_dtype(fmt))
    depth = bits(fmt.subtype)
    if depth is None:
        return _to_float(native, target), 0
    if native.dtype.kind == "f":
        return _rounded(native.astype(np.float64) * (1 << (depth - 1)), depth, target.name)
    return _to_integer(native, depth, target)


def _to_float(native: np.ndarray, target: np.dtype) -> np.ndarray:
    if native.dtype.kind == "f":
        return native.astype(target, copy=False)
    return (native / float(1 << (8 * native.dtype.itemsize - 1))).astype(target)


def _to_integer(native: np.ndarray, depth: int, target: np.dtype) -> tuple[np.ndarray, int]:
    have = 8 * native.dtype.itemsize
    unused = (1 << max(0, have - depth)) - 1
    if unused and np.any(native & native.dtype.type(unused)):
        scaled = native.astype(np.float64) * 2.0 ** (depth - have)
        return _rounded(scaled, depth, target.name)
    shift = 8 * target.itemsize - have
    if shift >= 0:
        return native.astype(target, copy=False) << target.type(shift), 0
    return (native >> native.dtype.type(-shift)).astype(target), 0


def _rounded(scaled: np.ndarray, depth: int, dtype: str) -> tuple[np.ndarray, int]:
    """Round values in units of one LSB, clip, and move them to the upper bits of `dtype`."""
    low, high = -(1 << (depth - 1)), (1 << (depth - 1)) - 1
    whole = np.rint(scaled)
    clipped = int(np.count_nonzero((whole > high) | (whole < low)))
    values = np.clip(whole, low, high).astype(np.int64)
    shift = 8 * np.dtype(dtype).itemsize - depth
    return (values << shift).astype(dtype), clipped
