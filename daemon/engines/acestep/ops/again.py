"""Once more from a recipe: with new noise mixed into the take's own, and regions of a clip.

A region is made again where it lay, and what was kept beside it stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from daemon.audio.resample import convert
from daemon.audio.seam import LONGEST_FADE_S
from daemon.audio.splice import CONTEXT_S, HANDLE_S, splice
from daemon.engines.acestep.dit.context import hole, new_frames, of_codes, silence, whole
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.grid.correct import beside
from daemon.engines.acestep.latents.own import alike
from daemon.engines.acestep.ops.edit import edited
from daemon.engines.acestep.ops.finishing import timing
from daemon.engines.acestep.ops.reference import timbre
from daemon.engines.acestep.ops.replaying import to_origin
from daemon.engines.acestep.ops.sounding import (
    Piece,
    edge_gain,
    pieces_of,
)
from daemon.engines.acestep.ops.wishes import words
from daemon.engines.acestep.parts import GRAIN, HOP, RATE, Checkpoint
from daemon.engines.acestep.recipe import Recipe, as_document
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Part
from daemon.engines.acestep.solving import Takes
from daemon.engines.acestep.text.prompt import Text, with_words
from daemon.engines.acestep.view import View
from daemon.engines.base import Chunk, Port, Request, Result, Span

DEFAULT_STRENGTH = 0.5
_SAME_DB = -30.0  # no other music is so near; DC and a gain that move are
IN_RECIPE = ("guidance", "hold", "steps")
"""Keys that a variation takes from the recipe and not from the request."""


def takes_from(request: Request, recipe: Recipe, checkpoint: Checkpoint) -> Takes:
    """Return the takes of the job, each mixed into the recipe's noise with a seed of its own."""

    def noise(seed: int) -> torch.Tensor:
        return varied(recipe, replace(request, seed=seed)).noise(checkpoint.channels)

    return Takes(request.take, request.later_seeds, noise)


def varied(recipe: Recipe, request: Request) -> Recipe:
    """Return the recipe of a take that mixes the request's own noise in, `strength` 0…1 of it."""
    strength = float(request.options.get("strength", DEFAULT_STRENGTH))
    return replace(recipe, op="retake", seeds=(*recipe.seeds, (request.seed, strength)))


def regions_again(
    session: Session, request: Request, recipes: Sequence[Recipe], port: Port
) -> Result:
    """Make what was made of a clip again, and keep what was kept."""
    out = np.array(request.clip)
    notes, made = dict[str, None](), []
    for number, recipe in enumerate(recipes):
        part = Part(port, number / len(recipes), 1 / len(recipes))
        new, told = _region(session, request, recipe, out, part)
        made.append(new)
        notes |= dict.fromkeys(told)
    port.emit(Chunk("region", 0, out))
    return Result(request.key, tuple(notes), as_document(made), unused=IN_RECIPE)


def _region(
    session: Session, request: Request, recipe: Recipe, out: np.ndarray, part: Part
) -> tuple[Recipe, tuple[str, ...]]:
    """Make one region again and put it into `out (n, 2)`; return its recipe and notes."""
    checkpoint, changed = checkpoint_of(session, recipe)
    heard = (to_origin(request) if recipe.extent else None) or request
    here, view = _as_it_was(heard, recipe)
    new = varied(recipe, request)
    source = session.source(here, view, checkpoint, part.share(0.02, 0.2, "encoding"))
    gain = edge_gain(session, source, view, here, part.share(0.2, 0.22, "measuring"))
    text, told = text_of(here, recipe, view)
    about = timbre(session, request, part.share(0.22, 0.22, "listening"))
    fresh = new_frames(view.frames, view.new)
    plain = None if recipe.extent or recipe.likeness == 1 else recipe.plain
    problem = Problem(
        context=_context(checkpoint, recipe, view, source),
        noise=new.noise(checkpoint.channels)[None],
        conditions=session.conditions(checkpoint, text, *about),
        schedule=recipe.schedule,
        guidance=recipe.guidance,
        keep=~fresh,
        source=source,
        hold=recipe.hold,
        plain=session.conditions(checkpoint, plain, *about) if plain else None,
        strength=recipe.likeness,
    )
    work = part.share(0.22, 0.8, "editing" if recipe.extent else "painting")
    if recipe.extent:
        made = edited(session, checkpoint, problem, new, work)
    else:
        takes = takes_from(request, recipe, checkpoint)
        made = session.solve(checkpoint, problem, work, takes)[0]
    share = part.share(0.8, 1.0, "decoding")
    span, handle = here.spans[0], round(HANDLE_S * RATE)
    pieces = list(pieces_of(session, made, view, span, handle, share))
    start, sound = pieces[0][0], np.concatenate([samples for _, samples in pieces])
    kept = beside((span.start, span.end), len(here.clip))
    finish = None
    if recipe.task == "repaint":  # what was edited has the clip's own beat
        finish = timing(session, replace(here, handle=handle), made, view, kept, share, gain)
    sound *= np.float32(gain)
    timed: tuple[str, ...] = ()
    if finish is not None:
        sound, timed = finish(start, sound)
    at = here.source_start - request.source_start
    if text != recipe.text or new.seeds[-1][1] or not is_there(out, at + start, sound, handle):
        put(out, at, span, (start, sound))
    return replace(new, text=text), (*told, *changed, *timed)


def _context(
    checkpoint: Checkpoint, recipe: Recipe, view: View, source: torch.Tensor
) -> torch.Tensor:
    """Return what the model was told of the source, as it was then."""
    if recipe.extent:
        return whole(silence(checkpoint, view.frames))
    if recipe.codes:
        return whole(of_codes(checkpoint, recipe.codes)[: view.frames])
    return hole(checkpoint, source, new_frames(view.frames, view.new))


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


def is_there(out: np.ndarray, first: int, made: np.ndarray, handle: int) -> bool:
    """Whether what was made is what lies at sample `first` of `out` already, but for the seams.

    A second splice would fit the seams of the first one once more. `handle` samples at both ends of
    `made` and the longest fades are not compared, nor what lies above 12 kHz, which a file of
    another rate may not hold, nor DC, which a splice takes out.
    """
    seam = handle + round(LONGEST_FADE_S * RATE)
    length, begin = (len(made) - 2 * seam) // (2 * HOP) * 2 * HOP, first + seam
    if length < 6 * HOP or begin < 0 or begin + length > len(out):
        return False
    there, again = out[begin : begin + length], made[seam : seam + length]
    return bool(alike(_outline(there), _outline(again), _SAME_DB).all())


def _outline(samples: np.ndarray) -> np.ndarray:
    """Return the sum of both sides, in both, at half the rate, without DC and its ends.

    The sides of a mono file's take are one.
    """
    both = samples.mean(axis=1, keepdims=True).repeat(2, axis=1)
    frames = convert(both, 0, RATE, RATE // 2)[0].reshape(-1, HOP, 2)[1:-1]
    return np.asarray(frames - frames.mean(axis=1, keepdims=True)).reshape(-1, 2)


def put(out: np.ndarray, first: int, span: Span, made: Piece) -> None:
    """Splice what was made into `out`; `span` and `made` count from its sample `first`."""
    handle, reach = round(HANDLE_S * RATE), round(CONTEXT_S * RATE)
    start, end = max(0, first + span.start), min(len(out), first + span.end)
    new = np.zeros((end - start + 2 * handle, 2), np.float32)
    a = first + made[0] - start + handle
    inside = slice(max(0, a), min(len(new), a + len(made[1])))
    new[inside] = made[1][inside.start - a : inside.stop - a]
    before, after = out[max(0, start - reach) : start], out[end : end + reach]
    out[start:end] = splice(before, None, after, new, handle, RATE).samples


def text_of(
    request: Request, recipe: Recipe, view: View, lines: str | None = None
) -> tuple[Text, tuple[str, ...]]:
    """Return the recipe's words, with those of the request where it has some. Raises 103.

    `lines` are the request's lyrics for this view, where they were divided.
    """
    prompt, lyrics = (bool(request.options.get(key)) for key in ("prompt", "lyrics"))
    if not prompt and not lyrics:
        return recipe.text, ()
    new, notes = words(request, recipe.task, view, (), None, lines, say_lines=lines is None)
    return with_words(recipe.text, new, prompt, lyrics), notes


def checkpoint_of(session: Session, recipe: Recipe) -> tuple[Checkpoint, tuple[str, ...]]:
    """Return the checkpoint that made the take, else another one and a note. Raises 301."""
    checkpoint = session.named(recipe.checkpoint) or session.checkpoint_for(recipe.task)
    if checkpoint.name == recipe.checkpoint:
        return checkpoint, ()
    return checkpoint, (
        f"The take was made with {recipe.checkpoint}, which is not here: {checkpoint.name} made "
        "this one.",
    )
