"""Frames between the control plane and a worker: a JSON header and raw bytes.

A frame is two little-endian uint32 (length of header, length of payload), the header as UTF-8 JSON,
and the payload: float32 PCM, interleaved, for audio; a file's bytes for documents.

Threads: `Channel` may be written from several threads; it is read from one.
"""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO

_LENGTHS = struct.Struct("<II")
# In the place of an engine's name: load none, look at those that are named.
SURVEYOR = "-"
MOST_HEADER = 16 << 20
MOST_PAYLOAD = 64 << 20

Frame = tuple[dict[str, Any], bytes]


class BrokenChannel(Exception):
    """The other side is gone, or sent what is no frame."""


def pack(header: Mapping[str, Any], payload: bytes | memoryview = b"") -> list[bytes | memoryview]:
    """Return a frame's pieces, to be written one after the other."""
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "replace")
    assert len(text) <= MOST_HEADER
    assert len(payload) <= MOST_PAYLOAD
    return [_LENGTHS.pack(len(text), len(payload)), text, payload]


def _lengths(data: bytes) -> tuple[int, int]:
    header, payload = _LENGTHS.unpack(data)
    if header > MOST_HEADER or payload > MOST_PAYLOAD:
        raise BrokenChannel("a frame is too large")
    return header, payload


class Channel:
    """The worker's end, over two blocking binary streams."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._in, self._out = incoming, outgoing
        self._lock = threading.Lock()

    def send(self, header: Mapping[str, Any], payload: bytes | memoryview = b"") -> None:
        """Send one frame; blocks while the other side is behind. Raises BrokenChannel."""
        try:
            with self._lock:
                for piece in pack(header, payload):
                    self._out.write(piece)
                self._out.flush()
        except (OSError, ValueError):
            raise BrokenChannel("the control plane is gone") from None

    def receive(self) -> Frame:
        """Wait for one frame. Raises BrokenChannel."""
        header, payload = _lengths(self._exactly(_LENGTHS.size))
        return json.loads(self._exactly(header)), self._exactly(payload)

    def _exactly(self, size: int) -> bytes:
        data = self._in.read(size)
        if len(data) < size:
            raise BrokenChannel("the control plane is gone")
        return data


async def receive(reader: asyncio.StreamReader) -> Frame:
    """Wait for one frame on the control plane's side. Raises BrokenChannel."""
    try:
        header, payload = _lengths(await reader.readexactly(_LENGTHS.size))
        fields = json.loads(await reader.readexactly(header))
        return fields, await reader.readexactly(payload) if payload else b""
    except (asyncio.IncompleteReadError, OSError, ValueError):
        raise BrokenChannel("the worker is gone") from None
