"""What a safetensors file says it holds, read from its header alone; no tensor is touched.

A file is an eight-byte little-endian length, that many bytes of JSON, then the tensors; the JSON
gives for each its type, its shape and where its bytes lie. A file cut off in the middle of a
download is shorter than its header says.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from bridge.protocol.errors import error

_MOST_HEADER_BYTES = 100_000_000


@dataclass(frozen=True)
class Tensor:
    """A tensor in a file: its name there, its type (`F32`, `BF16`) and its shape."""

    file: Path
    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def numbers(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


def read(file: Path, most_bytes: int = _MOST_HEADER_BYTES) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file by name. Raises 303 if the file is damaged.

    A header of more than `most_bytes` is not read.
    """
    try:
        header, held = _header(file, most_bytes)
        rows = {name: row for name, row in header.items() if name != "__metadata__"}
        end = max((row["data_offsets"][1] for row in rows.values()), default=0)
        tensors = {n: Tensor(file, n, row["dtype"], tuple(row["shape"])) for n, row in rows.items()}
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        struct.error,
    ) as e:
        raise error(303, f"{file} is no safetensors file ({e}): fetch it again") from None
    if held != end:
        raise error(303, f"{file} is cut off: {held:,} of {end:,} bytes of weights: fetch it again")
    return tensors


def _header(file: Path, most_bytes: int) -> tuple[Mapping[str, Any], int]:
    """Return the header and how many bytes follow it."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > min(size - 8, most_bytes):
            raise ValueError("its header is not whole")
        return json.loads(stream.read(length)), size - 8 - length
