"""Drives a session on an asyncio loop: send, wait, take what arrives, connect again.

Threads: everything happens on the loop's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bridge.client.endpoint import endpoint
from bridge.client.link import (
    IDLE_PATIENCE_S,
    TRY_AGAIN_S,
    OnEvent,
    deliver,
    gone,
    no_punchin,
    silent,
)
from bridge.client.query import Query
from bridge.client.session import Session
from bridge.client.values import NoDaemon
from bridge.protocol.errors import PunchinError

_TICK_S = 0.5


class AsyncLink(asyncio.Protocol, asyncio.DatagramProtocol):
    """One connection and its session; connects again for up to `reconnect_s` when it is lost."""

    def __init__(
        self,
        host: str | None,
        port: int | None,
        stream: bool,
        home: Path | None,
        timeout_s: float,
        reconnect_s: float,
    ) -> None:
        self._wanted = (host, port, home)
        self.timeout_s = timeout_s
        self._reconnect_s = reconnect_s
        self.session = Session(stream)
        self.on_event: OnEvent = None
        self._where = ("", 0)
        self._transport: Any = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: NoDaemon | None = None
        self._lost_s: float | None = None
        self._closed = False

    async def open(self) -> None:
        """Connect. Raises NoDaemon."""
        await self._connect()
        if not self.session.stream:
            self._spawn(self._ticking())

    async def _connect(self) -> None:
        self._where = host, port = endpoint(*self._wanted)
        loop = asyncio.get_running_loop()
        try:
            if self.session.stream:
                await loop.create_connection(lambda: self, host, port)
            else:
                await loop.create_datagram_endpoint(lambda: self, remote_addr=(host, port))
        except OSError:
            raise NoDaemon(gone(self._where, ())) from None

    def close(self) -> None:
        """Close the connection for good; jobs go on."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        if self._transport:
            self._transport.close()
        self._wake()

    # -- what asyncio calls ----------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take bytes of the stream, or a datagram."""
        self._failure = self._lost_s = None
        try:
            heard = self.session.receive(data)
        except PunchinError as e:
            self._failure = NoDaemon(no_punchin(self._where, e))
            self._wake()
            return
        # Later, so that an exception in a callback does not end the connection.
        asyncio.get_running_loop().call_soon(deliver, heard, self.on_event)
        self.flush()
        self._wake()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Take one datagram."""
        self.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Connect again."""
        self._transport = None
        if not self._closed and not self._failure:
            self.session.lost()
            self._spawn(self._again())
        self._wake()

    def error_received(self, exc: Exception) -> None:
        """Nobody listens at the daemon's UDP port: find the daemon again."""
        if self._transport:
            self._transport.close()

    # -- sending and waiting ---------------------------------------------------------------------

    def flush(self) -> None:
        """Send what the session wants sent; without a connection it is sent after the next one."""
        if not self._transport:
            return
        for packet in self.session.outgoing():
            if self.session.stream:
                self._transport.write(packet)
            else:
                self._transport.sendto(packet)

    async def until(self, ready: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until `ready()` or the time is over; return whether it is ready."""
        if self._failure and not self._transport:
            self._failure = self._lost_s = None
            self._spawn(self._again())
        self.flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not ready():
                    await self._change()
        return ready()

    async def answer(self, query: Query, timeout_s: float | None) -> Sequence[Any]:
        """Wait for a query's reply. Raises its error, TimeoutError, NoDaemon."""
        if not await self.until(lambda: query.done, timeout_s):
            self.session.give_up(query)
            raise TimeoutError(silent(self._where, timeout_s))
        return query.outcome()

    async def _change(self) -> None:
        if self._closed:
            raise NoDaemon("this client is closed: make a new one")
        if self._failure:
            raise self._failure
        change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(change)
        try:
            await change
        finally:
            self._waiting.discard(change)

    def _wake(self) -> None:
        for change in self._waiting:
            if not change.done():
                change.set_result(None)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ticking(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self.session.tick()
            self.flush()

    async def _again(self) -> None:
        first, self._lost_s = self._lost_s is None, self._lost_s or time.monotonic()
        while time.monotonic() - self._lost_s <= self._patience_s():
            if not first:
                await asyncio.sleep(TRY_AGAIN_S)
            first = False
            with contextlib.suppress(NoDaemon):
                await self._connect()
                self.session.reconnected()
                self.flush()
                return
        self._failure = NoDaemon(gone(self._where, [f.id for f in self.session.flights]))
        self._wake()

    def _patience_s(self) -> float:
        return min(
            self._reconnect_s, self._reconnect_s if self.session.flights else IDLE_PATIENCE_S
        )
