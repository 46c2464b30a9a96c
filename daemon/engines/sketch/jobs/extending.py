"""`extend`: the clip goes on, or begins earlier, out of its own bars where they fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from daemon.engines.base import Port, Request, Result, Span
from daemon.engines.sketch.jobs.asking import Wish, ending_of, wish_of
from daemon.engines.sketch.jobs.enlivening import enlivened
from daemon.engines.sketch.jobs.likeness import like_the_clip
from daemon.engines.sketch.jobs.regions import asks_for_new, chords_beyond, new_material
from daemon.engines.sketch.jobs.sounding import Share, hand_over
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.jobs.surroundings import Surroundings
from daemon.engines.sketch.listen import Listening
from daemon.engines.sketch.plan.bars import Bar, bars_between
from daemon.engines.sketch.reuse import continue_from

_CONTEXT_S = 12.0
_NEW_PARTS = "The clip has no bars to build on; new parts were written in its key and level."
_ASKED = "The prompt asks for something else than the clip: new parts were written."
_ENDED = "The last bar was written anew, as an ending in the clip's key."
_NO_END = "No ending was written: nothing new follows the clip; extend it after its end for one."
_BEFORE_BEAT_S = 0.012  # a splice this far before the beat is not heard
_FADE_S = 0.006


def extend(studio: Studio, request: Request, port: Port) -> Result:
    """Return new material for every span; the handle towards the clip is the clip's own audio."""
    port.progress(0.02, "listening")
    heard = studio.hear(request, port, whole=False)
    like = like_the_clip(studio, request, request.spans[0], heard, port.check)
    wish = wish_of(studio, request, heard.onsets_per_beat, like=like, like_what="the clip")
    notes: list[str] = []
    for i, span in enumerate(request.spans):
        share = Share(port, 0.25 + 0.35 * i, 0.6 + 0.35 * i)
        share.progress(0.0, "arranging")
        sound, told = _one_side(studio, request, span, heard, wish, share)
        hand_over("region", span, _joined(sound, request, span), request, port)
        notes += [note for note in told if note not in notes]
    if ending_of(request.options, False) and not any(map(_is_after, request.spans)):
        notes.append(_NO_END)
    port.progress(1.0, "mixing")
    return Result(key=request.key or heard.key, notes=tuple(notes))


def _one_side(
    studio: Studio, request: Request, span: Span, heard: Listening, wish: Wish, port: Port
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the samples of a span with handles, and what to tell about them."""
    last = _last_bar(request, span)
    wanted = asks_for_new(request, wish.caption)
    if not wanted and heard.kind != "silence":
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
            first, then = Share(port, 0.0, 0.5), Share(port, 0.5, 1.0)
            sound, told = enlivened(studio, request, span, heard, wish, own, first)
            if last is None:
                return sound, told
            sound = _closed(studio, request, span, heard, wish, sound, last, then)
            return sound, (*told, _ENDED)
    around = _around(studio, request, span)
    chords = chords_beyond(heard, request, span)
    sound = new_material(studio, request, span, heard, wish, around, chords, port, last)
    return sound, ((_ASKED if wanted else _NEW_PARTS), *wish.notes)


def _last_bar(request: Request, span: Span) -> Bar | None:
    """Return the bar that closes the piece, None where it does not end with this span."""
    if not ending_of(request.options, False) or not _is_after(span):
        return None
    end_s = span.end / request.rate
    bars = bars_between(request.grid, span.start / request.rate, end_s)
    inside = request.grid.quarter_at(end_s) - bars[-1].start
    return bars[-2] if len(bars) > 1 and inside < bars[-1].quarters / 2 else bars[-1]


def _closed(
    studio: Studio, request: Request, span: Span, heard: Listening, wish: Wish, own: np.ndarray,
    last: Bar, port: Port,
) -> np.ndarray:  # fmt: skip
    """Return `own` with new parts in its last bar, which were written from the bar before on."""
    grid, rate = request.grid, request.rate
    line = grid.second_at(last.start)
    lead_in = round((line - grid.bars_length(line, 1, backwards=True)) * rate)
    tail = Span(max(span.start, lead_in), span.end)
    around, chords = _around(studio, request, span), chords_beyond(heard, request, span)
    if heard.kind == "drums" and wish.style.drums is not None:
        wish = replace(wish, style=replace(wish.style, parts=()))  # nobody else is in the clip
    new = new_material(studio, request, tail, heard, wish, around, chords, port, last)
    cut = round((line - _BEFORE_BEAT_S) * rate) - (span.start - request.handle)
    cut = max(cut, 2 * request.handle)
    fade = max(1, round(_FADE_S * rate))
    weight = np.clip((np.arange(len(own)) - cut) / fade, 0.0, 1.0)[:, None]
    late = np.zeros_like(own)
    late[len(own) - len(new) :] = new
    return np.asarray(np.sqrt(1 - weight) * own + np.sqrt(weight) * late, np.float32)


def _is_after(span: Span) -> bool:
    return span.start >= 0


def _around(studio: Studio, request: Request, span: Span) -> Surroundings:
    return studio.surroundings(request, span, lambda: _nearest(request, span))


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
