"""Drives a session over a blocking socket: send, wait, take what arrives, connect again.

Threads: any thread may ask and wait. `guard` is held while the session or the socket's sending
side is touched, `_reading` while one thread waits for the daemon; callbacks run on that thread,
without `guard`, and may use the client again.
"""

from __future__ import annotations

import contextlib
import selectors
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bridge.client.endpoint import START, connect, endpoint
from bridge.client.query import Query
from bridge.client.session import Heard, Session
from bridge.client.values import Event, NoDaemon, Progress
from bridge.protocol.errors import PunchinError

OnEvent = Callable[[Event], None] | None
SLICE_S = 0.1
TRY_AGAIN_S = 0.2
# With no job under way there is nothing to rescue by waiting for a restart.
IDLE_PATIENCE_S = 2.0


class Link:
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
        self.guard = threading.RLock()
        self._reading = threading.RLock()
        self._lost_s: float | None = None
        self._closed = False
        self._open()

    # -- the socket ------------------------------------------------------------------------------

    def _open(self) -> None:
        self._where = endpoint(*self._wanted)
        self._socket = connect(self._where, self.session.stream, self.timeout_s)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)

    def close(self) -> None:
        """Close the connection for good; jobs go on."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        self._selector.close()
        self._socket.close()

    def flush(self) -> None:
        """Send what the session wants sent. Raises NoDaemon."""
        if self._closed:
            raise NoDaemon("this client is closed: make a new one")
        with self.guard:
            try:
                for packet in self.session.outgoing():
                    self._socket.sendall(packet)
            except OSError:
                self._again()

    def _again(self) -> None:
        """Connect anew and ask again for all that is under way. Raises NoDaemon in the end."""
        with self.guard:
            self._drop()
            self.session.lost()
            first = self._lost_s is None
            self._lost_s = time.monotonic() if self._lost_s is None else self._lost_s
            while not self._reopened(first):
                first = False
            self.session.reconnected()

    def _reopened(self, at_once: bool) -> bool:
        if time.monotonic() - (self._lost_s or 0.0) > self._patience_s():
            self._lost_s = None
            raise NoDaemon(gone(self._where, [f.id for f in self.session.flights]))
        if not at_once:
            time.sleep(TRY_AGAIN_S)
        with contextlib.suppress(NoDaemon):
            self._open()
            return True
        return False

    def _patience_s(self) -> float:
        return min(
            self._reconnect_s, self._reconnect_s if self.session.flights else IDLE_PATIENCE_S
        )

    # -- waiting ---------------------------------------------------------------------------------

    def until(self, ready: Callable[[], bool], timeout_s: float | None) -> bool:
        """Take what arrives until `ready()` or the time is over; return whether it is ready."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        self.flush()
        while not ready():
            left = SLICE_S if end is None else end - time.monotonic()
            if left <= 0:
                return False
            # Short slices, so that other threads and Ctrl-C on Windows are served.
            if self._reading.acquire(timeout=min(left, SLICE_S)):
                try:
                    if not ready():
                        self._step(min(left, SLICE_S))
                finally:
                    self._reading.release()
        return True

    def poll(self) -> None:
        """Take what has arrived, without waiting."""
        self.flush()
        with self._reading:
            self._step(0.0)

    def _step(self, wait_s: float) -> None:
        try:
            arrived = self._socket.recv(1 << 16) if self._selector.select(wait_s) else None
            if arrived == b"" and self.session.stream:
                raise ConnectionResetError
        except (
            OSError,
            ValueError,
        ):  # ValueError: the selector was closed when the daemon was lost
            self._again()
            arrived = None
        with self.guard:
            self.session.tick()
            heard = self._receive(arrived) if arrived else []
            self.flush()
        deliver(heard, self.on_event)

    def _receive(self, data: bytes) -> list[Heard]:
        self._lost_s = None
        try:
            return self.session.receive(data)
        except PunchinError as e:
            raise NoDaemon(no_punchin(self._where, e)) from None

    def answer(self, query: Query, timeout_s: float | None) -> Sequence[Any]:
        """Wait for a query's reply. Raises its error, TimeoutError, NoDaemon."""
        if not self.until(lambda: query.done, timeout_s):
            with self.guard:
                self.session.give_up(query)
            raise TimeoutError(silent(self._where, timeout_s))
        return query.outcome()


def deliver(heard: Sequence[Heard], on_event: OnEvent) -> None:
    """Hand progress to the jobs' callbacks, and every event to the client's."""
    for event, flights in heard:
        for flight in flights:
            if flight.on_progress and event.name == "progress":
                flight.on_progress(Progress(*event.args[1:4]))
        if on_event:
            on_event(event)


def silent(where: tuple[str, int], timeout_s: float | None) -> str:
    """Return the message for a daemon that takes connections and says nothing."""
    return (
        f"the daemon at {where[0]}:{where[1]} did not answer within {timeout_s:g} s: "
        "look into its log, or end it and start it with punchin start"
    )


def no_punchin(where: tuple[str, int], reason: PunchinError) -> str:
    """Return the message for a port where something else listens."""
    return f"what answers at {where[0]}:{where[1]} is no Punchin ({reason}): give another port"


def gone(where: tuple[str, int], ids: Sequence[str]) -> str:
    """Return the message for a daemon that is lost; `ids`: jobs under way."""
    kept = f" (its queue is kept; ask later with punchin job {ids[0]})" if ids else ""
    return f"the daemon at {where[0]}:{where[1]} is gone: {START}{kept}"
