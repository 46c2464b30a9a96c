"""`generate`: new music from words, tempo and key.

Without a language model there is nothing to hear but silence. With one the transformer hears the
outline that it wrote: tempo, metre and key where nobody told them, and the 5 Hz codes.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.protocol.limits import hold_length
from daemon.engines.acestep.dit.context import of_codes, silence, whole
from daemon.engines.acestep.dit.noise import window_noise
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.limits import LIMITS
from daemon.engines.acestep.ops.finishing import piece_made
from daemon.engines.acestep.ops.planning import outline, plan_for
from daemon.engines.acestep.ops.reference import timbre
from daemon.engines.acestep.ops.repaint import recipe_for, spare_note
from daemon.engines.acestep.ops.sounding import takes_of
from daemon.engines.acestep.ops.wishes import solving, words
from daemon.engines.acestep.parts import RATE
from daemon.engines.acestep.recipe import as_document
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.text.prompt import Task
from daemon.engines.acestep.view import whole as whole_view
from daemon.engines.base import Port, Request, Result


def generate(session: Session, request: Request, port: Port) -> Result:
    """Make the request's one span from nothing. Raises 103 for more than the model can make."""
    span = request.spans[0]
    hold_length(LIMITS, "generate", span.frames / RATE)
    view = whole_view(request)
    checkpoint = session.checkpoint_for("text2music")
    port.progress(0.02, "reading")
    at = span.start / request.rate
    grid = request.grid
    metre = grid.metre_at(at)
    plan = plan_for(session, request.options, grid.tempo_at(at), metre, request.key, port)
    request = replace(request, key=request.key or (plan.key if plan else None))
    text, told = words(request, "cover" if plan else "text2music", view)
    context = silence(checkpoint, view.frames)
    codes: tuple[int, ...] = ()
    if plan:
        thinking = Share(port, 0.02, 0.4, "planning")
        made_up = outline(session, request, checkpoint, text, plan, view.duration_s, thinking)
        codes, told = made_up.codes, (made_up.note, *told)
        context = of_codes(checkpoint, codes)[: view.frames]
    how = solving(request, checkpoint)
    first = 0.4 if plan else 0.05
    about = timbre(session, request, Share(port, first, first, "listening"))
    problem = Problem(
        context=whole(context),
        noise=window_noise(request.seed, view.frames, [view.region], checkpoint.channels)[None],
        conditions=session.conditions(checkpoint, text, *about),
        schedule=how.schedule,
        guidance=how.guidance,
    )
    work = Share(port, first, 0.8, "playing")
    # Each take has an outline of its own: only takes without one can be solved together.
    takes = None if plan else takes_of(request, view, checkpoint)
    notes = piece_made(session, request, checkpoint, view, problem, takes, work, "stem:other", ())
    task: Task = "cover" if plan else "text2music"
    recipe = replace(recipe_for(request, checkpoint, view, text, problem, task, 0), codes=codes)
    return Result(
        key=request.key,
        notes=(*told, *how.notes, *spare_note(view), *notes),
        documents=as_document([recipe]),
        unused=("stems",),
    )
