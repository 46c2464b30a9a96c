"""`retake`: a nearby variation of a result, from its recipe; of another clip, from the clip itself.

With a recipe the take's own noise is drawn again and new noise mixed in, `strength` 0…1 of it: what
was kept stays, what was made comes out alike. Without one the clip is noised to the time
`strength` and solved again from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from daemon.audio.splice import CONTEXT_S, HANDLE_S, splice
from daemon.engines.acestep.dit.context import hole, new_frames, of_codes, silence, whole
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.grid.correct import beside
from daemon.engines.acestep.ops.finishing import one_after_the_other, timing
from daemon.engines.acestep.ops.reference import timbre
from daemon.engines.acestep.ops.repaint import repainting, spare_note
from daemon.engines.acestep.ops.sounding import (
    Piece,
    below_full_scale,
    edge_gain,
    glance_of,
    hand_over,
    pieces_of,
    takes_of,
)
from daemon.engines.acestep.ops.wishes import words
from daemon.engines.acestep.parts import GRAIN, HOP, RATE, Checkpoint
from daemon.engines.acestep.recipe import Recipe, as_document, recipes_of
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Part, Share
from daemon.engines.acestep.solving import Takes
from daemon.engines.acestep.text.prompt import Text
from daemon.engines.acestep.view import View
from daemon.engines.acestep.view import whole as whole_view
from daemon.engines.base import Chunk, Port, Request, Result, Span

DEFAULT_STRENGTH = 0.5
_NEAR = 3  # samples by which resampling may move a result's end
_FROM_SOUND = "There is no recipe of this clip: it was varied from how it sounds."


def retake(session: Session, request: Request, port: Port) -> Result:
    """Return a variation of the clip, from end to end."""
    told = recipes_of(str(request.options["of"])) if request.options.get("of") else ()
    recipes = [recipe for recipe in told if _fits(recipe, request)]
    if not recipes:
        return _from_sound(session, request, port)
    if recipes[0].task == "repaint":
        return _regions(session, request, recipes, port)
    return _whole(session, request, recipes[0], port)


def _fits(recipe: Recipe, request: Request) -> bool:
    """Whether the clip holds all that the recipe made, and for a whole piece nothing else."""
    start, end = (sample - request.source_start for sample in recipe.span)
    clip = len(request.clip)
    if recipe.task == "repaint":
        return start >= -_NEAR and end <= clip + _NEAR
    return abs(start) <= _NEAR and abs(end - clip) <= _NEAR


def _takes(request: Request, recipe: Recipe, checkpoint: Checkpoint) -> Takes:
    """Return the takes of the job, each mixed into the recipe's noise with a seed of its own."""

    def noise(seed: int) -> torch.Tensor:
        return _varied(recipe, replace(request, seed=seed)).noise(checkpoint.channels)

    return Takes(request.take, request.later_seeds, noise)


def _varied(recipe: Recipe, request: Request) -> Recipe:
    strength = float(request.options.get("strength", DEFAULT_STRENGTH))
    return replace(recipe, op="retake", seeds=(*recipe.seeds, (request.seed, strength)))


# -- music that is new from end to end -----------------------------------------------------------


def _whole(session: Session, request: Request, recipe: Recipe, port: Port) -> Result:
    """Make a generated or covered piece again."""
    checkpoint, changed = _checkpoint(session, recipe)
    new = _varied(recipe, request)
    view = View(0, recipe.frames, (0, 0), (recipe.region,))
    port.progress(0.02, "reading")
    known = of_codes(checkpoint, recipe.codes) if recipe.codes else silence(checkpoint, view.frames)
    text, told = _text(request, recipe, view)
    about = timbre(session, request, Share(port, 0.05, 0.05, "listening"))
    problem = Problem(
        context=whole(known[: view.frames]),
        noise=new.noise(checkpoint.channels)[None],
        conditions=session.conditions(checkpoint, text, *about),
        schedule=recipe.schedule,
        guidance=recipe.guidance,
        plain=session.conditions(checkpoint, recipe.plain, *about) if recipe.plain else None,
        strength=recipe.likeness,
    )
    work = Share(port, 0.05, 0.8, "playing")
    takes = _takes(request, recipe, checkpoint)
    glance = glance_of(session, view, request.spans[0], "region", work)
    made = session.solve(checkpoint, problem, work, takes, glance)[0]
    share = Share(port, 0.8, 1.0, "decoding")
    pieces = pieces_of(session, made, view, request.spans[0], request.handle, share)
    finish = one_after_the_other(timing(session, request, made, view, (), share), below_full_scale)
    notes = hand_over(pieces, "region", share, finish=finish)
    document = as_document([replace(new, text=text)])
    return Result(request.key, (*told, *changed, *notes), document)


# -- a region of a clip --------------------------------------------------------------------------


def _regions(session: Session, request: Request, recipes: Sequence[Recipe], port: Port) -> Result:
    """Make what was made of a clip again, and keep what was kept."""
    out = np.array(request.clip)
    notes, made = dict[str, None](), []
    for number, recipe in enumerate(recipes):
        part = Part(port, number / len(recipes), 1 / len(recipes))
        new, told = _region(session, request, recipe, out, part)
        made.append(new)
        notes |= dict.fromkeys(told)
    port.emit(Chunk("region", 0, out))
    return Result(request.key, tuple(notes), as_document(made))


def _region(
    session: Session, request: Request, recipe: Recipe, out: np.ndarray, part: Part
) -> tuple[Recipe, tuple[str, ...]]:
    """Make one region again and put it into `out (n, 2)`; return its recipe and notes."""
    checkpoint, changed = _checkpoint(session, recipe)
    here, view = _as_it_was(request, recipe)
    new = _varied(recipe, request)
    source = session.source(here, view, checkpoint, part.share(0.02, 0.2, "encoding"))
    gain = edge_gain(session, source, view, here, part.share(0.2, 0.22, "measuring"))
    text, told = _text(here, recipe, view)
    about = timbre(session, request, part.share(0.22, 0.22, "listening"))
    fresh = new_frames(view.frames, view.new)
    problem = Problem(
        context=hole(checkpoint, source, fresh),
        noise=new.noise(checkpoint.channels)[None],
        conditions=session.conditions(checkpoint, text, *about),
        schedule=recipe.schedule,
        guidance=recipe.guidance,
        keep=~fresh,
        source=source,
        hold=recipe.hold,
    )
    takes = _takes(request, recipe, checkpoint)
    made = session.solve(checkpoint, problem, part.share(0.22, 0.8, "painting"), takes)[0]
    share = part.share(0.8, 1.0, "decoding")
    span, handle = here.spans[0], round(HANDLE_S * RATE)
    pieces = list(pieces_of(session, made, view, span, handle, share))
    start, sound = pieces[0][0], np.concatenate([samples for _, samples in pieces])
    kept = beside((span.start, span.end), len(here.clip))
    finish = timing(session, replace(here, handle=handle), made, view, kept, share, gain)
    sound *= np.float32(gain)
    timed: tuple[str, ...] = ()
    if finish is not None:
        sound, timed = finish(start, sound)
    _put(out, here.source_start - request.source_start, span, (start, sound))
    return replace(new, text=text), (*told, *changed, *timed)


def _as_it_was(request: Request, recipe: Recipe) -> tuple[Request, View]:
    """Return the part of the clip that the recipe's view was on, as a request, and that view.

    The view lies where it lay, so that its frames and their noise do.
    """
    begin = recipe.start - request.source_start
    frames_before = max(0, -(begin // HOP))
    border = min(GRAIN, max(0, begin) // HOP)
    first = begin + (frames_before - border) * HOP
    last = min(len(request.clip), begin + (recipe.frames + GRAIN) * HOP)
    clip = np.asarray(request.clip[first:last])
    start = border - frames_before
    heard = (max(0, frames_before), min(recipe.frames, len(clip) // HOP - start))
    here = replace(
        request,
        clip=clip,
        spans=(Span(*(s - request.source_start - first for s in recipe.span)),),
        source_start=request.source_start + first,
        grid=request.grid.shifted(first / RATE),
    )
    spare = max(0, start + recipe.frames - len(clip) // HOP)
    rest = ((max(0, recipe.frames - spare - GRAIN), recipe.frames),) if spare else ()
    return here, View(start, recipe.frames, heard, (recipe.region, *rest), spare)


def _put(out: np.ndarray, first: int, span: Span, made: Piece) -> None:
    """Splice what was made into `out`; `span` and `made` count from its sample `first`."""
    handle, reach = round(HANDLE_S * RATE), round(CONTEXT_S * RATE)
    start, end = max(0, first + span.start), min(len(out), first + span.end)
    new = np.zeros((end - start + 2 * handle, 2), np.float32)
    a = first + made[0] - start + handle
    inside = slice(max(0, a), min(len(new), a + len(made[1])))
    new[inside] = made[1][inside.start - a : inside.stop - a]
    before, after = out[max(0, start - reach) : start], out[end : end + reach]
    out[start:end] = splice(before, None, after, new, handle, RATE).samples


# -- a clip that nobody has a recipe of -----------------------------------------------------------


def _from_sound(session: Session, request: Request, port: Port) -> Result:
    view = whole_view(request)
    checkpoint = session.checkpoint_for("repaint")
    source = session.source(request, view, checkpoint, Share(port, 0.02, 0.2, "encoding"))
    text, told = words(request, "repaint", view)
    strength = float(request.options.get("strength", DEFAULT_STRENGTH))
    asked = replace(request, options={**request.options, "strength": strength})
    about = timbre(session, request, Share(port, 0.2, 0.2, "listening"))
    problem, how = repainting(session, checkpoint, asked, view, source, text, about)
    work = Share(port, 0.2, 0.8, "varying")
    takes = takes_of(request, view, checkpoint)
    glance = glance_of(session, view, request.spans[0], "region", work)
    made = session.solve(checkpoint, problem, work, takes, glance)[0]
    share = Share(port, 0.8, 1.0, "decoding")
    pieces = pieces_of(session, made, view, request.spans[0], request.handle, share)
    notes = hand_over(pieces, "region", share, finish=below_full_scale)
    return Result(request.key, (_FROM_SOUND, *told, *how, *spare_note(view), *notes))


def _text(request: Request, recipe: Recipe, view: View) -> tuple[Text, tuple[str, ...]]:
    """Return the recipe's words, or those of the request where it has some. Raises 103."""
    if not request.options.get("prompt") and not request.options.get("lyrics"):
        return recipe.text, ()
    return words(request, recipe.task, view)


def _checkpoint(session: Session, recipe: Recipe) -> tuple[Checkpoint, tuple[str, ...]]:
    """Return the checkpoint that made the take, else another one and a note. Raises 301."""
    checkpoint = session.named(recipe.checkpoint) or session.checkpoint_for(recipe.task)
    if checkpoint.name == recipe.checkpoint:
        return checkpoint, ()
    return checkpoint, (
        f"The take was made with {recipe.checkpoint}, which is not here: {checkpoint.name} made "
        "this one.",
    )
