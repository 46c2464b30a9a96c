"""OSC packets: messages and bundles to bytes and back, and pieces for long replies.

python-osc codes the messages; bundles are split here, because its own reader recurses without limit
and gives up the order of messages. A packet becomes a flat list of timed groups: the messages of
one bundle are applied in order with nothing between them.
"""

from __future__ import annotations

import itertools
import re
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

from bridge.protocol.errors import PunchinError, error

DATAGRAM = 8000
FRAME = 1 << 20
_NTP_TO_UNIX = 2_208_988_800
_AHEAD_S = 60.0
_DEPTH = 16
_ARGUMENTS = 1024
_TAGS = re.compile(rb",[ihfdsTFN]*")
_IMMEDIATELY = 1

Message = tuple[str, list[Any]]


@dataclass(frozen=True)
class Group:
    """Messages that belong together; `delay_s` is how long to wait before they are applied."""

    messages: tuple[Message, ...]
    delay_s: float = 0.0


# -- reading -------------------------------------------------------------------------------------


def decode(packet: bytes, now: float | None = None) -> list[Group]:
    """Return the groups of a packet. Raises 101 for anything that is not OSC."""
    if packet.startswith(b"#bundle\0"):
        return _merge(_bundle(packet, time.time() if now is None else now, 0))
    return [Group((_message(packet),))]


def _bundle(packet: bytes, now: float, depth: int) -> Iterator[tuple[float, Message]]:
    if len(packet) < 16 or depth > _DEPTH:
        raise error(101, "the bundle is cut off or nested too deeply: send a plain OSC 1.0 bundle")
    delay = _delay(struct.unpack_from(">Q", packet, 8)[0], now)
    at = 16
    while at < len(packet):
        if at + 4 > len(packet):
            raise error(101, "the bundle is cut off: send it whole")
        (size,) = struct.unpack_from(">i", packet, at)
        at += 4
        if size <= 0 or size % 4 or at + size > len(packet):
            raise error(101, "an element of the bundle has a wrong size: send it whole")
        element = packet[at : at + size]
        at += size
        if element.startswith(b"#bundle\0"):
            yield from _bundle(element, now, depth + 1)
        else:
            yield delay, _message(element)


def _merge(timed: Iterator[tuple[float, Message]]) -> list[Group]:
    """Join neighbours with the same time into one group."""
    return [
        Group(tuple(message for _, message in same), delay)
        for delay, same in itertools.groupby(timed, key=lambda pair: pair[0])
    ]


def _delay(tag: int, now: float) -> float:
    """Seconds until a time tag; past, immediate or more than a minute ahead all mean now."""
    if tag == _IMMEDIATELY:
        return 0.0
    ahead = (tag >> 32) - _NTP_TO_UNIX + (tag & 0xFFFFFFFF) / 2**32 - now
    return ahead if 0 < ahead <= _AHEAD_S else 0.0


def _message(packet: bytes) -> Message:
    if not packet.startswith(b"/") or len(packet) % 4:
        raise error(101, "not an OSC packet: send OSC 1.0 messages or bundles")
    try:
        _check_tags(packet)
        message = OscMessage(packet)
    except PunchinError:
        raise
    except Exception:  # its parser lets through whatever a hostile packet brings out of it
        raise error(
            101, "the OSC message is damaged: check the type tags and the padding"
        ) from None
    return message.address, list(message.params)


def _check_tags(packet: bytes) -> None:
    """Refuse what no command takes: endless tag strings, blobs, arrays, and unknown tags.

    python-osc would write a log line for each unknown tag and read blobs of negative size.
    """
    at = packet.index(0) // 4 * 4 + 4
    if at >= len(packet):
        return
    tags = packet[at : packet.index(0, at)]
    if len(tags) > _ARGUMENTS + 1:
        raise error(101, f"over {_ARGUMENTS:,} arguments: send fewer")
    if not _TAGS.fullmatch(tags):
        raise error(101, "type tags that no command takes: send i, h, f, d, s, T or F")


# -- writing -------------------------------------------------------------------------------------


def encode(address: str, args: Sequence[Any], tags: str = "") -> bytes:
    """Return one message as bytes. `tags`: OSC type tags, else chosen by Python type.

    Texts lose what OSC can't carry (NUL, lone surrogates). Raises 101 for a value that no tag fits.
    """
    builder = OscMessageBuilder(address=_sendable(address))
    try:
        for i, value in enumerate(args):
            value = _sendable(value) if isinstance(value, str) else value
            builder.add_arg(value, tags[i] if i < len(tags) else _tag(value))
        return bytes(builder.build().dgram)
    except (BuildError, ValueError, OverflowError, struct.error):
        raise error(101, f"an argument of {address[:80]} can't be sent: check its range") from None


def _sendable(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def encode_bundle(messages: Sequence[bytes], tag: int = _IMMEDIATELY) -> bytes:
    """Return one bundle of coded messages."""
    body = b"".join(struct.pack(">i", len(m)) + m for m in messages)
    return b"#bundle\0" + struct.pack(">Q", tag) + body


def _tag(value: Any) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int):
        return "i" if -(2**31) <= value < 2**31 else "h"
    if isinstance(value, float):
        return "d"
    if isinstance(value, str):
        return "s"
    raise error(101, f"{type(value).__name__} can't be sent: use numbers and texts")


def parts(name: str, text: str, most: int = DATAGRAM - 512) -> Iterator[Message]:
    """Cut a long text into `/punchin/part` messages of at most `most` bytes of it.

    Cuts lie between UTF-8 characters; an empty text is one empty part.
    """
    data = text.encode("utf-8", "replace")
    cuts = [0]
    while cuts[-1] < len(data):
        end = min(cuts[-1] + most, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        cuts.append(end)
    cuts = cuts if data else [0, 0]
    for i, (a, b) in enumerate(itertools.pairwise(cuts)):
        yield "/punchin/part", [name, i, len(cuts) - 1, data[a:b].decode("utf-8")]
