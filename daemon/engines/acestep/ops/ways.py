"""Three ways to an accompaniment of a vocal, each as latents of what the model plays.

- `complete`: the whole band at once, by the model's task of that name; the vocal may be sung again.
- `layer`: one track after the other by *lego*, each to the vocal and the tracks before it; nobody
  sings.
- `cover`: the clip again by way of its codes, as an accompaniment; any checkpoint can do it.

Latents are `(view.frames, C)` on the device, by stem; `song` is a whole mix, sung or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from daemon.engines.acestep.dit.context import codes_of
from daemon.engines.acestep.dit.context import whole as all_new
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.ops.cover import covering
from daemon.engines.acestep.ops.layer import added, passage_noise, seen_by
from daemon.engines.acestep.ops.passages import Passage, passages_of, solved
from daemon.engines.acestep.ops.sounding import pieces_of
from daemon.engines.acestep.ops.wishes import solving, words
from daemon.engines.acestep.parts import Checkpoint
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Part, Share
from daemon.engines.acestep.tasks import Task
from daemon.engines.acestep.view import View
from daemon.engines.base import Request

Way = Literal["complete", "layer", "cover"]
WAYS: dict[Way, Task] = {"complete": "complete", "layer": "lego", "cover": "cover"}
"""The ways and the task that each needs, the one to try first first."""
SONG = "song"
_FREE = 0.2  # how far a cover leaves the clip where nobody says; ACE-Step's own DAW: 0.8 of it kept
_CAPTION = "accompaniment for vocals: {}"
_FRAMES_PER_CODE = 5


@dataclass(frozen=True, eq=False)
class Played:
    """What the model played: latents by stem, or of the whole `song`; with notes."""

    latents: dict[str, torch.Tensor]
    notes: tuple[str, ...] = ()


def by_complete(
    session: Session,
    request: Request,
    view: View,
    tracks: Sequence[str],
    seeds: Sequence[int],
    part: Part,
) -> list[Played]:
    """Let the model complete the vocal with `tracks`."""
    checkpoint = session.checkpoint_for("complete")
    source = session.source(request, view, checkpoint, part.share(0.0, 0.1, "encoding"))
    how = solving(request, checkpoint)
    notes = dict.fromkeys(how.notes)

    def problem(number: int, passage: Passage) -> Problem:
        seen = seen_by(passage)
        text, told = words(request, "complete", seen, tuple(tracks))
        notes.update(dict.fromkeys(told))
        return Problem(
            context=all_new(source[passage.first : passage.last]),
            noise=passage_noise(seeds, seen, number, checkpoint),
            conditions=session.conditions(checkpoint, text),
            schedule=how.schedule,
            guidance=how.guidance,
        )

    passages = passages_of(request.clip, view.frames)
    share = part.share(0.1, 1.0, "playing")
    rows = solved(session, checkpoint, view, passages, problem, share)
    return [Played({SONG: row}, tuple(notes)) for row in rows]


def by_layer(
    session: Session,
    request: Request,
    view: View,
    tracks: Sequence[str],
    seeds: Sequence[int],
    part: Part,
) -> list[Played]:
    """Let the model add `tracks` one by one, each to all that is there."""
    checkpoint = session.checkpoint_for("lego")
    passages = passages_of(request.clip, view.frames)
    encoding = part.share(0.0, 0.05, "encoding")
    sources = session.source(request, view, checkpoint, encoding)[None]
    together = [np.array(request.clip) for _ in seeds]
    made: list[dict[str, torch.Tensor]] = [{} for _ in seeds]
    notes = dict[str, None]()
    for number, track in enumerate(tracks):
        step = 0.95 * part.length / len(tracks)
        one = Part(part.port, part.first + 0.05 * part.length + number * step, step)
        share = one.share(0.0, 0.8, f"playing {track}")
        rows, told = added(
            session, request, checkpoint, view, sources, track, passages, share, seeds
        )
        notes |= dict.fromkeys(told)
        for stems, row in zip(made, rows, strict=True):
            stems[track] = row
        if number + 1 < len(tracks):
            after = Part(part.port, one.first + 0.8 * step, 0.2 * step)
            sources = _joined(session, request, view, checkpoint, together, rows, after)
    return [Played(stems, tuple(notes)) for stems in made]


def by_cover(
    session: Session,
    request: Request,
    view: View,
    tracks: Sequence[str],
    seeds: Sequence[int],
    part: Part,
) -> list[Played]:
    """Let the model cover the vocal as an accompaniment."""
    checkpoint = session.checkpoint_for("cover")
    source = session.source(request, view, checkpoint, part.share(0.0, 0.1, "encoding"))
    part.port.check()
    codes = codes_of(checkpoint, source)
    about = str(request.options.get("prompt", "")).strip() or ", ".join(tracks)
    strength = request.options.get("strength", _FREE)
    asked = replace(request, options={**request.options, "strength": strength})
    notes = dict[str, None]()

    def problem(number: int, passage: Passage) -> Problem:
        seen = seen_by(passage)
        first, last = passage.first // _FRAMES_PER_CODE, -(-passage.last // _FRAMES_PER_CODE)
        caption = _CAPTION.format(about)
        made, _, told = covering(
            session, checkpoint, asked, seen, codes[first:last], caption=caption, lyrics=""
        )
        notes.update(dict.fromkeys(told))
        return replace(made, noise=passage_noise(seeds, seen, number, checkpoint))

    passages = passages_of(request.clip, view.frames)
    share = part.share(0.1, 1.0, "playing")
    rows = solved(session, checkpoint, view, passages, problem, share)
    return [Played({SONG: row}, tuple(notes)) for row in rows]


Player = Callable[[Session, Request, View, Sequence[str], Sequence[int], Part], list[Played]]
PLAY: dict[Way, Player] = {"complete": by_complete, "layer": by_layer, "cover": by_cover}
"""`play(session, request, view, tracks, seeds, part)`: one accompaniment a seed, as one batch."""


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
