"""A stream of MIDI bytes cut into whole messages.

Follows the MIDI 1.0 specification where mido's parser doesn't: running status is kept, and
real-time bytes may stand anywhere, also inside another message. A SysEx that a status byte
interrupts was truncated and is dropped; one over `SYSEX_MOST` bytes is skipped to its end. Never
raises.
"""

from __future__ import annotations

from collections.abc import Iterable

SYSEX_MOST = 4096
_SYSEX, _SYSEX_END, _REAL_TIME = 0xF0, 0xF7, 0xF8
# Data bytes after a status: of channel messages by their high nibble, of system messages by status.
_CHANNEL_DATA = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
_SYSTEM_DATA = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0}
_UNDEFINED_REAL_TIME = (0xF9, 0xFD)


class Stream:
    """The state of one port: feed it bytes in any portions, get whole messages."""

    def __init__(self) -> None:
        self._status = 0  # 0: bytes are skipped until the next status
        self._missing = 0
        self._bytes = bytearray()

    def feed(self, data: Iterable[int]) -> list[bytes]:
        """Return the messages that `data` (values 0…255) completes, each with its status byte."""
        whole: list[bytes] = []
        for byte in data:
            if byte < 0x80:
                self._data(byte, whole)
            elif byte < _REAL_TIME:
                self._new_status(byte, whole)
            elif byte not in _UNDEFINED_REAL_TIME:
                whole.append(bytes((byte,)))
        return whole

    def _new_status(self, byte: int, whole: list[bytes]) -> None:
        if byte == _SYSEX_END:
            if self._status == _SYSEX and self._bytes:
                whole.append(bytes((*self._bytes, byte)))
            self._begin(0, 0)
        elif byte == _SYSEX:
            self._begin(_SYSEX, -1)
        elif byte < _SYSEX:
            self._begin(byte, _CHANNEL_DATA[byte >> 4])
        elif not _SYSTEM_DATA.get(byte, 1):
            whole.append(bytes((byte,)))
            self._begin(0, 0)
        else:
            self._begin(byte if byte in _SYSTEM_DATA else 0, _SYSTEM_DATA.get(byte, 0))

    def _begin(self, status: int, missing: int) -> None:
        self._status, self._missing = status, missing
        self._bytes = bytearray((status,)) if status else bytearray()

    def _data(self, byte: int, whole: list[bytes]) -> None:
        if not self._status:
            return
        if self._status == _SYSEX:
            if len(self._bytes) >= SYSEX_MOST:
                self._begin(0, 0)
            else:
                self._bytes.append(byte)
            return
        self._bytes.append(byte)
        self._missing -= 1
        if not self._missing:
            whole.append(bytes(self._bytes))
            # Only channel messages set a running status; system messages end it.
            kept = self._status if self._status < _SYSEX else 0
            self._begin(kept, _CHANNEL_DATA.get(kept >> 4, 0))
