"""What is done to a whole piece of new music once it is decoded: colour, timing, full scale.

Samples are float32 `(n, 2)` at 48 kHz, in samples of the request's clip.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from daemon.engines.acestep.dit.sampler import Problem
from daemon.engines.acestep.grid.colour import coloured, curve_of
from daemon.engines.acestep.grid.correct import Beat, beat_of, on_the_beat
from daemon.engines.acestep.ops.sounding import (
    Finish,
    below_full_scale,
    glance_of,
    hand_over,
    pieces_of,
)
from daemon.engines.acestep.parts import FRAMES_PER_S, GRAIN, Checkpoint
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.solving import Takes
from daemon.engines.acestep.view import View
from daemon.engines.base import Request, Span

_COLOUR_FRAMES = 4 * FRAMES_PER_S
"""Frames of kept music on each side that the colour is measured on."""


def one_after_the_other(*steps: Finish | None) -> Finish | None:
    """Return what does all of `steps`, None where there are none."""
    todo = [step for step in steps if step is not None]

    def finish(start: int, samples: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        notes: tuple[str, ...] = ()
        for step in todo:
            samples, told = step(start, samples)
            notes += told
        return samples, notes

    return finish if todo else None


def timing(
    session: Session,
    request: Request,
    latents: torch.Tensor,
    view: View,
    kept: Sequence[tuple[int, int]],
    share: Share,
    gain: float = 1.0,
    late: int = 0,
) -> Finish | None:
    """Return what holds new music against the beat, and by the key `grid` moves it there.

    `kept` are stretches of samples of the clip that it is held against; without any it is the told
    grid. `latents`, `gain` and `late` are as they were decoded with. None where nothing is to be
    measured.
    """
    mode = str(request.options.get("grid", "correct"))
    if mode == "off" or not (request.grid_told or kept):
        return None
    here = Share(share.port, share.last, share.last, "timing")

    def finish(start: int, samples: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        here.tell(0.0)
        span = request.spans[0]
        beat = beat_of_kept(session, request, kept)

        def fetch(low: int, high: int) -> np.ndarray:
            if start <= low and high <= start + len(samples):
                return samples[low - start : high - start]
            out = np.zeros((high - low, 2), np.float32)
            wanted = Span(low, high)
            for at, piece in pieces_of(session, latents, view, wanted, 0, here, late, final=False):
                out[at - low : at - low + len(piece)] = piece * np.float32(gain)
            return out

        new, moved = on_the_beat(
            fetch, (span.start, span.end), request.handle, beat, mode == "correct"
        )
        if new is not None:
            first = start - (span.start - request.handle)
            samples = new[first : first + len(samples)]
        return samples, moved.notes()

    return finish


def piece_made(
    session: Session,
    request: Request,
    checkpoint: Checkpoint,
    view: View,
    problem: Problem,
    takes: Takes | None,
    work: Share,
    role: str,
    kept: Sequence[tuple[int, int]] | None,
) -> tuple[str, ...]:
    """Solve what is new from end to end and hand it over as `role`; return notes.

    `work` is the share of the solving, decoding follows it. `kept` is as for `timing`; None leaves
    the beat as it is.
    """
    span = request.spans[0]
    glance = glance_of(session, view, span, role, work)
    made = session.solve(checkpoint, problem, work, takes, glance)[0]
    share = Share(work.port, work.last, 1.0, "decoding")
    pieces = pieces_of(session, made, view, span, request.handle, share)
    moved = None if kept is None else timing(session, request, made, view, kept, share)
    finish = one_after_the_other(moved, below_full_scale)
    return hand_over(pieces, role, share, finish=finish)


def listen_ahead(session: Session, request: Request, kept: Sequence[tuple[int, int]]) -> None:
    """Read the beat of the kept music before it is wanted, so that a preparation has done it."""
    if request.options.get("grid") != "off" and request.source_mark:
        beat_of_kept(session, request, kept)


def beat_of_kept(session: Session, request: Request, kept: Sequence[tuple[int, int]]) -> Beat:
    """Return the beat of the kept music; for another take of a job it was read before."""

    def read() -> Beat:
        return beat_of(np.asarray(request.clip), kept, request.grid, request.grid_told)

    if not request.source_mark:
        return read()
    grid = (tuple(map(tuple, request.grid.rows())), request.grid.downbeat, request.grid_told)
    key = ("beat", request.source_mark, request.source_start, len(request.clip), tuple(kept), grid)
    return session.kept.made(key, read)


def colouring(
    session: Session, request: Request, source: torch.Tensor, view: View, share: Share
) -> Finish | None:
    """Return what takes the VAE's colour back, None where it was not asked for.

    `source (view.frames, C)` are the latents of the view.
    """
    if not request.options.get("matching_eq"):
        return None
    kept, decoded = [], []
    for start, end in _kept_frames(view):
        at = view.sample(start)
        clip = np.asarray(request.clip[at : view.sample(end)])
        sound = np.concatenate([s for _, s in session.sound(source, start, end, share)])
        kept.append(clip)
        decoded.append(sound[: len(clip)])
    curve = curve_of(np.concatenate(kept), np.concatenate(decoded)) if kept else None
    if curve is None:
        return lambda start, samples: (samples, ("matching_eq: there is no music to match.",))
    most = float(np.abs(curve).max())
    note = f"matching_eq: by at most {most:.1f} dB."
    return lambda start, samples: (coloured(samples, curve), (note,))


def _kept_frames(view: View) -> list[tuple[int, int]]:
    start, end = view.region
    before = max(view.heard[0], start - _COLOUR_FRAMES), min(start, view.heard[1])
    after = max(end, view.heard[0]), min(view.heard[1], end + _COLOUR_FRAMES)
    return [(a, b) for a, b in (before, after) if b - a >= GRAIN]
