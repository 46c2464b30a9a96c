"""A layer or an accompaniment played once more to the clip that it was made to, from its recipes.

The result that is varied does not hold that clip by itself, so it is handed over beside it, as the
request's `origin`. What comes of it are stems, as from the op that made the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from daemon.engines.base import Chunk, Port, Request, Span

NEAR = 3
"""Samples by which resampling may move a result's end."""


def to_origin(request: Request) -> Request | None:
    """Return the request on the clip that its result was made to; None where that is not at hand.

    Both have the same time line, on which that clip may begin `origin_lead` samples sooner, so what
    is played fits the result.
    """
    lead, tail = request.origin_lead, request.origin_tail
    if request.origin is None or len(request.origin) - lead - tail != len(request.clip):
        return None
    spans = tuple(Span(span.start + lead, span.end + lead) for span in request.spans)
    clip, grid = np.asarray(request.origin), request.grid.shifted(-lead / request.rate)
    return replace(request, clip=clip, spans=spans, grid=grid, source_mark="", source_start=0)


@dataclass(frozen=True)
class Earlier:
    """A port for what begins `lead` samples later than where it is handed over."""

    port: Port
    lead: int

    def check(self) -> None:
        """As the port does."""
        self.port.check()

    def progress(self, fraction: float, stage: str) -> None:
        """As the port does."""
        self.port.progress(fraction, stage)

    def emit(self, chunk: Chunk) -> None:
        """Hand over a chunk where it lies in the result."""
        self.port.emit(replace(chunk, start=chunk.start - self.lead))


def moved(recipe: Recipe, by: int) -> Recipe:
    """Return a recipe whose view lies `by` samples later, on the whole latent frame it was on."""
    start = recipe.start + by
    near = round(start / HOP) * HOP
    start = near if by and abs(start - near) <= NEAR else start
    return replace(recipe, start=start, span=(recipe.span[0] + by, recipe.span[1] + by))


def fits(recipes: Sequence[Recipe], request: Request) -> bool:
    """Whether the clip falls into the passages that `recipes`, on its time line, are of."""
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
