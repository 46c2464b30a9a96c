"""The loader: brings samples of programmes into memory, nearest to the play head first.

Threads: one of its own. It works in blocks and lets go between them, so that it never holds the
interpreter while an audio thread wants it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from bridge.protocol.errors import PunchinError
from daemon.player.program import Program

_PAUSE_S = 0.002
_LOOK_S, _AGAIN_S = 0.02, 0.2
_log = logging.getLogger("punchin.player")


class Loader:
    """Loads what is wanted. `trouble` is told of files that can't be read."""

    def __init__(self, trouble: Callable[[PunchinError], None]) -> None:
        self._trouble = trouble
        self._wanted: list[tuple[Program, float]] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._look_until_s = 0.0
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)
        self._thread.start()

    def want(self, program: Program, frame: int) -> None:
        """Load a programme before all others, from `frame` on."""
        with self._lock:
            rest = [w for w in self._wanted if w[0] is not program]
            self._wanted = [(program, frame / program.rate), *rest[:7]]
        self._wake.set()

    def nudge(self) -> None:
        """Look again, and for a moment longer: a running job has made more.

        Stems of it may be ready only a moment after their last chunk; see `Stack`.
        """
        self._look_until_s = time.monotonic() + _AGAIN_S
        self._wake.set()

    def close(self) -> None:
        """End the thread."""
        self._ended = True
        self._wake.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._ended:
            self._wake.clear()
            if self._work():
                self._wake.wait(_PAUSE_S)
            else:
                self._wake.wait(_LOOK_S if time.monotonic() < self._look_until_s else None)

    def _work(self) -> bool:
        """Load one block of every part of the first programme that lacks any."""
        with self._lock:
            wanted = list(self._wanted)
        for program, at_s in wanted:
            try:
                # Every part, not just the first that has something to do.
                if sum(load(at_s) for load in program.load):
                    return True
                if program.live:
                    continue  # more of it will come
            except PunchinError as problem:
                self._trouble(problem)
            except Exception:
                _log.exception("a block of %s could not be loaded", program.id)
            self._forget(program)
        return False

    def _forget(self, program: Program) -> None:
        with self._lock:
            self._wanted = [w for w in self._wanted if w[0] is not program]
