"""Whether a RIFF, RF64, W64 or AIFF file is as long as its own chunks say. Bytes throughout.

libsndfile reads what there is of a cut file without a word; this tells it apart from a whole one.
Layouts: RIFF/WAVE (Microsoft, 1991), RF64 (EBU Tech 3306), W64 (Sony), AIFF (Apple, 1989).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

_OPEN_ENDED = 0xFFFF_FFFF  # a recorder that does not know the length yet, or RF64: see ds64
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_MOST_CHUNKS = 4096


def missing_bytes(file: BinaryIO, size: int) -> int:
    """Return how many bytes of audio the file of `size` bytes lacks; 0 when whole or not known.

    A data chunk of size 0 or 0xFFFFFFFF belongs to a file that is still being recorded: no error.
    """
    reader = _READERS.get(file.read(4))
    if reader is None:
        return 0
    promised_end = reader(file, size)
    return max(0, promised_end - size)


def _chunks(file: BinaryIO, start: int, size: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield `(name, position of the content, length)` of chunks that begin inside the file."""
    here = start
    for _ in range(_MOST_CHUNKS):
        if here + 8 > size:
            return
        file.seek(here)
        head = file.read(8)
        length = struct.unpack(f"{order}I", head[4:])[0]
        yield head[:4], here + 8, length
        here += 8 + length + (length & 1)


def _riff_end(file: BinaryIO, size: int) -> int:
    long_length = None
    for name, at, length in _chunks(file, 12, size, "<"):
        if name == b"ds64":
            file.seek(at + 8)
            content = file.read(8)
            long_length = struct.unpack("<Q", content)[0] if len(content) == 8 else None
        elif name == b"data":
            if length in (0, _OPEN_ENDED):
                return at + (long_length or 0)
            return at + length
    return 0


def _aiff_end(file: BinaryIO, size: int) -> int:
    for name, at, length in _chunks(file, 12, size, ">"):
        if name == b"SSND":
            return 0 if length == _OPEN_ENDED else at + length
    return 0


def _w64_end(file: BinaryIO, size: int) -> int:
    here = 40
    for _ in range(_MOST_CHUNKS):
        if here + 24 > size:
            break
        file.seek(here)
        head = file.read(24)
        length = struct.unpack("<Q", head[16:])[0]
        if head[:16] == _W64_DATA:
            return here + length
        here += max(24, (length + 7) & ~7)
    return 0


_READERS: dict[bytes, Callable[[BinaryIO, int], int]] = {
    b"RIFF": _riff_end,
    b"RF64": _riff_end,
    b"FORM": _aiff_end,
    b"riff": _w64_end,
}
