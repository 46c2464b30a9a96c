"""A part of a job that goes on beside another one, on a thread of its own.

NumPy and SciPy let go of the interpreter while they compute: where a processor is free, two parts
that don't need each other take the time of the longer one. Both give what they give one by one.

Threads: the work runs on the one thread that `aside` starts, and has ended when its block has. It
must not touch what the block touches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from daemon.engines.sketch.listen.frames import Check

_CHECKED_S = 0.05
Result = TypeVar("Result")


class _Stopped(Exception):
    """Nobody waits for the work any more."""


@contextmanager
def aside(work: Callable[[Check], Result]) -> Iterator[Callable[[Check], Result]]:
    """Begin `work`, and yield what waits for its result or raises what it raised.

    `work` is given its own check, which stops it where the block ends early; who waits gives the
    job's.
    """
    stopped = threading.Event()

    def stop() -> None:
        if stopped.is_set():
            raise _Stopped

    with ThreadPoolExecutor(1, "aside") as pool:
        future = pool.submit(work, stop)

        def result(check: Check) -> Result:
            while not wait([future], _CHECKED_S).done:
                check()
            return future.result()

        try:
            yield result
        finally:
            stopped.set()
