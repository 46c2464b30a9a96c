"""Three ways to an accompaniment of a vocal, each as latents of what the model plays.

- `complete`: the whole band at once, by the model's task of that name; the vocal may be sung again.
- `layer`: one track after the other by *lego*, each to the vocal and the tracks before it; nobody
  sings.
- `cover`: the clip again by way of its codes, as an accompaniment; any checkpoint can do it.

Latents are `(view.frames, C)` on the device, by stem; `song` is a whole mix, sung or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from daemon.engines.acestep.dit.context import codes_of
from daemon.engines.acestep.ops.cover import covering
from daemon.engines.acestep.ops.passages import passages_of
from daemon.engines.acestep.ops.playing import Score, asked, played, seen_by
from daemon.engines.acestep.ops.sounding import pieces_of
from daemon.engines.acestep.parts import Checkpoint
from daemon.engines.acestep.recipe import Recipe, Seeds
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Part, Share
from daemon.engines.acestep.tasks import Task
from daemon.engines.acestep.view import View
from daemon.engines.base import Request

Way = Literal["complete", "layer", "cover"]
WAYS: dict[Way, Task] = {"complete": "complete", "layer": "lego", "cover": "cover"}
"""The ways and the task that each needs, the one to try first first."""
SONG = "song"
Scores = Mapping[str, Score]
"""By stem, in the order in which they are played."""
_FREE = 0.2  # how far a cover leaves the clip where nobody says; ACE-Step's own DAW: 0.8 of it kept
_CAPTION = "accompaniment for vocals: {}"
_FRAMES_PER_CODE = 5


def ask(
    session: Session,
    request: Request,
    checkpoint: Checkpoint,
    view: View,
    way: Way,
    tracks: Sequence[str],
    share: Share,
) -> tuple[Scores, tuple[str, ...]]:
    """Return what the model is asked for that a vocal is accompanied by `tracks`, and notes."""
    if way == "cover":
        source = session.source(request, view, checkpoint, share)
        codes = codes_of(checkpoint, source, share.port.check)
        score, notes = _covering(session, request, checkpoint, codes, view.frames, tracks)
        return {SONG: score}, notes
    passages = passages_of(request.clip, view.frames)
    if way == "complete":
        score, notes = asked(session, request, checkpoint, passages, "complete", tracks, share.port)
        return {SONG: score}, notes
    told = {
        track: asked(session, request, checkpoint, passages, "lego", (track,), share.port)
        for track in tracks
    }
    noted = dict.fromkeys(note for _, notes in told.values() for note in notes)
    return {track: score for track, (score, _) in told.items()}, tuple(noted)


def play(
    session: Session,
    request: Request,
    checkpoint: Checkpoint,
    view: View,
    scores: Scores,
    rows: Sequence[Seeds],
    part: Part,
) -> list[dict[str, torch.Tensor]]:
    """Return what is played, by stem, for each of `rows`.

    Of several stems each is played to the clip and to those before it.
    """
    sources = torch.zeros(1, view.frames, checkpoint.channels)
    if not all(recipe.codes for score in scores.values() for recipe in score):
        encoding = part.share(0.0, 0.05, "encoding")
        sources = session.source(request, view, checkpoint, encoding)[None]
    together = [np.array(request.clip) for _ in rows] if len(scores) > 1 else []
    made: list[dict[str, torch.Tensor]] = [{} for _ in rows]
    for number, (stem, score) in enumerate(scores.items()):
        step = 0.95 * part.length / len(scores)
        one = Part(part.port, part.first + 0.05 * part.length + number * step, step)
        last = number + 1 == len(scores)
        stage = "playing" if stem == SONG else f"playing {stem}"
        share = one.share(0.0, 1.0 if last else 0.8, stage)
        found = played(session, request, checkpoint, view, sources, score, rows, share)
        for stems, row in zip(made, found, strict=True):
            stems[stem] = row
        if not last:
            after = Part(part.port, one.first + 0.8 * step, 0.2 * step)
            sources = _joined(session, request, view, checkpoint, together, found, after)
    return made


def as_parts(scores: Scores, way: Way, seeds: Seeds, balance: float | None) -> Score:
    """Return the recipes of an accompaniment in one row, as they are kept; see `as_scores`."""
    return tuple(
        replace(recipe, way=way, track=stem, seeds=seeds, balance=balance)
        for stem, score in scores.items()
        for recipe in score
    )


def as_scores(parts: Sequence[Recipe]) -> Scores:
    """Return the scores of recipes that were kept."""
    stems = dict.fromkeys(recipe.track for recipe in parts)
    return {stem: tuple(recipe for recipe in parts if recipe.track == stem) for stem in stems}


def _covering(
    session: Session,
    request: Request,
    checkpoint: Checkpoint,
    codes: Sequence[int],
    frames: int,
    tracks: Sequence[str],
) -> tuple[Score, tuple[str, ...]]:
    """Have the vocal covered as an accompaniment; `codes` are the clip's, of `frames` frames."""
    about = str(request.options.get("prompt", "")).strip() or ", ".join(tracks)
    strength = request.options.get("strength", _FREE)
    free = replace(request, options={**request.options, "strength": strength})
    score, notes = list[Recipe](), dict[str, None]()
    for number, passage in enumerate(passages_of(request.clip, frames)):
        seen = seen_by(passage)
        first, last = passage.first // _FRAMES_PER_CODE, -(-passage.last // _FRAMES_PER_CODE)
        caption, here = _CAPTION.format(about), codes[first:last]
        _, recipe, told = covering(
            session, checkpoint, free, seen, here, caption=caption, lyrics=""
        )
        score.append(replace(recipe, draw=number))
        notes |= dict.fromkeys(told)
    return tuple(score), tuple(notes)


def rendered(
    session: Session, request: Request, view: View, latents: torch.Tensor, share: Share
) -> np.ndarray:
    """Return the sound of latents over the request's span, `(span.frames, 2)`."""
    span = request.spans[0]
    out = np.zeros((span.frames, 2), np.float32)
    for at, samples in pieces_of(session, latents, view, span, 0, share):
        out[at - span.start : at - span.start + len(samples)] = samples
    return out


def _joined(
    session: Session,
    request: Request,
    view: View,
    checkpoint: Checkpoint,
    together: Sequence[np.ndarray],
    tracks: torch.Tensor,
    part: Part,
) -> torch.Tensor:
    """Add each row of `tracks` to its mix in `together`; return the mixes' latents `(B, T, C)`."""
    rows = []
    for n, (mix, track) in enumerate(zip(together, tracks, strict=True)):
        low, high = n / len(together), (n + 1) / len(together)
        share = part.share(low, (low + high) / 2, "decoding")
        sound = rendered(session, request, view, track, share)
        mix[: len(sound)] += sound[: len(mix)]
        heard = replace(request, clip=mix.copy(), source_mark="")
        share = part.share((low + high) / 2, high, "encoding")
        rows.append(session.source(heard, view, checkpoint, share))
    return torch.stack(rows)
