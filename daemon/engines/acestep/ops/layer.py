"""`layer`: one more instrument that plays to the clip, by the model's task *lego*."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from daemon.audio.loudness import amplitude, integrated_lufs
from daemon.engines.acestep.ops.finishing import timing
from daemon.engines.acestep.ops.passages import passages_of
from daemon.engines.acestep.ops.playing import Score, asked, played
from daemon.engines.acestep.ops.repaint import spare_note
from daemon.engines.acestep.ops.sounding import hand_over, pieces_of
from daemon.engines.acestep.ops.tracks import track_of
from daemon.engines.acestep.parts import RATE, Checkpoint
from daemon.engines.acestep.recipe import SeedsOf, alone, as_document
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.solving import Takes
from daemon.engines.acestep.view import whole
from daemon.engines.base import Port, Request, Result


def layer(session: Session, request: Request, port: Port) -> Result:
    """Add the instrument that `track` names. Raises 301 for one that the model does not know."""
    stem = str(request.options["track"])
    track = track_of(stem)
    view = whole(request)
    checkpoint = session.checkpoint_for("lego")
    passages = passages_of(request.clip, view.frames)
    score, told = asked(session, request, checkpoint, passages, "lego", (track,), port)
    balance = request.options.get("balance")
    score = tuple(replace(one, track=stem, balance=balance) for one in score)
    notes = play_layer(session, request, checkpoint, score, alone, port)
    called = () if track == stem else (f"The model calls {stem} {track}.",)
    told = (*called, *told, *spare_note(view), *notes)
    return Result(request.key, told, as_document(score), unused=("reference", "strength"))


def play_layer(
    session: Session,
    request: Request,
    checkpoint: Checkpoint,
    score: Score,
    seeds_of: SeedsOf,
    port: Port,
) -> tuple[str, ...]:
    """Play a layer to the request's clip and hand it over as the stem it is; return notes."""
    stem, view = score[0].track, whole(request)
    source = session.source(request, view, checkpoint, Share(port, 0.02, 0.15, "encoding"))
    share = Share(port, 0.15, 0.85, f"playing {stem}")
    takes = Takes(
        request.take,
        request.later_seeds,
        lambda seed: replace(score[0], seeds=seeds_of(seed)).noise(checkpoint.channels),
    )
    rows = [seeds_of(request.seed)]
    made = played(session, request, checkpoint, view, source[None], score, rows, share, takes)[0]
    share = Share(port, 0.85, 1.0, "decoding")
    pieces = pieces_of(session, made, view, request.spans[0], request.handle, share)
    gain = 1.0
    notes: tuple[str, ...] = ()
    if score[0].balance is not None:
        held = list(pieces)
        gain, notes = balanced([held], request, score[0].balance)
        pieces = iter(held)
    kept = [(0, len(request.clip))]
    finish = timing(session, request, made, view, kept, share, gain)
    return (*notes, *hand_over(pieces, f"stem:{stem}", share, gain, finish))


def balanced(
    stems: Sequence[Sequence[tuple[int, np.ndarray]]], request: Request, balance_lu: float
) -> tuple[float, tuple[str, ...]]:
    """Return the gain that brings the sum of `stems` to `balance_lu` above the clip, and notes.

    A stem is pieces `(sample, samples (n, 2))`, the same for all stems.
    """
    together = np.concatenate([sum(p[1] for p in row) for row in zip(*stems, strict=True)])
    ours = integrated_lufs(together, RATE)
    span = request.spans[0]
    clip = integrated_lufs(np.asarray(request.clip[span.start : span.end]), RATE)
    if ours is None or clip is None:
        return 1.0, ("`balance` was not used: there is too little to hear to measure it.",)
    return amplitude(clip + balance_lu - ours), ()
