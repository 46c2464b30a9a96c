"""Keeps an input on JACK from being blocked by a SysEx that never ends.

RtMidi (6.0, `MidiInJack`) takes all that follows such a SysEx for the rest of it, clock too, and
hands out nothing before an end (F7) comes. So an output of our own, connected to the input, sends
an end whenever nothing was heard for 50 ms. That it comes back tells that the server lives.

Threads: one at a time, as for the ports.
"""

from __future__ import annotations

import math
from typing import Any

from bridge.midi import backends
from bridge.midi.backends import Place

END = b"\xf7"
_QUIET_S = 0.05
_AGAIN_S = 1.0  # until the next one, when the last did not come back


class Unblocker:
    """An output to one input of ours. Made before that input is opened. Raises 403."""

    def __init__(self) -> None:
        self._client: Any = backends.client("jack", "out")
        self._before = set(self._client.get_ports())
        self._sent_s, self._is_back = -math.inf, True

    def connect(self) -> None:
        """Connect to the input that is new by now. Raises 403."""
        new = [n for n in self._client.get_ports() if n not in self._before]
        mine = [n for n in new if n.startswith(backends.CLIENT)]
        if mine:
            backends.open_port(self._client, Place("jack", "out", mine[0]), "unblock")

    def keep(self, now_s: float, heard_s: float) -> None:
        """Send an end if it is time; the input was last heard at `heard_s`."""
        wait_s = _QUIET_S if self._is_back else _AGAIN_S
        if now_s - heard_s > _QUIET_S and now_s - self._sent_s > wait_s:
            self._sent_s, self._is_back = now_s, False
            self._client.send_message(list(END))

    def heard(self) -> None:
        """Take that something has come in."""
        self._is_back = True

    def close(self) -> None:
        """Give the client back."""
        self._client.delete()
