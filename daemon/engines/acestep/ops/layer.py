"""`layer`: one more instrument that plays to the clip, by the model's task *lego*."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from daemon.audio.loudness import amplitude, integrated_lufs
from daemon.engines.acestep.dit.context import new_frames, region
from daemon.engines.acestep.dit.noise import window_noise
from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.ops.finishing import timing
from daemon.engines.acestep.ops.passages import Passage, passages_of, solved
from daemon.engines.acestep.ops.repaint import spare_note
from daemon.engines.acestep.ops.sounding import hand_over, pieces_of
from daemon.engines.acestep.ops.tracks import track_of
from daemon.engines.acestep.ops.wishes import solving, words
from daemon.engines.acestep.parts import RATE, Checkpoint
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.solving import Takes
from daemon.engines.acestep.text.prompt import TRACKS
from daemon.engines.acestep.view import View, whole
from daemon.engines.base import Port, Request, Result

_DRAWS = 16
"""More than a clip has passages."""


def layer(session: Session, request: Request, port: Port) -> Result:
    """Add the instrument that `track` names. Raises 301 for one that the model does not know."""
    stem = str(request.options["track"])
    track = track_of(stem)
    view = whole(request)
    checkpoint = session.checkpoint_for("lego")
    source = session.source(request, view, checkpoint, Share(port, 0.02, 0.15, "encoding"))
    passages = passages_of(request.clip, view.frames)
    share = Share(port, 0.15, 0.85, f"playing {stem}")
    rows, told = added(session, request, checkpoint, view, source[None], track, passages, share)
    share = Share(port, 0.85, 1.0, "decoding")
    pieces = pieces_of(session, rows[0], view, request.spans[0], request.handle, share)
    gain = 1.0
    notes: tuple[str, ...] = ()
    if "balance" in request.options:
        held = list(pieces)
        gain, notes = balanced([held], request)
        pieces = iter(held)
    kept = [(0, len(request.clip))]
    finish = timing(session, request, rows[0], view, kept, share, gain)
    notes += hand_over(pieces, f"stem:{stem}", share, gain, finish)
    called = () if track == stem else (f"The model calls {stem} {track}.",)
    return Result(request.key, (*called, *told, *spare_note(view), *notes))


def added(
    session: Session,
    request: Request,
    checkpoint: Checkpoint,
    view: View,
    sources: torch.Tensor,
    track: str,
    passages: tuple[Passage, ...],
    share: Share,
    seeds: Sequence[int] = (),
) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Return the latents `(B, view.frames, C)` of a track to what sounds, and notes.

    `sources (1 or B, view.frames, C)`; one row for each of `seeds`, none: the request's own, with
    the job's later takes ahead.
    """
    how = solving(request, checkpoint)
    notes = dict.fromkeys(how.notes)
    # Tracks of one seed are drawn apart: they shall not move alike.
    own = _DRAWS * TRACKS.index(track)

    def noise(seed: int) -> torch.Tensor:
        return passage_noise((seed,), seen_by(passages[0]), own, checkpoint)[0]

    def problem(number: int, passage: Passage) -> Problem:
        seen = seen_by(passage)
        text, told = words(request, "lego", seen, (track,))
        notes.update(dict.fromkeys(told))
        new = new_frames(seen.frames, seen.new)
        heard = [region(source[passage.first : passage.last], new) for source in sources]
        return Problem(
            context=torch.cat(heard),
            noise=passage_noise(seeds or (request.seed,), seen, own + number, checkpoint),
            conditions=session.conditions(checkpoint, text),
            schedule=how.schedule,
            guidance=how.guidance,
        )

    takes = None if seeds else Takes(request.take, request.later_seeds, noise)
    return solved(session, checkpoint, view, passages, problem, share, takes), tuple(notes)


def seen_by(passage: Passage) -> View:
    """Return what a passage sees as a view that is all new."""
    frames = passage.last - passage.first
    return View(passage.first, frames, (0, frames), ((0, frames),))


def passage_noise(
    seeds: Sequence[int], seen: View, number: int, checkpoint: Checkpoint
) -> torch.Tensor:
    """Return the start noise `(B, frames, C)` of a passage; each has its own draw of a seed."""
    spans, channels = [seen.region], checkpoint.channels
    return torch.stack([window_noise(s, seen.frames, spans, channels, number) for s in seeds])


def balanced(
    stems: Sequence[Sequence[tuple[int, np.ndarray]]], request: Request
) -> tuple[float, tuple[str, ...]]:
    """Return the gain that brings the sum of `stems` to `balance` LU above the clip, and notes.

    A stem is pieces `(sample, samples (n, 2))`, the same for all stems.
    """
    together = np.concatenate([sum(p[1] for p in row) for row in zip(*stems, strict=True)])
    ours = integrated_lufs(together, RATE)
    clip = integrated_lufs(np.asarray(request.clip), RATE)
    if ours is None or clip is None:
        return 1.0, ("`balance` was not used: there is too little to hear to measure it.",)
    return amplitude(clip + float(request.options["balance"]) - ours), ()
