"""What is done when memory runs out, one rung after the other, until the take is made.

1. caches and captured graphs are freed; 2. tiles, chunks and batches get smaller; 3. parts of the
model take turns on the device (*offload*); 4. only with `allow_degrade`, the model hears less
of the clip; 5. error 304.

Up to the third rung the samples are the same to rounding, and what was handed over stays: the take
goes on behind it. What was given up stays given up while the model is loaded.

Threads: the thread that owns the device.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from bridge.protocol.errors import error
from daemon.engines.acestep.memory import give_back, is_out_of_memory
from daemon.engines.acestep.parts import GRAIN, HOP
from daemon.engines.acestep.session import Session
from daemon.engines.base import Chunk, Port, Request, Result

Run = Callable[[Session, Request, Port], Result]
SMALL_TILE, SMALL_CHUNK = 64, 25
"""Frames of a tile and of a chunk where memory is short: about a third of the working memory."""
LEAST_CONTEXT_S = 2.0
"""With less of the clip on each side a region is no longer made to fit it."""

_REGIONS = frozenset({"repaint", "edit"})  # the ops for which context is what is around a region
_log = logging.getLogger("punchin.acestep")


def climb(session: Session, request: Request, port: Port, run: Run) -> Result:
    """Return `run(session, request, port)`, freeing memory for it as far as needed. Raises 304."""
    steady = _Steady(port)
    for rung in (free, do_less_at_once, take_turns):
        try:
            return run(session, request, steady)
        except Exception as problem:
            if not is_out_of_memory(problem):
                raise
            _log.warning("memory ran out: %s", str(problem).splitlines()[0])
        rung(session)  # outside the handler, which holds on to what the failed run held
    return _with_less(session, request, steady, run)


def free(session: Session) -> None:
    """Let go of everything that can be computed again."""
    session.caches.clear()
    session.kept.clear()
    if session.steps is not None:
        session.steps.drop()
    give_back()


def do_less_at_once(session: Session) -> None:
    """From now on use small tiles and chunks, and solve every take for itself."""
    free(session)
    tile, chunk = min(session.ways.tile, SMALL_TILE), min(session.ways.chunk, SMALL_CHUNK)
    session.ways = replace(session.ways, rows=1, tile=tile, chunk=chunk)


def take_turns(session: Session) -> None:
    """From now on keep on the device only the part that works."""
    session.placement = replace(session.placement, offload=True)
    session.beside.clear()
    session.beside.placement = session.placement
    for module in (session.shared.vae, session.shared.text_encoder):
        torch.nn.Module.to(module, "cpu")
    for checkpoint in session.loaded():
        session.sent_home(checkpoint)
    free(session)


def _with_less(session: Session, request: Request, port: _Steady, run: Run) -> Result:
    """Run as it is; with leave to do so, with half the context and half of that again."""
    asked = request
    while True:
        try:
            result = run(session, asked, port)
            return replace(result, notes=(*result.notes, *_told(request, asked)))
        except Exception as problem:
            if not is_out_of_memory(problem):
                raise
        free(session)
        nearer = _half(asked) if request.options.get("allow_degrade") and port.untouched else None
        if nearer is None:
            raise error(304, f"the device is short of memory: {_advice(request)}")
        port.shift += nearer.source_start - asked.source_start
        asked = nearer


def _half(request: Request) -> Request | None:
    """Return the request with half of its context, None where there is none to spare."""
    if request.op not in _REGIONS:
        return None
    span, clip = request.spans[0], np.asarray(request.clip)
    before, after = span.start, len(clip) - span.end
    kept = max(before, after) // 2
    if kept < LEAST_CONTEXT_S * request.rate:
        return None
    step = GRAIN * HOP
    first = max(0, span.start - kept) // step * step
    last = min(len(clip), span.end + kept)
    return replace(
        request,
        clip=clip[first:last],
        spans=(replace(span, start=span.start - first, end=span.end - first),),
        grid=request.grid.shifted(first / request.rate),
        source_start=request.source_start + first,
        cut=(request.cut[0] or first > 0, request.cut[1] or last < len(clip)),
    )


def _told(request: Request, asked: Request) -> tuple[str, ...]:
    if asked is request:
        return ()
    heard, wanted = len(asked.clip) / request.rate, len(request.clip) / request.rate
    return (f"Memory was short: the model heard {heard:.0f} s of the clip and not {wanted:.0f} s.",)


def _advice(request: Request) -> str:
    if request.op in _REGIONS and not request.options.get("allow_degrade"):
        return "close other programs, send a smaller context, or allow_degrade 1"
    return "close other programs, choose a shorter region or fewer takes"


class _Steady:
    """A port over several runs of one take: nothing is handed over twice, no fraction goes down.

    `shift`: samples by which the clip of the present run begins later than the request's.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._fraction = 0.0
        self._ends: dict[str, int] = {}
        self.shift = 0

    @property
    def untouched(self) -> bool:
        """Whether nothing final has been handed over."""
        return not self._ends

    def check(self) -> None:
        """See `Port.check`."""
        self._port.check()

    def progress(self, fraction: float, stage: str) -> None:
        """See `Port.progress`."""
        self._fraction = max(self._fraction, fraction)
        self._port.progress(self._fraction, stage)

    def emit(self, chunk: Chunk) -> None:
        """Hand over what of a chunk was not handed over before."""
        start = chunk.start + self.shift
        have = 0 if chunk.provisional else max(0, self._ends.get(chunk.role, start) - start)
        if have >= len(chunk.samples):
            return self._port.check()
        end = start + len(chunk.samples)
        rest = replace(chunk, start=start + have, samples=chunk.samples[have:])
        self._port.emit(rest)
        if not chunk.provisional:
            self._ends[chunk.role] = end
        return None
