"""`edit`: other words or another style for a clip, and the rest as it is.

With a base or sft checkpoint by flow-edit: the music moves by what the new words differ in from the
old ones. The old words are those of the recipe where `of` names a result, else what the language
model hears in the clip, else none. A distilled checkpoint can't do that: there new lyrics are
a repaint with them, and a new style is a cover, and the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from textwrap import shorten

import torch

from daemon.engines.acestep.dit.context import codes_of, new_frames, silence
from daemon.engines.acestep.dit.context import whole as all_new
from daemon.engines.acestep.dit.flow_edit import flow_edit
from daemon.engines.acestep.dit.noise import window_noise
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.finite import made_finite
from daemon.engines.acestep.ops.analyze import understood
from daemon.engines.acestep.ops.cover import covering
from daemon.engines.acestep.ops.reference import timbre
from daemon.engines.acestep.ops.repaint import recipe_for, repaint, spare_note
from daemon.engines.acestep.ops.sounding import edge_gain, hand_over, pieces_of
from daemon.engines.acestep.ops.wishes import solving, words
from daemon.engines.acestep.parts import Checkpoint
from daemon.engines.acestep.recipe import Recipe, as_document, recipes_of
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.tasks import able
from daemon.engines.acestep.text.prompt import Text, caption_and_lyrics
from daemon.engines.acestep.view import View, inside
from daemon.engines.base import Port, Request, Result

DRAWS = 3
"""Noises whose velocities are averaged at each step (ACE-Step's own value)."""
_LYRICS, _STYLE = (0.6, 1.0), (0.2, 0.4)
"""Shares of the steps between which the music moves; ACE-Step's own values."""
_MOVED = _STYLE[1] - _STYLE[0]
_AS_REPAINT = (
    "{} can't edit: the region was painted anew with the new lyrics. With base or sft what sounds "
    "beside the voice stays: punchin models pull sft"
)
_AS_COVER = (
    "{} can't edit: the region was covered in the new style. With base or sft more of it stays: "
    "punchin models pull sft"
)
_GUESSED = "The words of the clip as it was are what the language model heard: {!r}."
_UNKNOWN = (
    "Nobody told what the clip was made from, so more of it changes than has to: name the result "
    "with `of`, or punchin models pull lm-0.6b, which listens."
)


@dataclass(frozen=True)
class Words:
    """A caption and lyrics, and what to tell of where they are from."""

    caption: str
    lyrics: str
    notes: tuple[str, ...] = ()


def edit(session: Session, request: Request, port: Port) -> Result:
    """Edit the request's one span, all of the clip where it is that."""
    if able("flow-edit", session.found) is not None:
        return _by_flow(session, request, port)
    name = session.checkpoint_for("repaint").name
    if request.options.get("lyrics"):
        done = repaint(session, request, port)
        return replace(done, notes=(_AS_REPAINT.format(name), *done.notes))
    return _by_cover(session, request, port, (_AS_COVER.format(name),))


def extent(lyrics: bool, style: bool, strength: float | None) -> tuple[float, float]:
    """Return the shares of the steps at which the edit begins and at which the free part does.

    A new style needs more freedom than new words. `strength` 0…1 is the share of the steps that are
    not skipped.
    """
    begin, end = _STYLE if style else _LYRICS
    if strength is None:
        return begin, end
    begin = 1 - strength
    return begin, 1.0 if lyrics and not style else min(1.0, begin + _MOVED)


def _by_flow(session: Session, request: Request, port: Port) -> Result:
    options = request.options
    view = inside(request, request.spans[0])
    checkpoint = session.checkpoint_for("flow-edit")
    source = session.source(request, view, checkpoint, Share(port, 0.02, 0.15, "encoding"))
    gain = edge_gain(session, source, view, request, Share(port, 0.15, 0.17, "measuring"))
    old = _old_words(session, request, Share(port, 0.17, 0.25, "understanding"))
    problem, text, told = _problem(
        session, checkpoint, request, view, source, old, Share(port, 0.24, 0.25, "listening")
    )
    before, _ = words(request, "text2music", view, (), old.caption, old.lyrics)
    strength = options.get("strength")
    recipe = replace(
        recipe_for(request, checkpoint, view, text, problem, "text2music"),
        plain=before,
        extent=extent(bool(options.get("lyrics")), bool(options.get("prompt")), strength),
    )
    share = Share(port, 0.25, 0.85, "editing")
    made = edited(session, checkpoint, problem, recipe, share)
    return _handed(session, request, view, made, gain, port, recipe, (*old.notes, *told))


def edited(
    session: Session, checkpoint: Checkpoint, problem: Problem, recipe: Recipe, share: Share
) -> torch.Tensor:
    """Return the latents `(frames, C)` of a flow-edit from its recipe; `problem` is its end."""
    assert recipe.plain is not None
    assert recipe.extent is not None
    before, (begin, end) = session.conditions(checkpoint, recipe.plain), recipe.extent
    steps = len(problem.schedule)

    def draw(step: int) -> torch.Tensor:
        first = 1 + DRAWS * step
        return torch.stack([recipe.noise(checkpoint.channels, first + n) for n in range(DRAWS)])

    def moved() -> torch.Tensor:
        with session.working(checkpoint.transformer):
            return flow_edit(
                session.dit(checkpoint),
                problem,
                before,
                draw,
                begin,
                end,
                lambda i, t, x, v: share.tell(i / steps),
            )

    return made_finite(moved, lambda made: made, [checkpoint.transformer], "the music")[0]


def _problem(
    session: Session,
    checkpoint: Checkpoint,
    request: Request,
    view: View,
    source: torch.Tensor,
    old: Words,
    share: Share,
) -> tuple[Problem, Text, tuple[str, ...]]:
    """Return what flow-edit is to reach, its words and notes; what is not told stays as it was."""
    options = request.options
    text, told = words(
        request,
        "text2music",
        view,
        (),
        str(options.get("prompt") or old.caption),
        str(options.get("lyrics") or old.lyrics),
    )
    how = solving(request, checkpoint)
    about = timbre(session, request, share)
    problem = Problem(
        context=all_new(silence(checkpoint, view.frames)),
        noise=window_noise(request.seed, view.frames, [view.region], checkpoint.channels)[None],
        conditions=session.conditions(checkpoint, text, *about),
        schedule=how.schedule,
        guidance=how.guidance,
        keep=~new_frames(view.frames, view.new),
        source=source,
    )
    return problem, text, (*told, *how.notes)


def _old_words(session: Session, request: Request, share: Share) -> Words:
    """Return the words for the clip as it is."""
    of = request.options.get("of")
    for recipe in recipes_of(str(of)) if of else ():
        return Words(*caption_and_lyrics(recipe.text))
    known = understood(session, request, share)
    if known is None:
        return Words("", "", (_UNKNOWN,))
    caption = known.plan.caption or ""
    return Words(caption, known.lyrics, (_GUESSED.format(shorten(caption, 80)),))


def _by_cover(session: Session, request: Request, port: Port, notes: tuple[str, ...]) -> Result:
    """Cover the region by way of its codes, with the rest held in place."""
    view = inside(request, request.spans[0])
    checkpoint = session.checkpoint_for("cover")
    source = session.source(request, view, checkpoint, Share(port, 0.02, 0.18, "encoding"))
    gain = edge_gain(session, source, view, request, Share(port, 0.18, 0.2, "measuring"))
    about = timbre(session, request, Share(port, 0.2, 0.22, "listening"))
    codes = codes_of(checkpoint, source, port.check)
    problem, recipe, told = covering(session, checkpoint, request, view, codes, about)
    start, span = request.source_start, request.spans[0]
    recipe = replace(
        recipe,
        start=start + view.sample(0),
        span=(start + span.start, start + span.end),
        beside=True,
    )
    held = replace(problem, keep=~new_frames(view.frames, view.new), source=source)
    made = session.solve(checkpoint, held, Share(port, 0.22, 0.85, "playing"))[0]
    return _handed(session, request, view, made, gain, port, recipe, (*notes, *told))


def _handed(
    session: Session,
    request: Request,
    view: View,
    made: torch.Tensor,
    gain: float,
    port: Port,
    recipe: Recipe,
    notes: tuple[str, ...],
) -> Result:
    share = Share(port, 0.85, 1.0, "decoding")
    pieces = pieces_of(session, made, view, request.spans[0], request.handle, share)
    more = hand_over(pieces, "region", share, gain)
    told = (*notes, *spare_note(view), *more)
    return Result(request.key, told, as_document([recipe]), unused=("grid", "hold"))
