"""The chunks of a SoundFont file: where each lies, checked against the file's size.

A SoundFont is RIFF of form `sfbk` with the lists INFO, sdta and pdta (SoundFont 2.04, section 4).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from daemon.engines.sketch.soundfont.faults import damaged

_HEAD = 8  # bytes of a chunk's name and size
_FORM = 4
_MOST_CHUNKS = 256

Bytes = np.ndarray
Places = dict[str, tuple[int, int]]


def mapped(path: Path) -> Bytes:
    """Return the file's bytes, mapped into memory, uint8 `(bytes,)`. Raises 303."""
    try:
        if not path.is_file():
            raise damaged(path, "is not there" if not path.exists() else "is not a file")
        if path.stat().st_size < _HEAD + _FORM:
            raise damaged(path, "is too short to be one")
        return np.memmap(path, np.uint8, "r")
    except OSError as reason:
        raise damaged(path, f"can't be read ({reason.strerror or reason})") from None


def chunks(data: Bytes, path: Path) -> Places:
    """Return first byte and size of the chunks inside the lists, by name. Raises 303."""
    if _text(data, 0) != "RIFF" or _text(data, _HEAD) != "sfbk":
        raise damaged(path, "is of another kind (no RIFF of form sfbk)")
    end = _HEAD + _size(data, 4)
    if end > len(data):
        raise damaged(path, "is cut short")
    found: Places = {}
    for name, start, size in _walk(data, _HEAD + _FORM, end, path):
        if name == "LIST" and size >= _FORM:
            inner = _walk(data, start + _FORM, start + size, path)
            found.update({inside: (at, length) for inside, at, length in inner})
    return found


def text_of(data: Bytes, place: tuple[int, int] | None) -> str:
    """Return a chunk as text up to its first zero, empty without one."""
    if place is None:
        return ""
    start, size = place
    raw = data[start : start + min(size, 256)].tobytes()
    return " ".join(raw.split(b"\0")[0].decode("latin-1").split())


def _walk(data: Bytes, at: int, end: int, path: Path) -> list[tuple[str, int, int]]:
    found = []
    while at + _HEAD <= end:
        name, size = _text(data, at), _size(data, at + 4)
        start = at + _HEAD
        if start + size > end:
            raise damaged(path, f"is cut short in its chunk {name!a}")
        found.append((name, start, size))
        if len(found) > _MOST_CHUNKS:
            raise damaged(path, f"has more than {_MOST_CHUNKS} chunks")
        at = start + size
        # A chunk of an odd size is padded with a zero; some writers of SF3 leave it out.
        at += size % 2 == 1 and at < end and int(data[at]) == 0
    return found


def _text(data: Bytes, at: int) -> str:
    return data[at : at + 4].tobytes().decode("latin-1")


def _size(data: Bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4].tobytes(), "little")
