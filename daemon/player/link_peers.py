"""Whether any program on the network is in an Ableton Link session, found out by listening alone.

Every member of a session sends a packet to Link's multicast group four times a second: eight bytes
of name and version, then its kind, of which 1 says that the member is there (Ableton/link,
`discovery/v1/Messages.hpp`). Of two sessions that meet, the older one's tempo holds. So Punchin
joins only one that is already there, and the DAW's tempo stays the DAW's.

Threads: the one that made it.
"""

from __future__ import annotations

import contextlib
import math
import socket
import time

PORT = 20808
_GROUP = "224.76.78.75"
_HERE = b"_asdp_v\x01\x01"
_LOOPBACK, _ANY = "127.0.0.1", "0.0.0.0"
_KNOWN_S = 1.0
_MOST_BYTES = 512


class Peers:
    """Listens for members of a session. Raises OSError when the port can't be shared."""

    def __init__(self) -> None:
        self._first_s = math.inf
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(AttributeError, OSError):  # Windows has no such option
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.setblocking(False)
        self._socket.bind((_ANY, PORT))
        for interface in (_ANY, _LOOPBACK):
            with contextlib.suppress(OSError):  # no network, or no multicast on it
                group = socket.inet_aton(_GROUP) + socket.inet_aton(interface)
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)

    def close(self) -> None:
        """Listen no longer."""
        self._socket.close()

    def heard(self) -> bool:
        """Return whether a member has said that it is there since the last call."""
        found = False
        with contextlib.suppress(BlockingIOError):
            while True:
                found |= self._socket.recv(_MOST_BYTES).startswith(_HERE)
        return found

    def here(self) -> bool:
        """Return whether a member has been heard for a second, long enough to be the older one."""
        heard = self.heard()
        if heard:
            self._first_s = min(self._first_s, time.monotonic())
        return heard and time.monotonic() - self._first_s >= _KNOWN_S
