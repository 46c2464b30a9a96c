"""`repaint`: the region is made anew, and the music around it is what it was.

Kept frames are set back to the source after every step, as they would be at that time, and are the
source's own before anything is decoded.
"""

from __future__ import annotations

import torch

from daemon.engines.acestep.dit.context import hole, new_frames
from daemon.engines.acestep.dit.noise import window_noise
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.dit.windows import warnings_of
from daemon.engines.acestep.grid.correct import beside
from daemon.engines.acestep.ops.finishing import (
    colouring,
    listen_ahead,
    one_after_the_other,
    timing,
)
from daemon.engines.acestep.ops.reference import UNTOLD, Timbre, timbre
from daemon.engines.acestep.ops.sounding import (
    edge_gain,
    glance_of,
    hand_over,
    pieces_of,
    takes_of,
)
from daemon.engines.acestep.ops.wishes import Solving, solving, words
from daemon.engines.acestep.parts import FRAMES_PER_S, Checkpoint
from daemon.engines.acestep.recipe import Recipe, alone, as_document
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.text.prompt import Task, Text
from daemon.engines.acestep.view import View, inside
from daemon.engines.base import Port, Request, Result


def repaint(session: Session, request: Request, port: Port) -> Result:
    """Make the request's one span anew."""
    span = request.spans[0]
    view = inside(request, span)
    checkpoint = session.checkpoint_for("repaint")
    source = session.source(request, view, checkpoint, Share(port, 0.02, 0.2, "encoding"))
    gain = edge_gain(session, source, view, request, Share(port, 0.2, 0.22, "measuring"))
    kept = beside((span.start, span.end), len(request.clip))
    listen_ahead(session, request, kept)
    text, told = words(request, "repaint", view)
    about = timbre(session, request, Share(port, 0.22, 0.22, "listening"))
    problem, how = repainting(session, checkpoint, request, view, source, text, about)
    work = Share(port, 0.22, 0.8, "painting")
    takes = takes_of(request, view, checkpoint)
    glance = glance_of(session, view, span, "region", work, gain)
    made = session.solve(checkpoint, problem, work, takes, glance)[0]
    share = Share(port, 0.8, 1.0, "decoding")
    pieces = pieces_of(session, made, view, span, request.handle, share)
    finish = one_after_the_other(
        timing(session, request, made, view, kept, share, gain),
        colouring(session, request, source, view, Share(port, 0.8, 0.8, "measuring")),
    )
    notes = hand_over(pieces, "region", share, gain, finish)
    recipe = recipe_for(request, checkpoint, view, text, problem)
    return Result(
        key=request.key,
        notes=(
            *told,
            *how,
            *warnings_of(span.frames),
            *spare_note(view),
            *notes,
        ),
        documents=as_document([recipe]),
    )


def repainting(
    session: Session,
    checkpoint: Checkpoint,
    request: Request,
    view: View,
    source: torch.Tensor,
    text: Text,
    about: Timbre = UNTOLD,
) -> tuple[Problem, tuple[str, ...]]:
    """Return what is to be solved for a region of a view, and notes. Raises 103."""
    how = solving(request, checkpoint, float(request.options.get("strength", 1.0)))
    new = new_frames(view.frames, view.new)
    problem = Problem(
        context=hole(checkpoint, source, new),
        noise=window_noise(request.seed, view.frames, [view.region], checkpoint.channels)[None],
        conditions=session.conditions(checkpoint, text, *about),
        schedule=how.schedule,
        guidance=how.guidance,
        keep=~new,
        source=source,
        hold=how.hold,
    )
    return problem, how.notes


def recipe_for(
    request: Request,
    checkpoint: Checkpoint,
    view: View,
    text: Text,
    how: Problem | Solving,
    task: Task = "repaint",
    origin: int | None = None,
) -> Recipe:
    """Return how the request's first span was made.

    `origin` is the sample of the job's mix at which the request's clip begins; None: the mix begins
    with its source.
    """
    span = request.spans[0]
    origin = request.source_start if origin is None else origin
    return Recipe(
        op=request.op,
        task=task,
        checkpoint=checkpoint.name,
        text=text,
        seeds=alone(request.seed),
        frames=view.frames,
        region=view.region,
        start=origin + view.sample(0),
        span=(origin + span.start, origin + span.end),
        schedule=how.schedule,
        guidance=how.guidance,
        hold=how.hold,
    )


def spare_note(view: View) -> tuple[str, ...]:
    """Say where a clip is shorter than what the model was made for."""
    if not view.spare:
        return ()
    heard_s = (view.frames - view.spare) / FRAMES_PER_S
    return (
        f"The model was made for 10 s and more and had {heard_s:.1f} s: it went on for itself, "
        "and that was thrown away.",
    )
