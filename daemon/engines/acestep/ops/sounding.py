"""From latents to chunks: what was made is decoded where it is wanted and handed over as it comes.

Samples are float32 `(n, 2)` at 48 kHz; spans and chunks lie in samples of the request's clip.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from daemon.audio.loudness import amplitude
from daemon.audio.seam import MOST_GAIN_DB, level_difference_db
from daemon.engines.acestep.parts import GRAIN, HOP, RATE
from daemon.engines.acestep.session import Session, Share
from daemon.engines.acestep.view import View
from daemon.engines.base import Chunk, Request, Span


def emit(
    session: Session,
    latents: torch.Tensor,
    view: View,
    span: Span,
    handle: int,
    role: str,
    gain: float,
    share: Share,
) -> None:
    """Hand over the sound of `span` and its handles, as far as the view holds them.

    `latents (view.frames, C)` are of the whole view; `gain` is a factor.
    """
    for at, samples in pieces(session, latents, view, span, handle, share):
        share.port.emit(Chunk(role, at, samples * np.float32(gain)))


def pieces(
    session: Session, latents: torch.Tensor, view: View, span: Span, handle: int, share: Share
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield `(sample, samples)` of `span` and its handles, as far as the view holds them."""
    low, high = view.samples()
    low, high = max(low, span.start - handle), min(high, span.end + handle)
    first, last = low // HOP - view.start, -(-high // HOP) - view.start
    for frame, samples in session.sound(latents, first, last, share):
        at = view.sample(frame)
        begin, end = max(low, at), min(high, at + len(samples))
        yield begin, samples[begin - at : end - at]


def edge_gain(
    session: Session, source: torch.Tensor, view: View, request: Request, share: Share
) -> float:
    """Return the factor that brings what the VAE makes of the clip to the clip's own level.

    Measured (K-weighted) on the 0.4 s of kept music before and after the region, so that it is
    known before anything is made; within ±3 dB, 1 where there is nothing to measure. `source
    (view.frames, C)` are the latents of the view.
    """
    found = []
    for start, end in _edges(view):
        at = view.sample(start)
        kept = np.asarray(request.clip[at : view.sample(end)])
        ((_, samples),) = session.sound(source, start, end, share)
        difference = level_difference_db(kept, samples[: len(kept)], RATE)
        if difference is not None:
            found.append(difference)
    wanted = sum(found) / len(found) if found else 0.0
    return amplitude(max(-MOST_GAIN_DB, min(MOST_GAIN_DB, wanted)))


def _edges(view: View) -> Iterator[tuple[int, int]]:
    """Yield the heard frames just before and just after the region, where there are any."""
    start, end = view.region
    for edge in (
        (max(view.heard[0], start - GRAIN), min(start, view.heard[1])),
        (max(end, view.heard[0]), min(view.heard[1], end + GRAIN)),
    ):
        if edge[0] < edge[1]:
            yield edge
