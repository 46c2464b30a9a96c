"""What plays to a clip or from it: asked for passage by passage as recipes, and played from these.

The tasks *lego*, *complete* and *extract* hear the clip, *cover* its codes. A recipe says all that
the model is told of a passage, so `retake` plays it again from the same recipes with other noise.

Latents are `(frames, C)`; rows are takes of one batch, told apart by their noise alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from daemon.engines.acestep.dit.context import of_codes
from daemon.engines.acestep.dit.context import whole as all_new
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.ops.lines import lines_of
from daemon.engines.acestep.ops.passages import Passage, passages_of, solved
from daemon.engines.acestep.ops.repaint import recipe_for
from daemon.engines.acestep.ops.wishes import solving, words
from daemon.engines.acestep.parts import Checkpoint
from daemon.engines.acestep.recipe import Recipe, Seeds
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.solving import Takes
from daemon.engines.acestep.text.prompt import TRACKS, Task
from daemon.engines.acestep.view import View
from daemon.engines.base import Port, Request

DRAWS = 16
"""More than a clip has passages: tracks of one seed are drawn apart, they shall not move alike."""

Score = tuple[Recipe, ...]
"""A recipe for each passage of a clip."""


def asked(
    session: Session,
    request: Request,
    checkpoint: Checkpoint,
    passages: Sequence[Passage],
    task: Task,
    tracks: Sequence[str],
    port: Port,
) -> tuple[Score, tuple[str, ...]]:
    """Return what `task` is asked for with `tracks` of the model, and notes. Raises 103."""
    how = solving(request, checkpoint)
    lots, noted = lines_of(session, request, passages, port)
    notes = dict.fromkeys((*how.notes, *noted))
    own = DRAWS * TRACKS.index(tracks[0]) if task == "lego" else 0
    score = []
    for number, passage in enumerate(passages):
        seen = seen_by(passage)
        lines = lots[number].text if lots else None
        text, told = words(request, task, seen, tracks, None, lines, say_lines=not lots)
        notes |= dict.fromkeys(told)
        recipe = recipe_for(request, checkpoint, seen, text, how, task, -request.spans[0].start)
        score.append(replace(recipe, draw=own + number))
    return tuple(score), tuple(notes)


def played(
    session: Session,
    request: Request,
    checkpoint: Checkpoint,
    view: View,
    sources: torch.Tensor,
    score: Score,
    rows: Sequence[Seeds],
    share: Share,
    takes: Takes | None = None,
) -> torch.Tensor:
    """Return the latents `(rows, view.frames, C)` of a score.

    `sources (1 or rows, view.frames, C)` are what is heard, of no use to a score with codes.
    `takes` are those of the job, ahead of time, where there is a single row.
    """
    passages = passages_of(request.clip, view.frames)

    def problem(number: int, passage: Passage) -> Problem:
        recipe = score[number]
        noise = [replace(recipe, seeds=row).noise(checkpoint.channels) for row in rows]
        plain = recipe.plain if recipe.likeness < 1 else None
        return Problem(
            context=_context(checkpoint, recipe, sources[:, passage.first : passage.last]),
            noise=torch.stack(noise),
            conditions=session.conditions(checkpoint, recipe.text),
            schedule=recipe.schedule,
            guidance=recipe.guidance,
            plain=session.conditions(checkpoint, plain) if plain else None,
            strength=recipe.likeness,
        )

    return solved(session, checkpoint, view, passages, problem, share, takes)


def seen_by(passage: Passage) -> View:
    """Return what a passage sees as a view that is all new."""
    frames = passage.last - passage.first
    return View(passage.first, frames, (0, frames), ((0, frames),))


def _context(checkpoint: Checkpoint, recipe: Recipe, heard: torch.Tensor) -> torch.Tensor:
    if recipe.codes:
        return all_new(of_codes(checkpoint, recipe.codes)[: recipe.frames])
    return torch.cat([all_new(source) for source in heard])
