"""How the engine makes a take, and what it does ahead of one.

A preparation is the take itself up to the first step of the solver: what it computes on the way
stays in the session's hands.

Threads: the worker's main thread.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace

import torch

from daemon.engines.acestep.ladder import climb
from daemon.engines.acestep.lora_choice import loras_for
from daemon.engines.acestep.ops import OPS
from daemon.engines.acestep.recipe import with_loras
from daemon.engines.acestep.session import Prepared, Session
from daemon.engines.base import Port, Request, Result

_log = logging.getLogger("punchin.acestep")


def perform(session: Session, request: Request, port: Port) -> Result:
    """Make one take. Raises 103, 301, 302, 303, 304, 307."""
    foreseen = session.speculation.find(request)
    if foreseen is None:
        with _while_it_answers(session):
            result = _made(session, request, port)
    else:
        result = foreseen.hand_over(port)
    session.speculation.done(request)
    return result


def prepare(session: Session, request: Request, port: Port) -> None:
    """Compute what a take like this will want. Raises as `perform`, and Cancelled."""
    with contextlib.suppress(Prepared), session.only_preparing(), _while_it_answers(session):
        _made(session, request, port)


def idle(session: Session, port: Port) -> None:
    """Use spare time: keep what was made, make steps ready, and the next take where wanted.

    Raises Cancelled to give way.
    """
    with _while_it_answers(session):
        session.own.save(port.check)
        if session.steps is not None and not session.placement.offload:
            session.steps.make_ready(port.check)
        if session.speed.speculate:
            session.speculation.make_next(lambda asked, quiet: _made(session, asked, quiet), port)


def _made(session: Session, request: Request, port: Port) -> Result:
    scales, told = loras_for(request.op, request.options)
    session.use_loras(scales)
    session.unread.clear()
    session.job = request.job
    with session.giving_way(port.check):
        result = climb(session, request, port, OPS[request.op])
    documents = with_loras(result.documents, session.loras.noted())
    return replace(result, notes=(*told, *result.notes, *session.unread), documents=documents)


@contextlib.contextmanager
def _while_it_answers(session: Session) -> Iterator[None]:
    """Leave the process where the device answers no more.

    After an illegal access or a fault of the driver a CUDA device fails whatever this process asks
    of it. The control plane starts another worker and the job anew.
    """
    try:
        yield
    except RuntimeError as problem:
        if _answers(session.placement.device):
            raise
        _log.critical("%s answers no more: %s", session.placement.device, problem)
        raise SystemExit(1) from problem


def _answers(device: torch.device) -> bool:
    if device.type == "cuda":
        try:
            torch.cuda.synchronize(device)
        except RuntimeError:
            return False
    return True
