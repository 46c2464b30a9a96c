"""`generate`: new music from words, tempo and key; there is nothing to hear but silence."""

from __future__ import annotations

from bridge.protocol.errors import error
from daemon.engines.acestep.dit.context import silence, whole
from daemon.engines.acestep.dit.noise import window_noise
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.ops.repaint import recipe_for, spare_note
from daemon.engines.acestep.ops.sounding import (
    below_full_scale,
    glance_of,
    hand_over,
    pieces_of,
    takes_of,
)
from daemon.engines.acestep.ops.wishes import solving, words
from daemon.engines.acestep.parts import RATE
from daemon.engines.acestep.recipe import as_document
from daemon.engines.acestep.session import Session, Share
from daemon.engines.acestep.view import whole as whole_view
from daemon.engines.base import Port, Request, Result

LONGEST_S = 600
"""What the model was trained to make at once."""


def generate(session: Session, request: Request, port: Port) -> Result:
    """Make the request's one span from nothing. Raises 103 for more than the model can make."""
    span = request.spans[0]
    if span.frames > LONGEST_S * RATE:
        raise error(103, f"acestep makes at most {LONGEST_S} s at once: ask for less, then extend")
    view = whole_view(request)
    checkpoint = session.checkpoint_for("text2music")
    port.progress(0.02, "reading")
    text, told = words(request, "text2music", view)
    how = solving(request, checkpoint)
    problem = Problem(
        context=whole(silence(checkpoint, view.frames)),
        noise=window_noise(request.seed, view.frames, [view.region], checkpoint.channels)[None],
        conditions=session.conditions(checkpoint, text),
        schedule=how.schedule,
        guidance=how.guidance,
    )
    work = Share(port, 0.05, 0.8, "playing")
    takes = takes_of(request, view, checkpoint)
    glance = glance_of(session, view, span, "stem:other", work)
    made = session.solve(checkpoint, problem, work, takes, glance)[0]
    share = Share(port, 0.8, 1.0, "decoding")
    pieces = pieces_of(session, made, view, span, request.handle, share)
    notes = hand_over(pieces, "stem:other", share, finish=below_full_scale)
    recipe = recipe_for(request, checkpoint, view, text, problem, "text2music", 0)
    return Result(
        key=request.key,
        notes=(*told, *how.notes, *spare_note(view), *notes),
        documents=as_document([recipe]),
    )
