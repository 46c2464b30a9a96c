"""`extend`: the clip goes on, or begins earlier, out of its own bars where they fit."""

from __future__ import annotations

import numpy as np

from daemon.engines.base import Port, Request, Result, Span
from daemon.engines.sketch.jobs.asking import Wish, wish_of
from daemon.engines.sketch.jobs.regions import asks_for_new, chords_beyond, new_material
from daemon.engines.sketch.jobs.sounding import Share, hand_over
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import Listening
from daemon.engines.sketch.reuse import continue_from

_CONTEXT_S = 12.0
_NEW_PARTS = "The clip has no bars to build on; new parts were written in its key and level."
_ASKED = "The prompt asks for something else than the clip: new parts were written."
_VOICE = ("singing", "speech", "silence")


def extend(studio: Studio, request: Request, port: Port) -> Result:
    """Return new material for every span; the handle towards the clip is the clip's own audio."""
    port.progress(0.02, "listening")
    heard = studio.hear(request, port)
    wish = wish_of(studio, request, heard.onsets_per_beat)
    notes: list[str] = []
    for i, span in enumerate(request.spans):
        share = Share(port, 0.25 + 0.35 * i, 0.6 + 0.35 * i)
        share.progress(0.0, "arranging")
        sound, told = _one_side(studio, request, span, heard, wish, share)
        hand_over("region", span, _joined(sound, request, span), request, port)
        notes += [note for note in told if note not in notes]
    port.progress(1.0, "mixing")
    return Result(key=request.key or heard.key, notes=tuple(notes))


def _one_side(
    studio: Studio, request: Request, span: Span, heard: Listening, wish: Wish, port: Port
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the samples of a span with handles, and what to tell about them."""
    wanted = asks_for_new(wish.caption)
    if not wanted and heard.kind not in _VOICE:
        own = continue_from(
            request.clip,
            request.rate,
            heard,
            span.frames,
            request.handle,
            _is_after(span),
            request.seed,
            port.check,
        )
        if own is not None:
            return own, ()
    context = _nearest(request, span)
    chords = chords_beyond(heard, request, span)
    sound = new_material(studio, request, span, heard, wish, context, chords, port)
    return sound, ((_ASKED if wanted else _NEW_PARTS), *wish.notes)


def _is_after(span: Span) -> bool:
    return span.start >= 0


def _nearest(request: Request, span: Span) -> np.ndarray:
    frames = round(_CONTEXT_S * request.rate)
    return request.clip[-frames:] if _is_after(span) else request.clip[:frames]


def _joined(sound: np.ndarray, request: Request, span: Span) -> np.ndarray:
    """Put the clip's own samples where the span's handle reaches into the clip."""
    out = np.array(sound, np.float32)
    first = span.start - request.handle
    a, b = max(0, first), min(len(request.clip), first + len(out))
    if b > a:
        out[a - first : b - first] = request.clip[a:b]
    return out
