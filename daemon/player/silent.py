"""An output without a device: pulls in time with the computer's clock, and nothing is heard.

It serves machines without sound, where a DAW only watches the position, and tests.

Threads: one of its own between `open` and `close`.
"""

from __future__ import annotations

import threading
import time

from daemon.player.outputs.base import (
    CLOSED,
    Clock,
    Format,
    Health,
    Idle,
    Pulse,
    Render,
    Start,
    never,
    next_block,
)

NAME = "none"
_BLOCK_S = 0.010


class SilentOutput:
    """See `daemon.player.outputs.base.Output`."""

    name = "preview"

    def __init__(self, rate: int, channels: int = 2) -> None:
        block = round(_BLOCK_S * rate)
        self._format = Format(rate, channels, 0.0, block, device=NAME)
        self._pulse: Pulse | None = None
        self.idle: Idle = never
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, start: Start) -> Format:
        """Begin to pull."""
        self._pulse, self._end = Pulse(), threading.Event()
        run = (start(self._format), self._pulse, self._end)
        self._thread = threading.Thread(target=self._pull, args=run, name="silent", daemon=True)
        self._thread.start()
        return self._format

    def _pull(self, render: Render, pulse: Pulse, end: threading.Event) -> None:
        block, due = self._format.block, time.monotonic()
        while not end.wait(max(0.0, due - time.monotonic())):
            pulse.clock = Clock(pulse.frames, due)
            next_block(render, block, self._format.channels)
            pulse.beat(block)
            due = max(due + block / self._format.rate, time.monotonic() - 1.0)

    def close(self) -> None:
        """Stop pulling."""
        self._end.set()
        if self._thread:
            self._thread.join(1.0)
        self._pulse = None

    def health(self) -> Health:
        """Return how it is."""
        return self._pulse.health() if self._pulse else CLOSED

    def clock(self) -> Clock | None:
        """Return which frame would be heard when."""
        return self._pulse.clock if self._pulse else None
