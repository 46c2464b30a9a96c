"""From latents to chunks: what was made is decoded where it is wanted and handed over as it comes.

Samples are float32 `(n, 2)` at 48 kHz; spans and chunks lie in samples of the request's clip.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch

from daemon.audio.loudness import amplitude
from daemon.audio.seam import MOST_GAIN_DB, level_difference_db
from daemon.engines.acestep.dit.noise import window_noise
from daemon.engines.acestep.latents.decode import HALO
from daemon.engines.acestep.parts import GRAIN, HOP, RATE, Checkpoint
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.solving import Glance, Takes
from daemon.engines.acestep.view import View
from daemon.engines.base import Chunk, Request, Span

Piece = tuple[int, np.ndarray]
"""The sample at which it begins, and samples."""
Finish = Callable[[int, np.ndarray], tuple[np.ndarray, tuple[str, ...]]]
"""`finish(start, samples) -> (samples, notes)`: a correction of all that was made of a span."""

_CEILING = 0.989  # −0.1 dBFS
_EMITTED = 1 << 18


def hand_over(
    pieces: Iterable[Piece],
    role: str,
    share: Share,
    gain: float = 1.0,
    finish: Finish | None = None,
) -> tuple[str, ...]:
    """Hand over `pieces`, which follow each other, times `gain`; return notes.

    With `finish` they are provisional, and follow once more as it leaves them.
    """
    held: list[Piece] = []
    for at, samples in pieces:
        louder = samples * np.float32(gain)
        share.port.emit(Chunk(role, at, louder, provisional=finish is not None))
        if finish is not None:
            held.append((at, louder))
    if finish is None or not held:
        return ()
    start = held[0][0]
    whole, notes = finish(start, np.concatenate([samples for _, samples in held]))
    for at in range(0, len(whole), _EMITTED):
        share.port.emit(Chunk(role, start + at, whole[at : at + _EMITTED]))
    return notes


def pieces_of(
    session: Session,
    latents: torch.Tensor,
    view: View,
    span: Span,
    handle: int,
    share: Share,
    late: int = 0,
    final: bool = True,
) -> Iterator[Piece]:
    """Yield the sound of `span` and its handles, as far as the view holds them.

    `latents (view.frames, C)` are of the whole view; they sound `late` samples too late. What is
    `final` is known again in a later clip.
    """
    low, high = view.samples()
    low, high = max(low, span.start - handle + late), min(high, span.end + handle + late)
    first, last = low // HOP - view.start, -(-high // HOP) - view.start
    plain = []
    for frame, samples in session.sound(latents, first, last, share):
        at = view.sample(frame)
        begin, end = max(low, at), min(high, at + len(samples))
        yield begin - late, samples[begin - at : end - at]
        plain.append(samples)
    if final:
        session.own.keep(latents[first:last], np.concatenate(plain), session.job)


def takes_of(request: Request, view: View, checkpoint: Checkpoint) -> Takes:
    """Return the takes of a job whose start noise is drawn for the view's region."""

    def noise(seed: int) -> torch.Tensor:
        return window_noise(seed, view.frames, [view.region], checkpoint.channels)

    return Takes(request.take, request.later_seeds, noise)


def glance_of(
    session: Session,
    view: View,
    span: Span,
    role: str,
    share: Share,
    gain: float = 1.0,
) -> Glance:
    """Return what hands over, as provisional, what is foreseen of `span` half-way in `share`."""
    middle = share.first + 0.5 * (share.last - share.first)
    here = Share(share.port, middle, middle, share.stage)

    def glance(latents: torch.Tensor) -> None:
        for at, samples in pieces_of(session, latents, view, span, 0, here, final=False):
            share.port.emit(Chunk(role, at, samples * np.float32(gain), provisional=True))

    return glance


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
        share.tell(0.0)
        heard = source[max(0, start - HALO) : end + HALO]
        key = ("edge", zlib.crc32(kept.tobytes()), zlib.crc32(heard.numpy().tobytes()))
        measured = session.kept.get(key)
        if measured is None:
            ((_, samples),) = session.sound(source, start, end, share)
            measured = session.kept.put(
                key, (level_difference_db(kept, samples[: len(kept)], RATE),)
            )
        if measured[0] is not None:
            found.append(measured[0])
    return within_3_db(sum(found) / len(found) if found else 0.0)


def within_3_db(wanted_db: float) -> float:
    """Return the factor of a gain in dB, at most 3 dB up or down."""
    return amplitude(max(-MOST_GAIN_DB, min(MOST_GAIN_DB, wanted_db)))


def below_full_scale(start: int, samples: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Lower a whole piece that is too loud so that its peak is −0.1 dBFS; a `Finish`."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak <= _CEILING:
        return samples, ()
    by_db = 20 * np.log10(peak / _CEILING)
    note = f"The model's result was above full scale and was lowered by {by_db:.1f} dB."
    return samples * np.float32(_CEILING / peak), (note,) if by_db >= 1 else ()


def _edges(view: View) -> Iterator[tuple[int, int]]:
    """Yield the heard frames just before and just after the region, where there are any."""
    start, end = view.region
    for edge in (
        (max(view.heard[0], start - GRAIN), min(start, view.heard[1])),
        (max(end, view.heard[0]), min(view.heard[1], end + GRAIN)),
    ):
        if edge[0] < edge[1]:
            yield edge
