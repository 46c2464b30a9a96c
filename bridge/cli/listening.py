"""MIDI ports for as long as a command runs."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Iterator
from typing import Any

from bridge.cli import show

_APPEAR_S, _LOOK_S = 2.0, 0.05
Heard = tuple[str, bytes, float]


@contextlib.contextmanager
def opened(ports: Any) -> Iterator[None]:
    """Hold ports open. Raises 403 when the wanted ones don't appear."""
    ports.open()
    try:
        until_s = time.monotonic() + _APPEAR_S
        while not ports.looked_s or (ports.problem() and time.monotonic() < until_s):
            time.sleep(0.01)
        if problem := ports.problem():
            raise problem
        yield
    finally:
        ports.close()


def heard(inputs: list[str] | None, backend: str, ready: str) -> Iterator[Heard | None]:
    """Say `ready`, then yield port, message and time (monotonic); None in every short silence."""
    from bridge.midi.ports import Ports

    waiting: queue.SimpleQueue[Heard] = queue.SimpleQueue()

    def deliver(port: str, messages: list[tuple[bytes, float]]) -> None:
        for message, came_s in messages:
            waiting.put((port, message, came_s))

    with opened(Ports(tuple(inputs or ("",)), (), backend, deliver)):
        show.complain(ready)
        while True:
            try:
                yield waiting.get(timeout=_LOOK_S)
            except queue.Empty:
                yield None
