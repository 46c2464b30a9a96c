"""Packets on a TCP stream: an int32 length before each (OSC 1.0), or SLIP (OSC 1.1).

Threads: an object belongs to one connection; nothing here is shared.
"""

from __future__ import annotations

import struct

from bridge.protocol.errors import PunchinError, error
from bridge.protocol.packets import FRAME

_END, _ESC, _ESC_END, _ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD


class Framer:
    """Cuts a byte stream into packets; any chunking gives the same packets.

    The first byte of the stream decides: 0xC0 is SLIP, anything else a length.
    """

    def __init__(self) -> None:
        self._slip: bool | None = None
        self._buffer = bytearray()
        self._scanned = 0
        self._broken: PunchinError | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes, return the packets that they complete.

        Raises 106 for a frame over 1 MiB, once the packets before it have been returned.
        """
        if self._broken:
            raise self._broken
        self._buffer += data
        if self._slip is None and self._buffer:
            self._slip = self._buffer[0] == _END
        packets: list[bytes] = []
        try:
            (self._slip_packets if self._slip else self._sized_packets)(packets)
        except PunchinError as problem:
            self._buffer.clear()
            self._broken = problem
            if not packets:
                raise
        return packets

    def frame(self, packet: bytes) -> bytes:
        """Return a packet as this stream's peer expects it."""
        return slip(packet) if self._slip else sized(packet)

    def _sized_packets(self, packets: list[bytes]) -> None:
        at = 0
        while len(self._buffer) - at >= 4:
            (size,) = struct.unpack_from(">I", self._buffer, at)
            _limit(size)
            if len(self._buffer) - at - 4 < size:
                break
            if size:
                packets.append(bytes(self._buffer[at + 4 : at + 4 + size]))
            at += 4 + size
        del self._buffer[:at]

    def _slip_packets(self, packets: list[bytes]) -> None:
        while (end := self._buffer.find(_END, self._scanned)) >= 0:
            packet = _unslip(bytes(self._buffer[:end]))
            _limit(len(packet))
            if packet:
                packets.append(packet)
            del self._buffer[: end + 1]
            self._scanned = 0
        self._scanned = len(self._buffer)
        _limit(len(self._buffer) // 2)


def _limit(size: int) -> None:
    if size > FRAME:
        raise error(106, f"a frame of {size:,} bytes is over 1 MiB: send long texts as lyrics_file")


def sized(packet: bytes) -> bytes:
    """Return a packet with its length before it."""
    return struct.pack(">I", len(packet)) + packet


def slip(packet: bytes) -> bytes:
    """Return a packet between SLIP END bytes (RFC 1055, double END)."""
    body = packet.replace(bytes([_ESC]), bytes([_ESC, _ESC_ESC]))
    body = body.replace(bytes([_END]), bytes([_ESC, _ESC_END]))
    return bytes([_END]) + body + bytes([_END])


def _unslip(data: bytes) -> bytes:
    body = data.replace(bytes([_ESC, _ESC_END]), bytes([_END]))
    return body.replace(bytes([_ESC, _ESC_ESC]), bytes([_ESC]))
