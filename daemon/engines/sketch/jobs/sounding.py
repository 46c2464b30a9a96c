"""From a plan to what the worker gets: rendered, mastered, cut to the span, handed over.

Engine samples are float32 `(frames, 2)`, render signals `(2, frames)`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from daemon.engines.base import Chunk, Port, Request, Span
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.plan.types import Plan
from daemon.engines.sketch.render.forecast import forecast
from daemon.engines.sketch.render.level import HOP_S
from daemon.engines.sketch.render.master import Beside
from daemon.engines.sketch.render.part import Window
from daemon.engines.sketch.render.stems import prepared, raw_stems, stretches
from daemon.engines.sketch.render.stream import Aim, mastering
from daemon.engines.sketch.render.tone import Array

_CHUNK_FRAMES = 1 << 19
_LOW_RATE = 32000  # at which sources below 22.05 kHz are rendered; theirs takes the top away
_LOW_RATE_HEADROOM_DB = 0.6  # by which a limited mix overshoots without its top


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


def play(
    studio: Studio, plan: Plan, request: Request, span: Span, wanted: Collection[str],
    beside: Beside | None, port: Port,
) -> None:  # fmt: skip
    """Render, master and hand over the stems of a plan that are `wanted`, as they are made.

    All stems count for the one common gain; `beside` is the voice, for whose peaks it makes room.
    """
    window, heard = window_of(request, span), heard_part(request, span)
    piece = prepared(plan, window, port.check)
    hop = round(HOP_S * request.rate)
    hops = -(-span.frames // hop)
    expected = forecast(piece, studio.bank, span.start, hops, port.check)
    aim = Aim(
        plan.mix.loudness_lufs, _ceiling_dbtp(plan, request.rate), plan.mix.fade_in_s,
        plan.mix.fade_out_s, heard, window.frames, request.rate,
    )  # fmt: skip
    raw = stretches(piece, studio.bank, port.check)
    at = window.start_frame
    for stems in mastering(raw, aim, expected, hop, beside, port.check):
        length = 0
        for name, stem in stems.items():
            port.check()
            length = stem.shape[1]
            if name in wanted and length:
                port.emit(Chunk(f"stem:{name}", at, np.ascontiguousarray(stem.T)))
        at += length
        port.progress((at - window.start_frame) / max(1, window.frames), "rendering")


def _ceiling_dbtp(plan: Plan, rate: int) -> float:
    """Return the ceiling that holds once the worker has taken the stems to the source's rate."""
    return plan.mix.ceiling_dbtp - (_LOW_RATE_HEADROOM_DB if rate == _LOW_RATE else 0.0)


def hand_over(role: str, span: Span, sound: np.ndarray, request: Request, port: Port) -> None:
    """Emit `(frames, 2)` samples that cover the span and its handles, in pieces."""
    assert sound.shape == (span.frames + 2 * request.handle, 2), sound.shape
    first = span.start - request.handle
    for at in range(0, len(sound), _CHUNK_FRAMES):
        port.check()
        piece = np.ascontiguousarray(sound[at : at + _CHUNK_FRAMES], dtype=np.float32)
        port.emit(Chunk(role, first + at, piece))
