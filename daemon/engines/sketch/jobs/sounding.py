"""From a plan to what the worker gets: rendered, mastered, cut to the span, handed over.

Engine samples are float32 `(frames, 2)`, render signals `(2, frames)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from daemon.engines.base import Chunk, Port, Request, Span
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.plan.types import Plan
from daemon.engines.sketch.render.master import fades, master_gain
from daemon.engines.sketch.render.part import Window
from daemon.engines.sketch.render.stems import raw_stems
from daemon.engines.sketch.render.tone import Array

_CHUNK_FRAMES = 1 << 19


@dataclass(frozen=True)
class Share:
    """A port whose progress is a share `[begin, end]` of the whole job's."""

    port: Port
    begin: float
    end: float

    def check(self) -> None:
        """Raise `Cancelled` if the job was cancelled."""
        self.port.check()

    def progress(self, fraction: float, stage: str) -> None:
        """Report 0…1 of this share."""
        self.port.progress(self.begin + (self.end - self.begin) * fraction, stage)

    def emit(self, chunk: Chunk) -> None:
        """Hand over new material."""
        self.port.emit(chunk)


def window_of(request: Request, span: Span) -> Window:
    """Return the frames to render for a span: it and a handle on either side."""
    return Window(span.start - request.handle, span.frames + 2 * request.handle, request.rate)


def heard_part(request: Request, span: Span) -> slice:
    """Return where the span itself lies in its window."""
    return slice(request.handle, request.handle + span.frames)


def rendered(
    studio: Studio, plan: Plan, request: Request, span: Span, port: Port
) -> dict[str, Array]:
    """Return the plan's stems in the span's window."""
    return raw_stems(
        plan,
        studio.bank,
        window_of(request, span),
        port.check,
        lambda fraction: port.progress(fraction, "rendering"),
    )


def mastered(
    stems: Mapping[str, Array], plan: Plan, request: Request, span: Span, beside: Array | None,
    port: Port,
) -> dict[str, Array]:  # fmt: skip
    """Return the stems under one common gain: loudness, ceiling, fades."""
    heard = heard_part(request, span)
    mix = np.zeros((2, window_of(request, span).frames), np.float32)
    for stem in stems.values():
        port.check()
        mix += stem
    gain = master_gain(
        mix, request.rate, plan.mix.loudness_lufs, plan.mix.ceiling_dbtp, heard, beside, port.check
    )
    gain *= fades(len(gain), request.rate, plan.mix.fade_in_s, plan.mix.fade_out_s, heard)
    for stem in stems.values():
        port.check()
        stem *= gain
    return dict(stems)


def hand_over(role: str, span: Span, sound: np.ndarray, request: Request, port: Port) -> None:
    """Emit `(frames, 2)` samples that cover the span and its handles, in pieces."""
    assert sound.shape == (span.frames + 2 * request.handle, 2), sound.shape
    first = span.start - request.handle
    for at in range(0, len(sound), _CHUNK_FRAMES):
        port.check()
        piece = np.ascontiguousarray(sound[at : at + _CHUNK_FRAMES], dtype=np.float32)
        port.emit(Chunk(role, first + at, piece))
