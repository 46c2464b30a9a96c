"""New material for a stretch beside or inside a clip: in its key, chords, density and sound.

Used where the clip itself has nothing that fits. Samples are float32 `(frames, 2)`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from daemon.engines.base import Port, Request, Span
from daemon.engines.sketch.jobs.asking import Wish, key_of
from daemon.engines.sketch.jobs.backing import bar_levels, known_chords, sung
from daemon.engines.sketch.jobs.matching import coloured
from daemon.engines.sketch.jobs.piece import ENDING_FADE
from daemon.engines.sketch.jobs.sounding import Share, heard_part, rendered, window_of
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.jobs.surroundings import Surroundings
from daemon.engines.sketch.listen import Listening
from daemon.engines.sketch.listen.names import parse_key
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.bars import Bar, bars_between
from daemon.engines.sketch.plan.caption import Caption
from daemon.engines.sketch.plan.harmony import chord_of_numeral
from daemon.engines.sketch.plan.told_chords import told_chords
from daemon.engines.sketch.plan.types import Mix, Plan, PlanChord
from daemon.engines.sketch.render.master import fades, master_gain
from daemon.engines.sketch.render.tone import Array

_CEILING_DBTP = -1.0
_JOINING, _SILENT = "joining", "silent"
_ALL_FROM = 0.6  # the share of new parts from which on all players are heard
_UPBEAT_S = 0.03  # notes this close to the end belong to the beat after it
_STEP = 0.5  # quarters between the places where a chord loop is read
_THIN, _THICK = 1.2, 2.6  # onsets a beat


def asks_for_new(request: Request, caption: Caption) -> bool:
    """Whether chords are told, or a prompt names something that the clip's own bars can't give."""
    return bool(request.options.get("chords")) or caption != Caption()


def new_material(
    studio: Studio,
    request: Request,
    span: Span,
    heard: Listening,
    wish: Wish,
    around: Surroundings,
    chords: Sequence[PlanChord | None],
    port: Port,
    last: Bar | None = None,
    share: float = 1.0,
) -> np.ndarray:
    """Return fresh parts for the span and its handles, as loud and as bright as what is `around`.

    With `last` that bar is a held tonic that dies away, and nothing follows it. A `share` below
    1 is heard beside something else: fewer players then, chords first, drums last.
    """
    key = key_of(request, heard.key, wish.caption)
    window = window_of(request, span)
    mix_settings = Mix(around.lufs, _CEILING_DBTP)
    brief = Brief(
        grid=request.grid,
        start_s=window.start_frame / request.rate,
        end_s=(window.start_frame + window.frames) / request.rate,
        key=key,
        style=wish.style,
        seed=request.seed,
        caption=wish.caption,
        chords=tuple(chords),
        level=_level(heard),
        drums=heard.has_drums,
        mix=mix_settings,
    )
    if last is not None:
        brief = ended(brief, last)
    plan = without_upbeat(arrange(_with_voice(brief, request, heard)), span.end / request.rate)
    # Two groups ask for fewer answers of the room than as many stems would.
    plan = _in_two(plan, share)
    groups = rendered(studio, plan, request, span, Share(port, 0.1, 0.85))
    port.progress(0.9, "mixing")
    all_players = _sum(groups.values(), window.frames)
    heard_ones = groups.get(_JOINING, all_players)
    mix = coloured(heard_ones, around.colour, request.rate, all_players)
    gain = master_gain(
        mix, request.rate, mix_settings.loudness_lufs, mix_settings.ceiling_dbtp,
        heard_part(request, span), None, port.check,
    )  # fmt: skip
    gain *= fades(len(gain), request.rate, 0.0, plan.mix.fade_out_s, heard_part(request, span))
    return np.ascontiguousarray((mix * gain).T)


def _in_two(plan: Plan, share: float) -> Plan:
    """Return the plan with two stems: the players that join at a share, and the others.

    Who strikes chords joins first, drums last, and they as soon as the new parts lead: without them
    what leads would have no beat.
    """
    rank = {"pad": 1, "strings": 1, "bass": 2, "percussion": 3, "drums": 4}
    names = dict.fromkeys(part.stem for part in plan.parts)
    order = sorted(names, key=lambda name: rank.get(name.split("-")[0], 0))
    joining = order[: max(1, math.ceil(min(1.0, share / _ALL_FROM) * len(order)))]
    parts = (replace(p, stem=_JOINING if p.stem in joining else _SILENT) for p in plan.parts)
    return replace(plan, parts=tuple(parts))


def _sum(stems: Iterable[Array], frames: int) -> Array:
    mix = np.zeros((2, frames), np.float32)
    for stem in stems:
        mix += stem
    return mix


def without_upbeat(plan: Plan, end_s: float) -> Plan:
    """Return `plan` without the notes that what follows plays itself.

    A player who is early would put half an attack before that of the kept audio.
    """
    latest = end_s - _UPBEAT_S
    parts = (
        replace(part, notes=tuple(n for n in part.notes if plan.onset_s(n) < latest))
        for part in plan.parts
    )
    return replace(plan, parts=tuple(part for part in parts if part.notes))


def ended(brief: Brief, last: Bar) -> Brief:
    """Return the brief of a piece whose closing bar is `last`: a held tonic that dies away."""
    tonic = chord_of_numeral("i" if parse_key(brief.key)[1] else "I", brief.key)
    before = [
        replace(c, end_quarter=min(c.end_quarter, last.start))
        for c in brief.chords
        if c is not None and c.start_quarter < last.start
    ]
    end_s = brief.grid.second_at(last.end)
    fade_s = ENDING_FADE * (end_s - brief.grid.second_at(last.start))
    return replace(
        brief,
        end_s=end_s,
        ending=True,
        chords=(*before, PlanChord(last.start, last.end, tonic)),
        mix=replace(brief.mix, fade_out_s=fade_s),
    )


def _with_voice(brief: Brief, request: Request, heard: Listening) -> Brief:
    """Let the parts leave room for a voice that sings in the clip itself."""
    melody = sung(heard, request.grid)
    if not melody or not bar_levels(request, brief.bars(), melody):
        return brief
    return replace(brief, melody=tuple(melody))


def _level(heard: Listening) -> int:
    if heard.onsets_per_beat < _THIN:
        return 1
    return 3 if heard.onsets_per_beat > _THICK else 2


def chords_beyond(heard: Listening, request: Request, span: Span) -> list[PlanChord]:
    """Return the told chords, else the clip's loop carried on beyond its ends."""
    start_s, end_s = span.start / request.rate, span.end / request.rate
    bars = bars_between(request.grid, start_s, end_s)
    if told := told_chords(request.options, bars, request.grid.quarter_at(start_s)):
        return told
    known = known_chords(heard, request.grid)
    if not known or all(chord.name == "N" for chord in known):
        return []
    loop = loop_quarters(known, request.grid.metre_at(0.0))
    low, high = known[0].start_quarter, known[-1].end_quarter
    start = request.grid.quarter_at((span.start - request.handle) / request.rate)
    end = request.grid.quarter_at((span.end + request.handle) / request.rate)
    return [
        PlanChord(q, q + _STEP, _name_at(known, _folded(q, low, high, loop)))
        for q in np.arange(math.floor(start / _STEP) * _STEP, end, _STEP).tolist()
    ]


def _folded(quarter: float, low: float, high: float, loop: float) -> float:
    """Return the place in the clip that a place outside it repeats."""
    if quarter >= high:
        return quarter - loop * (math.floor((quarter - high) / loop) + 1)
    if quarter < low:
        return quarter + loop * math.ceil((low - quarter) / loop)
    return quarter


def loop_quarters(known: Sequence[PlanChord], metre: tuple[int, int]) -> float:
    """Return the length of the chord loop: the shortest of 1, 2, 4, 8 bars that repeats well."""
    bar = metre[0] * 4 / metre[1]
    low, high = known[0].start_quarter, known[-1].end_quarter
    at = np.arange(low, high, _STEP)
    names = np.array([_name_at(known, q) for q in at])
    for bars in (1, 2, 4, 8):
        lag = round(bars * bar / _STEP)
        if lag * 2 <= len(names) and np.mean(names[lag:] == names[:-lag]) > 0.85:
            return bars * bar
    whole = max(1, int((high - low) / bar + 0.25))
    return min(whole, 8 if whole >= 8 else 4 if whole >= 4 else whole) * bar


def _name_at(known: Sequence[PlanChord], quarter: float) -> str:
    return next((c.name for c in known if c.start_quarter <= quarter < c.end_quarter), "N")
