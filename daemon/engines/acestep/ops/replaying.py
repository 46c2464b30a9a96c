"""A layer or an accompaniment played once more to the clip that it was made to, from its recipes.

The result that is varied does not hold that clip by itself, so it is handed over beside it, as the
request's `origin`. What comes of it are stems, as from the op that made the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from daemon.engines.acestep.ops.bgm import backing_of, handed
from daemon.engines.acestep.ops.layer import play_layer
from daemon.engines.acestep.ops.passages import passages_of
from daemon.engines.acestep.ops.repaint import spare_note
from daemon.engines.acestep.ops.ways import as_scores, play
from daemon.engines.acestep.parts import HOP, Checkpoint
from daemon.engines.acestep.recipe import Recipe, SeedsOf
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Part
from daemon.engines.acestep.view import whole
from daemon.engines.base import Port, Request


def to_origin(request: Request) -> Request | None:
    """Return the request on the clip that its result was made to; None where that is not at hand.

    Both have the same time line, so what is played fits the result.
    """
    if request.origin is None or len(request.origin) != len(request.clip):
        return None
    clip = np.asarray(request.origin)
    return replace(request, clip=clip, source_mark="", source_start=0)


def fits(recipes: Sequence[Recipe], request: Request) -> bool:
    """Whether the clip falls into the passages that `recipes` are of."""
    passages = passages_of(request.clip, whole(request).frames)
    seen = [(passage.first * HOP, passage.last - passage.first) for passage in passages]
    scores = as_scores(recipes).values()
    return all([(one.start, one.frames) for one in score] == seen for score in scores)


def replayed(
    session: Session,
    request: Request,
    checkpoint: Checkpoint,
    recipes: Sequence[Recipe],
    seeds_of: SeedsOf,
    port: Port,
) -> tuple[str, ...]:
    """Play `recipes` to the request's clip and hand it over; return notes."""
    view = whole(request)
    if not recipes[0].way:
        notes = play_layer(session, request, checkpoint, tuple(recipes), seeds_of, port)
        return (*spare_note(view), *notes)
    scores, rows = as_scores(recipes), [seeds_of(request.seed)]
    playing = Part(port, 0.0, 0.8)
    latents = play(session, request, checkpoint, view, scores, rows, playing)[0]
    backing = backing_of(session, request, view, latents, Part(port, 0.8, 0.19))
    notes = handed(backing, request, recipes[0].balance, port)
    return (*spare_note(view), *backing.notes, *notes)
