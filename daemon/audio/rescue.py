"""A WAV file that nobody finished: the lengths that its header lacks, from the file's own.

Only the header is touched and nothing but the standard library needed, so that the control plane
can do it for a process that is gone. Layout: RIFF, `fmt `, `fact`, `data` (Multimedia Programming
Interface and Data Specifications 1.0, Microsoft and IBM, 1991).
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import NamedTuple

_HEAD_BYTES = 4096
_LONGEST = 2**32 - 1


class _Layout(NamedTuple):
    """Bytes of a frame, and where in the file the samples and the `fact` chunk's length lie."""

    frame_bytes: int
    samples_at: int
    fact_at: int | None


def rescue(part: Path, target: Path, most_frames: int | None = None) -> int:
    """Make `target` of what an unfinished WAV `part` holds; return its frames.

    At most `most_frames` are kept. A part that holds no frame, or is no WAV, is removed: 0. Raises
    OSError.
    """
    with part.open("r+b") as file:
        layout = _layout(file.read(_HEAD_BYTES))
        frames = _finish(file.fileno(), layout, most_frames) if layout else 0
    if frames:
        part.replace(target)
    else:
        part.unlink()
    return frames


def _finish(file: int, layout: _Layout, most_frames: int | None) -> int:
    held = (os.fstat(file).st_size - layout.samples_at) // layout.frame_bytes
    frames = held if most_frames is None else min(held, most_frames)
    length = frames * layout.frame_bytes
    os.ftruncate(file, layout.samples_at + length)
    lengths = [(4, layout.samples_at + length - 8), (layout.samples_at - 4, length)]
    if layout.fact_at is not None:
        lengths.append((layout.fact_at, frames))
    for at, value in lengths:
        os.lseek(file, at, os.SEEK_SET)
        os.write(file, struct.pack("<I", min(value, _LONGEST)))
    os.fsync(file)
    return frames


def _layout(head: bytes) -> _Layout | None:
    """Walk the chunks before the samples. None: this is no WAV file."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at, frame_bytes, fact_at = 12, 0, None
    while at + 8 <= len(head):
        name, length = struct.unpack_from("<4sI", head, at)
        at += 8
        if name == b"data":
            return _Layout(frame_bytes, at, fact_at) if frame_bytes else None
        if name == b"fmt " and at + 14 <= len(head):
            (frame_bytes,) = struct.unpack_from("<H", head, at + 12)
        fact_at = at if name == b"fact" else fact_at
        at += length + length % 2
    return None
