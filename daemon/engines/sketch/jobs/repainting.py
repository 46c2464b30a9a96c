"""`repaint`: some bars of a clip anew, out of other bars of it or freshly written."""

from __future__ import annotations

import numpy as np

from daemon.engines.base import Port, Request, Result, Span
from daemon.engines.sketch.jobs.asking import Wish, key_of, wish_of
from daemon.engines.sketch.jobs.backing import known_chords, sung
from daemon.engines.sketch.jobs.levelling import beside, blended, levelled
from daemon.engines.sketch.jobs.likeness import like_the_clip
from daemon.engines.sketch.jobs.regions import asks_for_new, new_material
from daemon.engines.sketch.jobs.softening import softened
from daemon.engines.sketch.jobs.sounding import Share, hand_over
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import Listening
from daemon.engines.sketch.plan.bars import bars_between
from daemon.engines.sketch.plan.harmonise import bridged, harmonise
from daemon.engines.sketch.plan.told_chords import told_chords
from daemon.engines.sketch.plan.types import PlanChord
from daemon.engines.sketch.reuse import replace_bars

DEFAULT_STRENGTH = 0.5
_NEW_FROM = 0.75  # from this strength on all is new; from half of it where a prompt asks
# Over the source itself, which alone would be no new take: by default it lies 19 dB below.
_SHARE_OVER_OWN = (0.0, 0.3, 0.5, _NEW_FROM), (0.2, 0.6, 0.93, 1.0)
_MIDDLE = 0.5  # at this strength any bar that fits is as good as the nearest
_SHARE_IN_MIDDLE = 0.45
_VOICE = ("singing", "speech", "silence")
_REUSED = "Other bars of the clip with the same harmony were used."
_PLAYED_TO = "A little was played to them, as strength asks."
_NEW_AND_OWN = (
    "No other bars fit here; new parts were mixed with what was there. From strength 0.75 on "
    "nothing of it is kept."
)
_NEW_AND_OTHER = "Other bars of the clip were used, and new parts were mixed with them."
_NEW_PARTS = "New parts were written, as prompt or strength ask."


def repaint(studio: Studio, request: Request, port: Port) -> Result:
    """Return new material for the span and its handles.

    `strength` 0…1 says how much of it is new: from the nearest bars with the same harmony, over
    such bars with ever more and louder new parts to them, to new parts alone. Where no bars fit,
    the source in the span stands for them.
    """
    port.progress(0.02, "listening")
    span = request.spans[0]
    with studio.measuring(request, span, lambda: beside(request, span)) as measured:
        heard = studio.hear(request, port, whole=False)
        around = measured(port.check)
    port.progress(0.25, "arranging")
    target = around.lufs
    like = like_the_clip(studio, request, span, heard, port.check)
    wish = wish_of(studio, request, heard.onsets_per_beat, like=like, like_what="the clip")
    old, is_other = None, False
    if (strength := _strength(request, wish)) < _NEW_FROM:
        old, is_other = _old(request, heard, span, strength, port)
    share = _share_of_new(strength, is_other)
    sound = old
    notes: tuple[str, ...] = (_REUSED,)
    if share > 0 or sound is None:
        chords = _chords(request, heard, span, key_of(request, heard.key, wish.caption))
        new = new_material(
            studio, request, span, heard, wish, around, chords, Share(port, 0.3, 0.95), share=share,
        )  # fmt: skip
        sound = new if old is None else blended(old, new, share, target, request, span)
        notes = (*_told(share, is_other), *wish.notes)
    sound = levelled(sound, target, request, span)
    if share > 0:
        sound = softened(sound, around.sharpness, request, span)
    hand_over("region", span, sound, request, port)
    port.progress(1.0, "mixing")
    return Result(key=request.key or heard.key, notes=notes)


def _strength(request: Request, wish: Wish) -> float:
    """Return the strength that is told; with a prompt or chords to follow it counts double."""
    told = float(request.options.get("strength", DEFAULT_STRENGTH))
    return min(1.0, 2 * told) if asks_for_new(request, wish.caption) else told


def _old(
    request: Request, heard: Listening, span: Span, strength: float, port: Port
) -> tuple[np.ndarray, bool]:
    """Return what is kept under the new parts: other bars that fit (True), else the source."""
    handle, clip = request.handle, request.clip
    if heard.kind not in _VOICE:
        other = replace_bars(
            clip,
            request.rate,
            heard,
            span.start,
            span.end,
            handle,
            request.seed,
            min(strength, _MIDDLE),
            port.check,
        )
        if other is not None:
            return other, True
    own = np.zeros((span.frames + 2 * handle, 2), np.float32)
    first = span.start - handle
    a, b = max(0, first), min(len(clip), span.end + handle)
    own[a - first : b - first] = clip[a:b]
    return own, False


def _share_of_new(strength: float, is_other: bool) -> float:
    """Return the share 0…1 of new parts.

    Over other bars they lead from the middle on. Over the source itself, which is what shall go,
    they soon drown it.
    """
    if is_other:
        return float(np.interp(strength, (0.0, _MIDDLE, _NEW_FROM), (0.0, _SHARE_IN_MIDDLE, 1.0)))
    return float(np.interp(strength, *_SHARE_OVER_OWN))


def _told(share: float, is_other: bool) -> tuple[str, ...]:
    if share >= 1:
        return (_NEW_PARTS,)
    if not is_other:
        return (_NEW_AND_OWN,)
    return (_NEW_AND_OTHER,) if share >= 0.5 else (_REUSED, _PLAYED_TO)


def _chords(
    request: Request, heard: Listening, span: Span, key: str
) -> list[PlanChord] | list[PlanChord | None]:
    """Return the chords that are told, those that are heard, or those that suit the melody."""
    start_s, end_s = span.start / request.rate, span.end / request.rate
    bars = bars_between(request.grid, start_s, end_s)
    if told := told_chords(request.options, bars, request.grid.quarter_at(start_s)):
        return told
    known = known_chords(heard, request.grid)
    if any(chord.name != "N" for chord in known):
        return known
    melody = sung(heard, request.grid)
    if not melody:
        return []
    bar_s = request.grid.bars_length(start_s, 1)
    return bridged(harmonise(melody, bars, key, bar_s))
