"""`extend`: the clip goes on beyond its last sample, or begins before its first, or both.

It is a repaint of a clip that was made longer: the new part and the last 0.4 s of the clip beside
it are made, for there the encoder hears the cut. In this overlap the new music and the clip are the
same moment; delay, polarity and level are taken from it, and it is thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from daemon.audio.align import LONGEST_DELAY_S, align
from daemon.audio.seam import level_difference_db
from daemon.engines.acestep.dit.windows import warnings_of
from daemon.engines.acestep.grid.correct import beside as neighbours
from daemon.engines.acestep.ops.finishing import (
    colouring,
    listen_ahead,
    one_after_the_other,
    timing,
)
from daemon.engines.acestep.ops.reference import timbre
from daemon.engines.acestep.ops.repaint import recipe_for, repainting, spare_note
from daemon.engines.acestep.ops.sounding import (
    glance_of,
    hand_over,
    pieces_of,
    takes_of,
    within_3_db,
)
from daemon.engines.acestep.ops.wishes import words
from daemon.engines.acestep.parts import HOP, RATE
from daemon.engines.acestep.recipe import Recipe, as_document
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Part, Share
from daemon.engines.acestep.view import View, beside
from daemon.engines.base import Port, Request, Result

_SECOND = 1 << 31  # beyond all seeds that can be told: the other side's noise is another
_DELAY = round(LONGEST_DELAY_S * RATE)


@dataclass(frozen=True)
class Joint:
    """How new music lies against the clip: `late` samples too late, and the factor it needs."""

    late: int = 0
    gain: float = 1.0


def extend(session: Session, request: Request, port: Port) -> Result:
    """Make what lies beside the clip, each side for itself."""
    recipes, notes = [], dict[str, None]()
    # The mix begins with what is made before the clip.
    origin = request.cut[0] + max(0, -request.spans[0].start)
    if len(request.spans) > 1:
        # The sides of a clip of a few samples must not overlap.
        request = replace(request, handle=min(request.handle, len(request.clip) // 2))
    for number, span in enumerate(request.spans):
        part = 1 / len(request.spans)
        one = replace(
            request,
            spans=(span,),
            seed=request.seed + number * _SECOND,
            later_seeds=tuple(seed + number * _SECOND for seed in request.later_seeds),
        )
        recipe, told = _side(session, one, origin, Part(port, number * part, part))
        recipes.append(recipe)
        notes |= dict.fromkeys(told)
    documents = as_document(recipes)
    return Result(request.key, tuple(notes), documents, unused=("strength",))


def _side(
    session: Session, request: Request, origin: int, part: Part
) -> tuple[Recipe, tuple[str, ...]]:
    """Make what lies on one side; return its recipe and notes."""
    span = request.spans[0]
    view = beside(request, span)
    checkpoint = session.checkpoint_for("repaint")
    source = session.source(request, view, checkpoint, part.share(0.02, 0.2, "encoding"))
    kept = neighbours((span.start, span.end), len(request.clip))
    listen_ahead(session, request, kept)
    text, told = words(request, "repaint", view)
    whole = replace(request, options={**request.options, "strength": 1.0})
    about = timbre(session, request, part.share(0.2, 0.2, "listening"))
    problem, how = repainting(session, checkpoint, whole, view, source, text, about)
    work = part.share(0.2, 0.8, "playing on")
    takes = takes_of(request, view, checkpoint)
    glance = glance_of(session, view, span, "region", work)
    made = session.solve(checkpoint, problem, work, takes, glance)[0]
    joint = _joint(session, made, view, request, part.share(0.8, 0.82, "joining"))
    share = part.share(0.82, 1.0, "decoding")
    pieces = pieces_of(session, made, view, span, request.handle, share, joint.late)
    finish = one_after_the_other(
        timing(session, request, made, view, kept, share, joint.gain, joint.late),
        colouring(session, request, source, view, part.share(0.82, 0.82, "measuring")),
    )
    notes = hand_over(pieces, "region", share, joint.gain, finish)
    recipe = recipe_for(request, checkpoint, view, text, problem, "repaint", origin)
    return recipe, (
        *told,
        *how,
        *warnings_of(span.frames),
        *spare_note(view),
        *notes,
    )


def _joint(
    session: Session, made: torch.Tensor, view: View, request: Request, share: Share
) -> Joint:
    """Compare the clip and the new music where both exist."""
    span, clip = request.spans[0], len(request.clip)
    region = view.region
    low, high = view.sample(region[0]), view.sample(region[1])
    low, high = (max(low, 0), clip) if span.start > 0 else (0, min(high, clip))
    # Beyond the overlap by the longest delay, where the view has it.
    first, last = low // HOP - view.start, -(-high // HOP) - view.start
    beside = -(-_DELAY // HOP)
    first, last = max(0, first - beside), min(view.frames, last + beside)
    sound = np.concatenate([s for _, s in session.sound(made, first, last, share)])
    at = low - _DELAY - view.sample(first)
    new = sound[max(0, at) : high + _DELAY - view.sample(first)]
    kept = np.asarray(request.clip[low:high])
    if at < 0 or len(new) < len(kept) + 2 * _DELAY or len(kept) < RATE // 10:
        return Joint()
    found = align([(kept, new)])
    middle = new[_DELAY + found.delay : _DELAY + found.delay + len(kept)]
    difference = level_difference_db(kept, middle, RATE)
    return Joint(found.delay, found.polarity * within_3_db(difference or 0.0))
