"""Listeners: where the house's messages leave as packets.

Over UDP no datagram exceeds 8,000 bytes: a long JSON reply goes in parts, a long `done` names its
job file, and of an endless path in a message the middle is left out. A TCP client that does not
read is closed once 8 MiB wait for it.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from bridge.protocol.commands import EVENT
from bridge.protocol.framing import Framer
from bridge.protocol.packets import DATAGRAM, encode, parts

_MOST_WAITING = 8 << 20
_SHOWN = 300  # characters at each end of a text that is too long
_TAGS = {row.address: "".join(a.kind.osc for a in row.args) for row in EVENT.values()}
_log = logging.getLogger("punchin.dump")


def coded(address: str, args: tuple[Any, ...]) -> bytes:
    """Return one of our messages as a packet, with the types of the event table."""
    return encode(address, args, _TAGS[address])


def _shortened(value: Any) -> Any:
    """Leave out the middle of a text that no datagram could hold; its end says what to do."""
    if not isinstance(value, str) or len(value) <= 2 * _SHOWN:
        return value
    return f"{value[:_SHOWN]}…{value[-_SHOWN:]}"


@dataclass
class Wire:
    """What all listeners share: whether messages are logged."""

    dumping: Callable[[], bool] = lambda: False

    def log(self, key: Hashable, address: str, args: tuple[Any, ...]) -> None:
        """Log a message that leaves, if `/punchin/dump` asks for it."""
        if self.dumping():
            _log.info("out %s %s %.500r", key, address, args)


@dataclass(frozen=True)
class UdpListener:
    """A client's UDP address. Packets that the system can't take are lost, as UDP may."""

    transport: asyncio.DatagramTransport
    address: tuple[str, int]
    wire: Wire
    leased: bool = True

    @property
    def key(self) -> Hashable:
        """The address is the client."""
        return ("udp", *self.address[:2])

    def send(self, address: str, *args: Any, instead: tuple[Any, ...] | None = None) -> None:
        """Send one message in datagrams of at most 8,000 bytes."""
        self.wire.log(self.key, address, args)
        packet = coded(address, args)
        if len(packet) <= DATAGRAM:
            self._put(packet)
        elif instead is not None:
            self._put(coded(address, instead))
        elif address.endswith(".reply"):
            for name, values in parts(address, str(args[-1])):
                self._put(coded(name, tuple(values)))
        else:
            self._put(coded(address, tuple(map(_shortened, args))))

    def _put(self, packet: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.sendto(packet, self.address)


@dataclass(frozen=True)
class TcpListener:
    """A client's TCP connection."""

    transport: asyncio.Transport
    framer: Framer
    number: int
    wire: Wire
    leased: bool = False

    @property
    def key(self) -> Hashable:
        """The connection is the client."""
        return ("tcp", self.number)

    def send(self, address: str, *args: Any, instead: tuple[Any, ...] | None = None) -> None:
        """Send one message whole, framed as this client frames its own."""
        self.wire.log(self.key, address, args)
        if self.transport.is_closing():
            return
        self.transport.write(self.framer.frame(coded(address, args)))
        if self.transport.get_write_buffer_size() > _MOST_WAITING:
            self.transport.abort()
