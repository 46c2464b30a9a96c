"""The next take, made while nobody waits: a later request for it is answered at once.

What is held is what the very same run would hand over, so the samples are the same to the bit.

Threads: the worker's main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np

from bridge.protocol.kinds import SEED_MAX
from daemon.engines.acestep.cache import MIB, Cache, window_key
from daemon.engines.base import Chunk, Port, Request, Result

OPS = frozenset({"repaint", "retake"})
"""After these the same again with the next seed is what is most likely asked for."""


@dataclass(frozen=True, eq=False)
class Foreseen:
    """A take that nobody has asked for yet."""

    chunks: tuple[Chunk, ...]
    result: Result

    def hand_over(self, port: Port) -> Result:
        """Give it to who asks for it now."""
        for number, chunk in enumerate(self.chunks, 1):
            port.emit(chunk)
            port.progress(number / len(self.chunks), "ready")
        return self.result


class Speculation:
    """Takes made ahead, at most `most_bytes` of them."""

    def __init__(self, most_bytes: int = 64 * MIB) -> None:
        self._held: Cache[Foreseen] = Cache(most_bytes)
        self._last: Request | None = None

    def __len__(self) -> int:
        return len(self._held)

    def find(self, request: Request) -> Foreseen | None:
        """Return the take if it was made ahead."""
        return self._held.get(_key(request)) if len(self._held) else None

    def done(self, request: Request) -> None:
        """Note what was asked for last; the next seed of it is what may be asked for next."""
        self._last = request if request.op in OPS else None

    def make_next(self, run: Callable[[Request, Port], Result], port: Port) -> None:
        """Make the take after the last one, unless it is there. Gives way by Cancelled."""
        if self._last is None:
            return
        seed = (self._last.seed + 1) % (SEED_MAX + 1)
        asked = replace(self._last, seed=seed, take=1, later_seeds=())
        if _key(asked) in self._held:
            return
        heard = _Silent(port)
        result = run(asked, heard)
        self._held.put(_key(asked), Foreseen(tuple(heard.chunks), result))

    def clear(self) -> None:
        """Let go of all."""
        self._held.clear()
        self._last = None


class _Silent:
    """A port that keeps the chunks, and gives way as `port` does."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self.chunks: list[Chunk] = []

    def check(self) -> None:
        """See `Port.check`."""
        self._port.check()

    def progress(self, fraction: float, stage: str) -> None:
        """See `Port.progress`."""
        self._port.check()

    def emit(self, chunk: Chunk) -> None:
        """Keep what is final."""
        self._port.check()
        if not chunk.provisional:
            self.chunks.append(chunk)


def _key(request: Request) -> Hashable:
    """Return what tells this take from every other."""
    clip = window_key(np.asarray(request.clip), request.source_mark, request.source_start)
    options = tuple(sorted((name, repr(value)) for name, value in request.options.items()))
    how = (request.op, request.seed, request.key, request.handle, request.spans, request.cut)
    sure = (request.grid, request.grid_told, request.tempo_confidence, request.origin is None)
    return clip, options, how, sure
