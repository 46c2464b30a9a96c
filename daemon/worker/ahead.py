"""What a worker does while nobody waits for it: prepare what was selected, and the engine's own.

Frames are the source's unless a name says `engine`.

Threads: the worker's main thread.
"""

from __future__ import annotations

from collections.abc import Callable

from daemon.core.planner import Work, settle
from daemon.engines.base import Ahead, Cancelled, Chunk
from daemon.worker.asking import grid_of, origin_cut, place_of, request_for, window_to_hear
from daemon.worker.clip import Shelf, origin_of


class QuietPort:
    """A port that tells nobody anything and gives way once something is `wanted`."""

    def __init__(self, wanted: Callable[[], bool]) -> None:
        self._wanted = wanted

    def check(self) -> None:
        """Raise Cancelled if something else is to be done."""
        if self._wanted():
            raise Cancelled

    def progress(self, fraction: float, stage: str) -> None:
        """Give way as `check` does."""
        self.check()

    def emit(self, chunk: Chunk) -> None:
        """Give way as `check` does."""
        self.check()


def prepare(engine: Ahead, work: Work, port: QuietPort, clips: Shelf) -> None:
    """Go as far as a job goes before anything is made. Raises PunchinError, Cancelled."""
    facts = engine.capabilities()
    port.check()
    if work.stretch or work.op not in facts.prepares:
        return
    window = window_to_hear(work, facts)
    clip = clips.hear(engine, work, window, port.check)
    port.check()
    grid, sure = grid_of(engine, work, clip, port)
    work = settle(work, grid)
    place = place_of(work, grid, facts)
    if place.window != window:
        clip = clips.hear(engine, work, place.window, port.check)
    origin = origin_of(engine, work, clip, origin_cut(work, facts), port.check)
    engine.prepare(request_for(engine, work, clip, place, grid, sure, 1, origin), port)
