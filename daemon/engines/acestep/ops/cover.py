"""`cover`: the clip again in another style or voice, by way of its 5 Hz codes.

The codes keep melody, harmony and form and lose the detail. `strength` 0…1 is how far from them:
1 − strength is the share of the velocity that they have, the rest follows the words alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from daemon.engines.acestep.dit.context import codes_of, of_codes, whole
from daemon.engines.acestep.dit.noise import window_noise
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.ops.finishing import piece_made
from daemon.engines.acestep.ops.reference import UNTOLD, Timbre, timbre
from daemon.engines.acestep.ops.repaint import recipe_for, spare_note
from daemon.engines.acestep.ops.sounding import takes_of
from daemon.engines.acestep.ops.wishes import solving, words
from daemon.engines.acestep.parts import Checkpoint
from daemon.engines.acestep.recipe import Recipe, as_document
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.view import View
from daemon.engines.acestep.view import whole as whole_view
from daemon.engines.base import Port, Request, Result


def cover(session: Session, request: Request, port: Port) -> Result:
    """Make the clip again from end to end."""
    view = whole_view(request)
    checkpoint = session.checkpoint_for("cover")
    source = session.source(request, view, checkpoint, Share(port, 0.02, 0.18, "encoding"))
    codes = codes_of(checkpoint, source, port.check)
    about = timbre(session, request, Share(port, 0.18, 0.2, "listening"))
    problem, recipe, told = covering(session, checkpoint, request, view, codes, about)
    work = Share(port, 0.22, 0.8, "playing")
    takes = takes_of(request, view, checkpoint)
    kept = ((0, len(request.clip)),)
    notes = piece_made(session, request, checkpoint, view, problem, takes, work, "region", kept)
    return Result(
        key=request.key,
        notes=(*told, *spare_note(view), *notes),
        documents=as_document([recipe]),
    )


def covering(
    session: Session,
    checkpoint: Checkpoint,
    request: Request,
    view: View,
    codes: Sequence[int],
    about: Timbre = UNTOLD,
    caption: str | None = None,
    lyrics: str | None = None,
) -> tuple[Problem, Recipe, tuple[str, ...]]:
    """Return what is to be solved for a clip with these codes, its recipe, and notes. Raises 103.

    `about` is a timbre and its name. `caption` and `lyrics` stand for those of the request.
    """
    likeness = 1 - float(request.options.get("strength", 0.0))
    text, told = words(request, "cover", view, (), caption, lyrics)
    plain, _ = words(request, "text2music", view, (), caption, lyrics)
    how = solving(request, checkpoint)
    problem = Problem(
        context=whole(of_codes(checkpoint, codes)[: view.frames]),
        noise=window_noise(request.seed, view.frames, [view.region], checkpoint.channels)[None],
        conditions=session.conditions(checkpoint, text, *about),
        schedule=how.schedule,
        guidance=how.guidance,
        plain=session.conditions(checkpoint, plain, *about) if likeness < 1 else None,
        strength=likeness,
    )
    recipe = recipe_for(request, checkpoint, view, text, problem, "cover", -request.spans[0].start)
    recipe = replace(recipe, codes=tuple(codes), likeness=likeness, plain=plain)
    return problem, recipe, (*told, *how.notes)
