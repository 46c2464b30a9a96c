"""`retake`: a nearby variation of a result, from its recipe; of another clip, from the clip itself.

With a recipe the take's own noise is drawn again and new noise mixed in, `strength` 0…1 of it: what
was kept stays, what was made comes out alike. Without one the clip is noised to the time
`strength` and solved again from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from daemon.engines.acestep.dit.context import of_codes, silence, whole
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.ops.again import (
    DEFAULT_STRENGTH,
    IN_RECIPE,
    checkpoint_of,
    regions_again,
    takes_from,
    text_of,
    varied,
)
from daemon.engines.acestep.ops.finishing import piece_made
from daemon.engines.acestep.ops.lines import lines_of
from daemon.engines.acestep.ops.passages import passages_of
from daemon.engines.acestep.ops.reference import timbre
from daemon.engines.acestep.ops.repaint import repainting, spare_note
from daemon.engines.acestep.ops.replaying import NEAR, Earlier, fits, moved, replayed, to_origin
from daemon.engines.acestep.ops.sounding import takes_of
from daemon.engines.acestep.ops.wishes import words
from daemon.engines.acestep.parts import HOP
from daemon.engines.acestep.recipe import Recipe, Seeds, as_document, recipes_of
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.view import View
from daemon.engines.acestep.view import whole as whole_view
from daemon.engines.base import Port, Request, Result

_NO_RECIPE = "There is no recipe of this clip: it was varied from how it sounds."
_NO_ORIGIN = (
    "The file that this was made to is gone or has changed, so it can't be played again: it was "
    "varied from how it sounds."
)


def retake(session: Session, request: Request, port: Port) -> Result:
    """Return a variation of the clip, from end to end."""
    told = recipes_of(str(request.options["of"])) if request.options.get("of") else ()
    recipes = [recipe for recipe in told if _fits(recipe, request)]
    if not recipes:
        return _from_sound(session, request, port, _NO_RECIPE)
    here = to_origin(request)
    if recipes[0].to_clip:
        lead = request.origin_lead
        led = [moved(recipe, lead) for recipe in recipes]
        if here is None or len(recipes) < len(told) or not fits(led, here):
            return _from_sound(session, request, port, _NO_ORIGIN)
        return _to_clip(session, here, led, Earlier(port, lead), lead)
    if recipes[0].extent and here is None:
        return _from_sound(session, request, port, _NO_ORIGIN)
    if recipes[0].of_region:
        return regions_again(session, request, recipes, port)
    return _whole(session, request, recipes[0], port)


def _fits(recipe: Recipe, request: Request) -> bool:
    """Whether the clip holds all that the recipe made, and for a whole piece nothing else."""
    start, end = (sample - request.source_start for sample in recipe.span)
    clip = len(request.clip)
    if recipe.of_region:
        return start >= -NEAR and end <= clip + NEAR
    return abs(start) <= NEAR and abs(end - clip) <= NEAR


def _to_clip(
    session: Session, request: Request, told: Sequence[Recipe], port: Port, lead: int
) -> Result:
    """Play a layer or an accompaniment again, to the clip that it was made to.

    The result begins `lead` samples after that clip does.
    """
    checkpoint, notes = checkpoint_of(session, told[0])
    passages = passages_of(request.clip, whole_view(request).frames)
    lots, noted = lines_of(session, request, passages, port)
    lines = {p.first: lot.text for p, lot in zip(passages, lots, strict=False)}
    notes, recipes = (*notes, *noted), []
    for recipe in told:
        first = recipe.start // HOP
        view = View(first, recipe.frames, (0, recipe.frames), (recipe.region,))
        text, more = text_of(request, recipe, view, lines.get(first))
        recipes.append(replace(recipe, text=text))
        notes += more

    def seeds_of(seed: int) -> Seeds:
        return varied(recipes[0], replace(request, seed=seed)).seeds

    notes += replayed(session, request, checkpoint, recipes, seeds_of, port)
    again = [replace(recipe, op="retake", seeds=seeds_of(request.seed)) for recipe in recipes]
    made = [moved(recipe, -lead) for recipe in again]
    unused = (*IN_RECIPE, "reference")
    return Result(request.key, tuple(dict.fromkeys(notes)), as_document(made), unused=unused)


# -- music that is new from end to end -----------------------------------------------------------


def _whole(session: Session, request: Request, recipe: Recipe, port: Port) -> Result:
    """Make a generated or covered piece again."""
    checkpoint, changed = checkpoint_of(session, recipe)
    new = varied(recipe, request)
    view = View(round(recipe.start / HOP), recipe.frames, (0, 0), (recipe.region,))
    port.progress(0.02, "reading")
    known = of_codes(checkpoint, recipe.codes) if recipe.codes else silence(checkpoint, view.frames)
    text, told = text_of(request, recipe, view)
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
    takes = takes_from(request, recipe, checkpoint)
    notes = piece_made(session, request, checkpoint, view, problem, takes, work, "region", ())
    document = as_document([replace(new, text=text)])
    return Result(request.key, (*told, *changed, *notes), document, unused=IN_RECIPE)


# -- a clip that nobody has a recipe of -----------------------------------------------------------


def _from_sound(session: Session, request: Request, port: Port, why: str) -> Result:
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
    notes = piece_made(session, request, checkpoint, view, problem, takes, work, "region", None)
    return Result(request.key, (why, *told, *how, *spare_note(view), *notes))
