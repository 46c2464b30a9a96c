"""OSC 1.0 messages to and from bytes, as much of it as the daemon speaks.

Values: bool (T/F), int (i, or h beyond 32 bits), float (d), str (s, UTF-8), bytes (b), None (N).
"""

from __future__ import annotations

import struct
from typing import Any

BUNDLE = b"#bundle\0"
MOST_DEEP = 8  # bundles in bundles
NUMBERS = {"i": ">i", "h": ">q", "f": ">f", "d": ">d", "t": ">Q"}
CONSTANTS = {"T": True, "F": False, "N": None, "I": float("inf")}


def encode(address: str, args: Any = ()) -> bytes:
    """Return one message as a packet. Raises ValueError for a value that OSC has no type for."""
    coded = [_coded(value) for value in args]
    tags = "," + "".join(tag for tag, _ in coded)
    return _text(address) + _text(tags) + b"".join(body for _, body in coded)


def decode(packet: bytes) -> list[tuple[str, list[Any]]]:
    """Return the messages of a packet, those of bundles in order. Raises ValueError."""
    try:
        return _elements(packet, 0)
    except (struct.error, UnicodeDecodeError, IndexError) as e:
        raise ValueError(f"not an OSC packet: {e}") from None


def _coded(value: Any) -> tuple[str, bytes]:
    if value is None or isinstance(value, bool):
        return {None: "N", True: "T", False: "F"}[value], b""
    if isinstance(value, int):
        small = -(2**31) <= value < 2**31
        return ("i", struct.pack(">i", value)) if small else ("h", struct.pack(">q", value))
    if isinstance(value, float):
        return "d", struct.pack(">d", value)
    if isinstance(value, str):
        return "s", _text(value)
    if isinstance(value, bytes):
        return "b", struct.pack(">i", len(value)) + _padded(value)
    raise ValueError(f"OSC has no type for {type(value).__name__}")


def _text(text: str) -> bytes:
    return _padded(text.encode("utf-8", "replace") + b"\0")


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _elements(packet: bytes, depth: int) -> list[tuple[str, list[Any]]]:
    if not packet.startswith(BUNDLE):
        return [_message(packet)]
    if depth >= MOST_DEEP:
        raise ValueError("not an OSC packet: bundles too deep")
    found: list[tuple[str, list[Any]]] = []
    at = 16  # the tag and the time
    while at < len(packet):
        (size,) = struct.unpack_from(">i", packet, at)
        if size <= 0 or at + 4 + size > len(packet):
            raise ValueError("not an OSC packet: an element's length is wrong")
        found += _elements(packet[at + 4 : at + 4 + size], depth + 1)
        at += 4 + size
    return found


def _message(packet: bytes) -> tuple[str, list[Any]]:
    address, at = _read_text(packet, 0)
    if not address.startswith("/"):
        raise ValueError("not an OSC packet: no address")
    if at >= len(packet):
        return address, []
    tags, at = _read_text(packet, at)
    args = []
    for tag in tags[1:]:
        value, at = _value(tag, packet, at)
        args.append(value)
    return address, args


def _value(tag: str, packet: bytes, at: int) -> tuple[Any, int]:
    if tag in CONSTANTS:
        return CONSTANTS[tag], at
    if tag in NUMBERS:
        form = NUMBERS[tag]
        return struct.unpack_from(form, packet, at)[0], at + struct.calcsize(form)
    if tag in "sS":
        return _read_text(packet, at)
    if tag == "b":
        (size,) = struct.unpack_from(">i", packet, at)
        if size < 0 or at + 4 + size > len(packet):
            raise ValueError("not an OSC packet: a blob's length is wrong")
        return packet[at + 4 : at + 4 + size], at + 4 + size + (-size % 4)
    raise ValueError(f"not an OSC packet: unknown type {tag!r}")


def _read_text(packet: bytes, at: int) -> tuple[str, int]:
    end = packet.find(b"\0", at)
    if end < 0:
        raise ValueError("not an OSC packet: a text without an end")
    return packet[at:end].decode("utf-8"), end + 4 - (end - at) % 4
