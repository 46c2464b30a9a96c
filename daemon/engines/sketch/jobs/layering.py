"""`layer`: one more instrument that fits the clip, out of the way of what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bridge.protocol.errors import error
from daemon.audio.clips import Samples
from daemon.engines.base import Port, Request, Result
from daemon.engines.sketch.jobs.asking import Wish, ending_of, key_of, wish_of
from daemon.engines.sketch.jobs.backing import (
    beside_lufs,
    brief_of,
    doubts,
    key_beside,
    voice_beside,
)
from daemon.engines.sketch.jobs.matching import CENTRES_HZ, clip_levels
from daemon.engines.sketch.jobs.melody import Line, told_line, with_line
from daemon.engines.sketch.jobs.piece import documents, finished, sound
from daemon.engines.sketch.jobs.replaying import replayed, told_plan
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.extras import PERCUSSION, player_for
from daemon.engines.sketch.plan.styles import PartStyle
from daemon.engines.sketch.plan.types import Plan

BALANCE_LU = -9.0  # one player among several
_DRUMS = ("drums", "percussion")
_SLOPE_DB = 4.0  # an octave; music falls off by about this much
_MOVE_DB = 3.0  # that much less must be there for the player to leave its own register
_LOWEST, _HIGHEST = 36, 96
_PLAYED = "It plays the line {name}."
_UNSUNG = "Voices are wordless: sketch does not sing."


def layer(studio: Studio, request: Request, port: Port) -> Result:
    """Return one stem, as long as the clip, that plays along with it."""
    port.progress(0.02, "listening")
    span, track = request.spans[0], str(request.options["track"])
    beside = voice_beside(request, span, port)
    if (given := told_plan(studio, request.options)) is not None:
        return replayed(studio, _only(given, track), request, port, beside)
    heard = studio.hear(request, port)
    port.progress(0.22, "arranging")
    wish = wish_of(studio, request, heard.onsets_per_beat)
    line = None if track in _DRUMS else told_line(request.options, studio.styles)
    key = key_of(request, key_beside(heard, line), wish.caption)
    brief, player = _with_player(
        brief_of(request, heard, wish, key, span), wish, studio, request, port
    )
    if line:
        brief = _playing(brief, line)
    loudness = beside_lufs(request, heard, BALANCE_LU)
    brief = finished(brief, ending_of(request.options, False), loudness)
    plan = _under(arrange(brief, port.check), track)
    if not plan.parts:
        # A line that always gives way to the voice would leave nothing: it holds chords instead.
        plan = _under(arrange(_holding(brief), port.check), track)
    sound(studio, plan, request, span, port, beside)
    notes = [*wish.notes, f"Added: {player}."]
    notes += [_PLAYED.format(name=line.name)] if line else doubts(request, heard, key)
    notes += [_UNSUNG] if "vocals" in track else []
    return Result(key=key, notes=tuple(notes), documents=documents(plan, port.check))


def _playing(brief: Brief, line: Line) -> Brief:
    """Return the brief with its one player playing the line."""
    rows = tuple(replace(row, role="lead") for row in brief.style.parts)
    return with_line(replace(brief, style=replace(brief.style, parts=rows)), line, True)


def _only(plan: Plan, track: str) -> Plan:
    parts = tuple(part for part in plan.parts if part.stem.split("-")[0] == track)
    if not parts:
        have = ", ".join(sorted({part.stem for part in plan.parts}))
        raise error(101, f"the plan has no part for {track}; it has {have}: choose one of them")
    return replace(plan, parts=parts)


def _under(plan: Plan, track: str) -> Plan:
    return replace(plan, parts=tuple(replace(part, stem=track) for part in plan.parts[:1]))


def _with_player(
    brief: Brief, wish: Wish, studio: Studio, request: Request, port: Port
) -> tuple[Brief, str]:
    """Return the brief for one player alone, and who that is."""
    track = str(request.options["track"])
    caption = replace(wish.caption, without=frozenset(), only=frozenset())
    if track in _DRUMS:
        drums = wish.style.drums or next(s.drums for s in studio.styles.values() if s.drums)
        drums = drums if track == "drums" else PERCUSSION
        style = replace(wish.style, drums=drums, parts=())
        return replace(brief, style=style, caption=caption), track
    bpm = request.grid.tempo_at(0.0)
    player = replace(player_for(track, wish.style, studio.styles, bpm), level=0, duck_db=0.0)
    player = roomy(player, request.clip, request.rate, port.check)
    style = replace(wish.style, drums=None, parts=(player,))
    alone = replace(brief, style=style, caption=caption, drums=False, lead=True)
    return alone, player.instrument.replace("-", " ")


def _holding(brief: Brief) -> Brief:
    rows = tuple(replace(row, role="pad", low=(), high=()) for row in brief.style.parts)
    return replace(brief, style=replace(brief.style, parts=rows))


def roomy(
    player: PartStyle, clip: Samples, rate: int, check: Callable[[], None] = lambda: None
) -> PartStyle:
    """Return the player an octave lower or higher where the clip has clearly more room there."""
    if player.role == "bass" or len(clip) == 0:
        return player
    levels = clip_levels(clip, rate, check)
    levels = levels + _SLOPE_DB * np.log2(CENTRES_HZ / CENTRES_HZ[0])

    def crowd(octaves: int) -> float:
        low, high = (440 * 2 ** ((midi + 12 * octaves - 69) / 12) for midi in player.range)
        inside = (low * 2 ** (-1 / 6) <= CENTRES_HZ) & (high * 2 ** (1 / 6) >= CENTRES_HZ)
        return float(levels[inside].mean()) + _MOVE_DB * abs(octaves)

    low, high = player.range
    able = [o for o in (0, 1, -1) if low + 12 * o >= _LOWEST and high + 12 * o <= _HIGHEST]
    best = min(able or [0], key=crowd)
    return replace(player, range=(low + 12 * best, high + 12 * best))
