"""Samples of a source in their own type, and as float32 for engines.

Kept audio travels as `(frames, channels)` in the type that holds it exactly: int16, int32 (24-bit
samples lie in the upper three bytes), float32 or float64. Frames count from the file's start.

Threads: any; every call opens the file for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from bridge.protocol.errors import PunchinError, error
from daemon.audio.types import SourceInfo

BLOCK_FRAMES = 65_536

_NATIVE = {
    "PCM_U8": "int16",
    "PCM_S8": "int16",
    "PCM_16": "int16",
    "ULAW": "int16",
    "ALAW": "int16",
    "IMA_ADPCM": "int16",
    "MS_ADPCM": "int16",
    "GSM610": "int16",
    "ALAC_16": "int16",
    "ALAC_20": "int32",
    "ALAC_24": "int32",
    "ALAC_32": "int32",
    "PCM_24": "int32",
    "PCM_32": "int32",
    "DOUBLE": "float64",
}
# Seeking in these lands on the very sample. Elsewhere (Vorbis is off by up to a block) a read that
# does not begin at the first frame would not give the samples that a read of the whole file gives.
_SEEKS_EXACTLY = frozenset(
    {"PCM_U8", "PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"}
)


def native_dtype(info: SourceInfo) -> str:
    """Return `int16`, `int32`, `float32` or `float64`: what holds the source's samples exactly."""
    return _NATIVE.get(info.subtype, "float32")


def seeks_exactly(info: SourceInfo) -> bool:
    """Whether a part of the source can be read without decoding all that lies before it."""
    return info.subtype in _SEEKS_EXACTLY


def blocks(
    info: SourceInfo, start: int, end: int, block: int = BLOCK_FRAMES
) -> Iterator[np.ndarray]:
    """Yield frames `[start, end)` as native `(n, channels)` arrays.

    They hold at most `block` frames, of compressed sources at most `BLOCK_FRAMES`.

    Errors: 200 gone, 201 when the file ends early, is damaged or holds NaN or infinity.
    """
    assert 0 <= start <= end <= info.frames, (start, end, info.frames)
    if start == end:
        return
    try:
        with soundfile.SoundFile(info.path) as file:
            yield from _read(file, info, start, end, block)
    except (soundfile.SoundFileError, OSError):
        raise _damaged(info) from None


def window(info: SourceInfo, start: int, end: int) -> np.ndarray:
    """Return frames `[start, end)` as float32 `(end - start, channels)`, full scale at ±1.

    Errors as `blocks`.
    """
    out = np.empty((end - start, info.channels), np.float32)
    at = 0
    for native in blocks(info, start, end):
        out[at : at + len(native)] = as_float(native)
        at += len(native)
    return out


def as_float(native: np.ndarray) -> np.ndarray:
    """Return native samples as float32, full scale at ±1."""
    if native.dtype.kind == "f":
        return native.astype(np.float32)
    # Scaling by a power of two is exact, so that float32 rounds only once.
    samples = native.astype(np.float32)
    samples *= np.float32(0.5 ** (8 * native.dtype.itemsize - 1))
    return samples


def _read(
    file: soundfile.SoundFile, info: SourceInfo, start: int, end: int, block: int
) -> Iterator[np.ndarray]:
    if seeks_exactly(info):
        here = file.seek(start)
    else:
        # The same steps on every read: some decoders' samples depend on how much is asked for.
        here, block = 0, BLOCK_FRAMES
    while here < end:
        samples = _next(file, info, min(block, end - here))
        skip = max(0, start - here)
        here += len(samples)
        if skip < len(samples):
            yield samples[skip:]


def _next(file: soundfile.SoundFile, info: SourceInfo, frames: int) -> np.ndarray:
    samples: np.ndarray = file.read(frames, dtype=native_dtype(info), always_2d=True)
    if len(samples) < frames or samples.shape[1] != info.channels:
        raise error(201, f"{info.path} ends before its stated length; render it again")
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        raise error(201, f"{info.path} holds NaN or infinite samples; render it again")
    return samples


def _damaged(info: SourceInfo) -> PunchinError:
    if not Path(info.path).exists():
        return error(200, f"{info.path} is gone; put it back and send the request again")
    return error(201, f"{info.path} is damaged or can't be read; render it again")
