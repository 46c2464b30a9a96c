"""Jobs on the worker's own road: planned, heard, run, spliced, sent; a stop-watch on each part.

`Bench` holds one engine over random weights in this process. Times are seconds from the request on,
the reading of the file (and its way to the engine's rate) left out and told apart.

Threads: one.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.audio.probe import probe
from daemon.core.planner import Work, plan
from daemon.engines.acestep import AceStepEngine
from daemon.engines.acestep.session import Session
from daemon.engines.base import Cancelled, Chunk
from daemon.worker.ahead import QuietPort, prepare
from daemon.worker.clip import Clip, Shelf
from daemon.worker.perform import perform
from daemon.worker.port import JobPort

RATE = 48_000
Clock = Callable[[], float]


@dataclass(frozen=True)
class Times:
    """Of one job, in seconds: until the first chunk, until each take was whole, and the file's.

    The first chunk may be provisional: one that a correction of the whole may still change.
    """

    first_s: float
    takes_s: tuple[float, ...]
    file_s: float

    @property
    def whole_s(self) -> float:
        """Until the last take was whole."""
        return self.takes_s[-1]


class Engine(AceStepEngine):
    """The engine over a session that is open already."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session


class Bench:
    """One engine, and what runs jobs on it."""

    def __init__(self, session: Session, clock: Clock = time.perf_counter) -> None:
        self.session, self._clock = session, clock
        self.engine = Engine(session)

    def work(self, op: str, source: str, **keys: Any) -> Work:
        """Return the work of a job that tells tempo and bars, so that nothing is listened for."""
        told = {"seed": 1, "bpm": 120.0, "meter": "4/4", "downbeat": 0.0}
        return plan(op, {**told, **keys}, probe(source), RATE)

    def run(self, work: Work) -> Times:
        """Run a job; what it makes goes nowhere."""
        watch = _Watch(self._clock)
        perform(self.engine, work, 1, watch.port(), watch)
        return watch.times()

    def prepare(self, work: Work) -> None:
        """Prepare a job, as on a selection."""
        prepare(self.engine, work, QuietPort(lambda: False), Shelf())

    def idle(self, steps: int | None = None) -> None:
        """Let the engine use spare time: until it has nothing to do, or for `steps` checks."""
        left = iter(range(steps or 0))
        with contextlib.suppress(Cancelled):
            self.engine.idle(QuietPort(lambda: steps is not None and next(left, None) is None))


class _Watch(Shelf):
    """A channel that notes when what arrives, and a shelf that notes how long files take."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._began = clock()
        self._files_s = 0.0
        self._first_s = 0.0
        self._takes_s: list[float] = []

    def port(self) -> JobPort:
        """Return the port of a job whose chunks and takes are timed."""
        port = JobPort(self, threading.Event())  # type: ignore[arg-type]
        inner = port.emit

        def emit(chunk: Chunk) -> None:
            self._first_s = self._first_s or self._now_s()
            inner(chunk)

        port.emit = emit  # type: ignore[method-assign]
        return port

    def send(self, header: Mapping[str, Any], payload: bytes | memoryview = b"") -> None:
        """Take a frame."""
        if header["kind"] == "take":
            self._takes_s.append(self._now_s())

    def times(self) -> Times:
        """Return what was measured."""
        return Times(self._first_s, tuple(self._takes_s), self._files_s)

    def hear(self, *window: Any) -> Clip:
        """Hear a window of a file; its time is told apart."""
        began = self._clock()
        clip = super().hear(*window)
        self._files_s += self._clock() - began
        return clip

    def _now_s(self) -> float:
        return self._clock() - self._began - self._files_s
