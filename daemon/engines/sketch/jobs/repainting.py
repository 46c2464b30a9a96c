"""`repaint`: some bars of a clip anew, out of other bars of it or freshly written."""

from __future__ import annotations

import numpy as np

from daemon.engines.base import Port, Request, Result, Span
from daemon.engines.sketch.jobs.asking import key_of, wish_of
from daemon.engines.sketch.jobs.backing import known_chords, sung
from daemon.engines.sketch.jobs.regions import asks_for_new, new_material
from daemon.engines.sketch.jobs.sounding import Share, hand_over
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import Listening
from daemon.engines.sketch.plan.bars import bars_between
from daemon.engines.sketch.plan.harmonise import bridged, harmonise
from daemon.engines.sketch.plan.types import PlanChord
from daemon.engines.sketch.reuse import replace_bars

DEFAULT_STRENGTH = 0.5
_NEW_FROM = 0.75  # from this strength on nothing is reused
_CONTEXT_S = 8.0
_VOICE = ("singing", "speech", "silence")
_NEW_PARTS = "No other bars fit here; new parts were written on the clip's chords."
_ASKED = "New parts were written, as prompt or strength ask."


def repaint(studio: Studio, request: Request, port: Port) -> Result:
    """Return new material for the span and its handles."""
    port.progress(0.02, "listening")
    heard = studio.hear(request, port)
    port.progress(0.25, "arranging")
    wish = wish_of(studio, request, heard.onsets_per_beat)
    span = request.spans[0]
    strength = float(request.options.get("strength", DEFAULT_STRENGTH))
    wanted = asks_for_new(wish.caption) or strength >= _NEW_FROM
    own = None
    if not wanted and heard.kind not in _VOICE:
        own = replace_bars(
            request.clip,
            request.rate,
            heard,
            span.start,
            span.end,
            request.handle,
            request.seed,
            strength,
            port.check,
        )
    notes: tuple[str, ...] = ()
    if own is None:
        chords = _chords(request, heard, span, key_of(request, heard.key, wish.caption))
        context = _around(request, span)
        own = new_material(
            studio, request, span, heard, wish, context, chords, Share(port, 0.3, 0.95)
        )
        notes = (_ASKED if wanted else _NEW_PARTS, *wish.notes)
    hand_over("region", span, own, request, port)
    port.progress(1.0, "mixing")
    return Result(key=request.key or heard.key, notes=notes)


def _chords(
    request: Request, heard: Listening, span: Span, key: str
) -> list[PlanChord] | list[PlanChord | None]:
    """Return the chords that are heard, or those that suit the melody."""
    known = known_chords(heard, request.grid)
    if any(chord.name != "N" for chord in known):
        return known
    melody = sung(heard, request.grid)
    bars = bars_between(request.grid, span.start / request.rate, span.end / request.rate)
    if not melody:
        return []
    bar_s = request.grid.bars_length(span.start / request.rate, 1)
    return bridged(harmonise(melody, bars, key, bar_s))


def _around(request: Request, span: Span) -> np.ndarray:
    """Return the clip beside the span; all of it where the span leaves nothing."""
    reach = round(_CONTEXT_S * request.rate)
    before = request.clip[max(0, span.start - reach) : max(0, span.start)]
    after = request.clip[span.end : span.end + reach]
    beside = np.concatenate([before, after])
    return beside if len(beside) >= request.rate // 2 else request.clip
