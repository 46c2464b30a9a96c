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
from daemon.engines.acestep.ops.sounding import edge_gain, emit
from daemon.engines.acestep.ops.wishes import solving, words
from daemon.engines.acestep.parts import FRAMES_PER_S, Checkpoint
from daemon.engines.acestep.session import Session, Share
from daemon.engines.acestep.view import View, inside
from daemon.engines.base import Port, Request, Result


def repaint(session: Session, request: Request, port: Port) -> Result:
    """Make the request's one span anew."""
    span = request.spans[0]
    view = inside(request, span)
    checkpoint = session.checkpoint_for("repaint")
    source = session.source(request, view, checkpoint, Share(port, 0.02, 0.2, "encoding"))
    gain = edge_gain(session, source, view, request, Share(port, 0.2, 0.22, "measuring"))
    problem, notes = repainting(session, checkpoint, request, view, source)
    made = session.solve(checkpoint, problem, Share(port, 0.22, 0.8, "painting"))[0]
    emit(
        session, made, view, span, request.handle, "region", gain, Share(port, 0.8, 1.0, "decoding")
    )
    return Result(key=request.key, notes=(*notes, *warnings_of([view.region]), *spare_note(view)))


def repainting(
    session: Session, checkpoint: Checkpoint, request: Request, view: View, source: torch.Tensor
) -> tuple[Problem, tuple[str, ...]]:
    """Return what is to be solved for a region of a view, and notes. Raises 103."""
    text, told = words(request, "repaint", view.duration_s)
    how = solving(request, checkpoint, float(request.options.get("strength", 1.0)))
    new = new_frames(view.frames, view.new)
    problem = Problem(
        context=hole(checkpoint, source, new),
        noise=window_noise(request.seed, view.frames, [view.region], checkpoint.channels)[None],
        conditions=session.conditions(checkpoint, text),
        schedule=how.schedule,
        guidance=how.guidance,
        keep=~new,
        source=source,
        hold=how.hold,
    )
    return problem, (*told, *how.notes)


def spare_note(view: View) -> tuple[str, ...]:
    """Say where a clip is shorter than what the model was made for."""
    if not view.spare:
        return ()
    heard_s = (view.frames - view.spare) / FRAMES_PER_S
    return (
        f"The model was made for 10 s and more and heard {heard_s:.1f} s: it went on for itself, "
        "and that was thrown away.",
    )
