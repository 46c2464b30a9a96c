"""What a control did: channel messages as events.

Channels count from 1, as on the front of devices. Values: notes and controllers 0…127, pitch
0…16383 with 8192 at rest; a program is number and value alike, 0…127.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["note", "cc", "program", "pitch"]
KINDS: tuple[Kind, ...] = ("note", "cc", "program", "pitch")
PITCH_REST = 8192


@dataclass(frozen=True)
class Event:
    """One thing that a control did. A note with value 0 was let go; `port` is the input's name."""

    kind: Kind
    channel: int
    number: int
    value: int
    port: str = ""


def event_of(message: bytes, port: str = "") -> Event | None:
    """Return what a channel message says, None for pressure and for system messages."""
    status, channel = message[0] & 0xF0, (message[0] & 0x0F) + 1
    if status == 0x80:
        return Event("note", channel, message[1], 0, port)
    if status == 0x90:
        return Event("note", channel, message[1], message[2], port)
    if status == 0xB0:
        return Event("cc", channel, message[1], message[2], port)
    if status == 0xC0:
        return Event("program", channel, message[1], message[1], port)
    if status == 0xE0:
        return Event("pitch", channel, 0, message[1] | message[2] << 7, port)
    return None


def describe(message: bytes) -> str:
    """Return a message as people read it: `channel 10 note 36 value 127`."""
    event = event_of(message)
    if event is None:
        return message.hex(" ")
    number = f" {event.number}" if event.kind in ("note", "cc") else ""
    return f"channel {event.channel} {event.kind}{number} value {event.value}"
