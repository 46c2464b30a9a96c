"""`bgm`: an accompaniment that follows a sung melody and leaves room for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.base import Port, Request, Result, Span
from daemon.engines.sketch.jobs.asking import Wish, ending_of, key_of, wish_of
from daemon.engines.sketch.jobs.melody import Line, lead_of, told_line, with_line
from daemon.engines.sketch.jobs.piece import documents, finished, sound
from daemon.engines.sketch.jobs.replaying import replayed, told_plan
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import Listening
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmonise import Sung, bridged, harmonise
from daemon.engines.sketch.plan.song import Voice
from daemon.engines.sketch.plan.told_chords import told_chords
from daemon.engines.sketch.plan.types import CEILING_DBTP, PlanChord
from daemon.engines.sketch.render.master import Beside

BALANCE_LU = -3.0
_NO_VOICE_LUFS = -16.0
_LOUDEST_LUFS = -8.0
_GATE_LUFS = -70.0  # BS.1770: below it nothing counts
_SUNG_BAR = 0.12  # share of a bar that must be sung for it to count
_ENDING_FROM_BARS = 8
_RESTING = 0.6
_SURE_KEY = 0.3
_SPOKEN = (
    "No melody was heard in the clip: the style's own chords are played in {key}; "
    "tell a key or sing a line to have them follow the voice."
)
_UNSURE = "The key was hard to hear; {key} is a guess. Tell `key` if it is another."


def bgm(studio: Studio, request: Request, port: Port) -> Result:
    """Return stems as long as the clip, without its voice."""
    port.progress(0.02, "listening")
    span = request.spans[0]
    if (given := told_plan(studio, request.options)) is not None:
        return replayed(studio, given, request, port, voice_beside(request, span, port))
    heard = studio.hear(request, port)
    port.progress(0.22, "arranging")
    wish = wish_of(studio, request, None if heard.notes else heard.onsets_per_beat)
    line = told_line(request.options, studio.styles)
    key = key_of(request, key_beside(heard, line), wish.caption)
    brief = brief_of(request, heard, wish, key, span)
    brief = with_line(brief, line, bool(request.options.get("chords")) or has_chords(heard))
    ending = ending_of(request.options, _ends(brief))
    plan = arrange(finished(brief, ending, beside_lufs(request, heard)), port.check)
    told = sound(studio, plan, request, span, port, voice_beside(request, span, port))
    said = (line.note(lead_of(brief)),) if line else doubts(request, heard, key)
    notes = (*wish.notes, *said, *told)
    return Result(key=key, notes=notes, documents=documents(plan, port.check))


def key_beside(heard: Listening, line: Line | None) -> str | None:
    """Return the clip's key; the played line's where the clip has neither melody nor chords."""
    return line.key if line and not heard.notes and not has_chords(heard) else heard.key


def beside_lufs(request: Request, heard: Listening, otherwise: float = BALANCE_LU) -> float:
    """Return how loud the new parts shall be: `balance` LU against the clip, else `otherwise`."""
    told = request.options.get("balance")
    assert heard.loudness_lufs is not None
    is_silent = heard.kind == "silence" and (told is None or heard.loudness_lufs <= _GATE_LUFS)
    clip = _NO_VOICE_LUFS if is_silent else heard.loudness_lufs
    return min(clip + float(otherwise if told is None else told), _LOUDEST_LUFS)


def brief_of(request: Request, heard: Listening, wish: Wish, key: str, span: Span) -> Brief:
    """Return what is to be played to a clip: its chords, or those that suit its melody."""
    brief = Brief(
        grid=request.grid,
        start_s=span.start / request.rate,
        end_s=span.end / request.rate,
        key=key,
        style=wish.style,
        seed=request.seed,
        caption=wish.caption,
        lyrics=request.options.get("lyrics", ""),
    )
    bars = brief.bars()
    melody = sung(heard, request.grid)
    chords = told_chords(request.options, bars, brief.start_quarter())
    if not melody and not has_chords(heard):
        return replace(brief, chords=tuple(chords))
    if not chords and has_chords(heard):
        chords = known_chords(heard, request.grid)
    return replace(
        brief,
        chords=tuple(chords or _follow(melody, bars, brief)),
        melody=tuple(melody),
        energy_db=tuple(bar_levels(request, bars, melody)) if melody else None,
    )


def sung(heard: Listening, grid: Grid) -> list[Sung]:
    """Return the melody on the grid, in semitones of the singer's own tuning."""
    if not heard.notes:
        return []
    midi = np.array([n.midi for n in heard.notes])
    length = np.array([n.length_s for n in heard.notes])
    detune = np.angle((length * np.exp(2j * np.pi * midi)).sum()) / (2 * np.pi)
    return [
        Sung(grid.quarter_at(n.start_s), grid.quarter_at(n.end_s), round(n.midi - detune))
        for n in heard.notes
    ]


def known_chords(heard: Listening, grid: Grid) -> list[PlanChord]:
    """Return the chords of a clip on the grid, their edges moved to the nearest half beat."""
    chords = []
    for span in heard.chords:
        start = round(grid.quarter_at(span.start_s) * 2) / 2
        end = round(grid.quarter_at(span.end_s) * 2) / 2
        if end > start:
            chords.append(PlanChord(start, end, span.name))
    return chords


def bar_levels(request: Request, bars: Sequence[Bar], melody: Sequence[Sung]) -> list[float | None]:
    """Return the voice's level in every bar in dB, None where it rests."""
    levels: list[float | None] = []
    voice = Voice(tuple(melody))
    for bar in bars:
        a, b = (round(request.grid.second_at(q) * request.rate) for q in (bar.start, bar.end))
        piece = request.clip[max(0, a) : max(0, b)].reshape(-1)
        if voice.share(bar.start, bar.end) < _SUNG_BAR or not piece.size:
            levels.append(None)
        else:
            levels.append(float(10 * np.log10(np.dot(piece, piece) / piece.size + 1e-12)))
    return levels


def has_chords(heard: Listening) -> bool:
    """Whether chords were heard."""
    return any(span.name != "N" for span in heard.chords)


def _follow(melody: Sequence[Sung], bars: Sequence[Bar], brief: Brief) -> list[PlanChord | None]:
    bar_s = brief.grid.bars_length(brief.grid.second_at(bars[0].start), 1)
    return bridged(harmonise(melody, bars, brief.key, bar_s, brief.style.restless))


def _ends(brief: Brief) -> bool:
    """Whether the voice leaves room for an ending in the last bar."""
    bars = brief.bars()
    if len(bars) < _ENDING_FROM_BARS:
        return False
    last = bars[-1]
    whole = brief.grid.quarter_at(brief.end_s) - last.start > 0.75 * last.quarters
    part = sum(max(0.0, n.end - max(n.start, last.start)) for n in brief.melody)
    return whole and part < _RESTING * last.quarters


def voice_beside(request: Request, span: Span, port: Port) -> Beside | None:
    """Return the clip for whose peaks the band makes room; None for one above the ceiling itself.

    Such a clip leaves no room that could be kept: the band would only be lost beside it.
    """
    beside = Beside(request.clip, span.start - request.handle)
    return beside if beside.stays_below(CEILING_DBTP, port.check) else None


def doubts(request: Request, heard: Listening, key: str) -> tuple[str, ...]:
    """Return what was not heard for sure."""
    if not heard.notes and not has_chords(heard):
        return (_SPOKEN.format(key=key),)
    if request.key is None and heard.key_confidence < _SURE_KEY:
        return (_UNSURE.format(key=key),)
    return ()
