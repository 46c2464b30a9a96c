"""MIDI time code: quarter frames and full frames as seconds.

Sources: MIDI Time Code, MMA RP-004/RP-008. Eight quarter frames carry one time; the first of them
is sent at the moment they name, so that the eighth comes 7/4 frames later. Drop-frame counting
leaves out frames 0 and 1 of each minute but the tenth ones.
"""

from __future__ import annotations

# By the two rate bits: frames counted in a second, real frames per second, drop-frame.
_RATES = ((24, 24.0, False), (25, 25.0, False), (30, 30000 / 1001, True), (30, 30.0, False))
_PIECES = 8


def seconds(hours: int, minutes: int, second: int, frames: int) -> float | None:
    """Return a time in seconds; the rate bits lie in `hours`. None for a time that can't be."""
    rate_bits, hour = (hours >> 5) & 3, hours & 0x1F
    counted, rate, drops = _RATES[rate_bits]
    if hour > 23 or minutes > 59 or second > 59 or frames >= counted:
        return None
    number = ((hour * 60 + minutes) * 60 + second) * counted + frames
    if drops:
        whole_minutes = hour * 60 + minutes
        number -= 2 * (whole_minutes - whole_minutes // 10)
    return number / rate


class QuarterFrames:
    """Puts eight quarter frames together. Only a whole run 0…7 counts; a gap begins anew."""

    def __init__(self) -> None:
        self._nibbles: list[int] = []

    def feed(self, data: int) -> float | None:
        """Take the data byte of an F1 message; return the position (s) now, on every eighth."""
        piece, nibble = data >> 4 & 7, data & 0x0F
        if piece != len(self._nibbles):
            self._nibbles = []
        if piece != len(self._nibbles):
            return None
        self._nibbles.append(nibble)
        if len(self._nibbles) < _PIECES:
            return None
        n, self._nibbles = self._nibbles, []
        hours = n[6] | n[7] << 4
        named = seconds(hours, n[4] | n[5] << 4, n[2] | n[3] << 4, n[0] | n[1] << 4)
        return None if named is None else named + 1.75 / _RATES[(hours >> 5) & 3][1]

    def reset(self) -> None:
        """Forget a run that was begun."""
        self._nibbles = []


def full_frame(message: bytes) -> float | None:
    """Return the position (s) in a full-frame SysEx `F0 7F dev 01 01 hh mm ss ff F7`."""
    if len(message) == 10 and message[1] == 0x7F and message[3:5] == b"\x01\x01":
        return seconds(*message[5:9])
    return None


def machine_control(message: bytes) -> tuple[str, float] | None:
    """Return what an MMC SysEx orders: `playing` 1 or 0, or `seconds` to go to; else None.

    Stop, play, deferred play, record strobe and exit, pause, locate to a target (MMA RP-013).
    """
    if len(message) < 6 or message[1] != 0x7F or message[3] != 0x06:
        return None
    order = message[4]
    if order in (0x02, 0x03, 0x06):
        return "playing", 1.0
    if order in (0x01, 0x09):
        return "playing", 0.0
    if order == 0x44 and len(message) >= 12 and message[5] == 6 and message[6] == 1:
        place = seconds(*message[7:11])
        return None if place is None else ("seconds", place)
    return None
