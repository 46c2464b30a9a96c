"""OSC over UDP and TCP on one port.

Packets are read here, so a bundle's time tag, a hostile packet or a slow client never holds up
anybody else. Replies to packets that can't be read are rationed: noise brings no storm.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import time
from collections.abc import Sequence
from typing import Any

from bridge.protocol.errors import PunchinError, error
from bridge.protocol.framing import Framer
from bridge.protocol.packets import Group, decode
from daemon.core.bus import Listener
from daemon.frontends.dispatch import Client, Dispatcher
from daemon.frontends.lane import refuse
from daemon.frontends.listeners import TcpListener, UdpListener, Wire

_RECEIVE_BUFFER = 4 << 20
_NOISE_A_SECOND = 20
_MOST_SCHEDULED = 1000
_BIND_TRIES = 20


class Reader:
    """Turns packets into applied messages."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._scheduled = 0
        self._noise = 0
        self._second = 0

    def packet(self, data: bytes, client: Client) -> None:
        """Apply one packet, or the later parts of it when their time has come."""
        try:
            groups = decode(data)
        except PunchinError as problem:
            if self._may_answer_noise():
                refuse(client.listener, "", problem)
            return
        for group in groups:
            if group.delay_s:
                self._later(group, client)
            else:
                self._dispatcher.apply(group.messages, client)

    def _later(self, group: Group, client: Client) -> None:
        if self._scheduled >= _MOST_SCHEDULED:
            problem = error(109, f"{_MOST_SCHEDULED} bundles wait for their time: send them later")
            refuse(client.listener, "#bundle", problem)
            return
        self._scheduled += 1
        asyncio.get_running_loop().call_later(group.delay_s, self._due, group, client)

    def _due(self, group: Group, client: Client) -> None:
        self._scheduled -= 1
        self._dispatcher.apply(group.messages, client)

    def _may_answer_noise(self) -> bool:
        now = int(time.monotonic())
        if now != self._second:
            self._second, self._noise = now, 0
        self._noise += 1
        return self._noise <= _NOISE_A_SECOND


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, reader: Reader, wire: Wire) -> None:
        self._reader, self._wire = reader, wire
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        assert self._transport is not None
        transport, wire = self._transport, self._wire

        def at_port(port: int) -> Listener:
            return UdpListener(transport, (addr[0], port), wire)

        self._reader.packet(data, Client(UdpListener(transport, addr[:2], wire), at_port))

    def error_received(self, exc: Exception) -> None:
        """A client's port was closed; the lease ends what was left of it."""


class _Tcp(asyncio.Protocol):
    def __init__(self, server: OscServer) -> None:
        self._server = server
        self._framer = Framer()
        self._client: Client | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        number = next(self._server.numbers)
        listener = TcpListener(transport, self._framer, number, self._server.wire)
        self._client = Client(listener)
        self._server.connections.add(transport)

    def data_received(self, data: bytes) -> None:
        assert self._client is not None
        try:
            while packets := self._framer.feed(data):
                data = b""  # once more with nothing: a frame that is too large is told last
                for packet in packets:
                    self._server.reader.packet(packet, self._client)
        except PunchinError as problem:
            refuse(self._client.listener, "", problem)
            assert self._transport is not None
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        assert self._client is not None
        self._server.connections.discard(self._transport)
        self._server.forget(self._client)


class OscServer:
    """Both endpoints; `port` is known once `open` has returned."""

    def __init__(self, dispatcher: Dispatcher, wire: Wire, forget: Any) -> None:
        self.reader = Reader(dispatcher)
        self.wire = wire
        self.numbers = itertools.count(1)
        self.connections: set[Any] = set()
        self.port = 0
        self._forget = forget
        self._closers: list[Any] = []

    async def open(self, host: str, port: int) -> None:
        """Bind UDP and TCP to the same port, 0 for a free one. Raises OSError."""
        loop = asyncio.get_running_loop()
        udp, tcp = _bind(host, port)
        self.port = udp.getsockname()[1]
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Udp(self.reader, self.wire), sock=udp
        )
        server = await loop.create_server(lambda: _Tcp(self), sock=tcp, backlog=128)
        self._closers = [server, transport]

    def forget(self, client: Client) -> None:
        """Drop a closed connection's subscriptions; its jobs go on."""
        self._forget(client.key)

    async def close(self) -> None:
        """Stop listening and let go of all connections, once what was sent is out."""
        for closer in self._closers:
            closer.close()
        for connection in list(self.connections):
            connection.close()
        for _ in range(20):
            if not self.connections:
                break
            await asyncio.sleep(0.01)


def _bind(host: str, port: int) -> Sequence[socket.socket]:
    """Return a UDP and a TCP socket on one port; a free pair is looked for when `port` is 0."""
    for attempt in range(_BIND_TRIES):
        with contextlib.ExitStack() as undo:
            tcp = undo.enter_context(_socket(host, socket.SOCK_STREAM, port))
            try:
                udp = undo.enter_context(_socket(host, socket.SOCK_DGRAM, tcp.getsockname()[1]))
            except OSError:
                if port or attempt == _BIND_TRIES - 1:
                    raise
                continue
            undo.pop_all()
            return udp, tcp
    raise AssertionError


def _socket(host: str, kind: int, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM and hasattr(socket, "SO_REUSEPORT"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if kind == socket.SOCK_DGRAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        made.bind((host, port))
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made
