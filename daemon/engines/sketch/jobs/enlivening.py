"""A long continuation of a short clip: parts come and go, so that it does not just go round.

The clip's own bars go on throughout. Over them a form of sections is laid: as the clip is, with a
player more, with two, without its low end. Sounds are float32 `(frames, 2)` over the span and its
handles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import butter, sosfiltfilt

from daemon.engines.base import Port, Request, Span
from daemon.engines.sketch.jobs.asking import Wish, key_of
from daemon.engines.sketch.jobs.layering import BALANCE_LU, roomy
from daemon.engines.sketch.jobs.sounding import Share, rendered, window_of
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import Listening
from daemon.engines.sketch.listen.types import NO_CHORD
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.bars import Bar, bars_between
from daemon.engines.sketch.plan.extras import PERCUSSION, player_for
from daemon.engines.sketch.plan.instruments import DRUM_KEYS
from daemon.engines.sketch.plan.song import picked
from daemon.engines.sketch.plan.styles import PartStyle
from daemon.engines.sketch.plan.types import Part, Plan, PlanChord, PlanNote, Section
from daemon.engines.sketch.render.level import Loudness
from daemon.engines.sketch.render.tone import Array
from daemon.engines.sketch.reuse import Continuation

_ROUNDS = 1.9  # lengths of the clip from which on its bars alone are heard to go round
_LEAST_BARS = 8
_SECTION_BARS, _LONG_SECTION_BARS, _LONG_BARS = 4, 8, 48
# Plain is the clip as it is, next to which the span begins.
_PLAIN, _WITH_ONE, _BREAK, _FULL = range(4)
_FORM = (_PLAIN, _WITH_ONE, _BREAK, _FULL)
_LEVELS = {_PLAIN: 0, _WITH_ONE: 1, _BREAK: 2, _FULL: 3}  # of the sections that players read
_TRACKS = ("pad", "strings", "keyboard", "synth")
_PITCHED_LEVEL = 2  # plays in breaks and where all play
_PERCUSSION_LU = -13.0  # shakers and rims carry at less than a held chord
_FILLS = frozenset(DRUM_KEYS[name] for name in ("tom_low", "tom_high"))
_FILL_SHARE = 0.6  # of a fill's velocities
_MOST_GAIN_DB = 24.0
_LOW_END_HZ = 160.0
_BEFORE_BEAT_S, _FADE_S, _MARGIN_S = 0.012, 0.010, 0.2
_TOLD = "The clip's bars alone would go round {rounds} times; over them come and go: {who}."
_REST = " Their low end rests at times."


@dataclass(frozen=True)
class _Stretch:
    """A section of the form: its bars and what is done there."""

    bars: tuple[Bar, ...]
    what: int

    @property
    def start(self) -> float:
        return self.bars[0].start

    @property
    def end(self) -> float:
        return self.bars[-1].end


def enlivened(
    studio: Studio, request: Request, span: Span, heard: Listening, wish: Wish,
    own: Continuation, port: Port,
) -> tuple[np.ndarray, tuple[str, ...]]:  # fmt: skip
    """Return the clip's continuation with parts that come and go, and what to tell about it.

    One that is short against the clip comes back as it is, and so does one that nobody fits.
    """
    rounds = span.frames / max(1, len(request.clip))
    bars = bars_between(request.grid, span.start / request.rate, span.end / request.rate)
    if rounds < _ROUNDS or len(bars) < _LEAST_BARS:
        return own.samples, ()
    form = _form(bars, span.start >= 0)
    brief, who = _brief(studio, request, span, heard, wish, own.chords, form)
    if not who:
        return own.samples, ()
    plan = _sparse(arrange(brief, port.check), form)
    stems = rendered(studio, plan, request, span, Share(port, 0.2, 0.9))
    beside = Loudness(np.ascontiguousarray(own.samples.T), request.rate).lufs()
    rests = heard.has_drums and heard.kind != "solo"
    kept = _rested(own.samples, form, request, span) if rests else own.samples
    for name, stem in stems.items():
        balance = _PERCUSSION_LU if name == "drums" else BALANCE_LU
        steady = _without_fills(stem, form, request, span)
        kept = kept + _gain(steady, beside, balance, request.rate) * stem.T
    note = _TOLD.format(rounds=f"{rounds + 1:.0f}", who=", ".join(who))
    return kept, (note + _REST * rests,)


def _form(bars: Sequence[Bar], after: bool) -> list[_Stretch]:
    """Return the sections, plain beside the clip; a rest of fewer bars joins its neighbour."""
    size = _LONG_SECTION_BARS if len(bars) >= _LONG_BARS else _SECTION_BARS
    ordered = list(bars) if after else list(reversed(bars))
    groups = [ordered[at : at + size] for at in range(0, len(ordered), size)]
    if len(groups) > 1 and len(groups[-1]) <= size // 2:
        groups[-2:] = [groups[-2] + groups[-1]]
    form = [
        _Stretch(tuple(sorted(group, key=lambda bar: bar.start)), _FORM[i % len(_FORM)])
        for i, group in enumerate(groups)
    ]
    return form if after else form[::-1]


def _brief(
    studio: Studio, request: Request, span: Span, heard: Listening, wish: Wish,
    chords: Sequence[PlanChord], form: Sequence[_Stretch],
) -> tuple[Brief, list[str]]:  # fmt: skip
    """Return what the added players are to play, and who they are."""
    window = window_of(request, span)
    players, who = _players(studio, request, heard, wish, chords)
    style = replace(
        wish.style,
        drums=PERCUSSION if heard.has_drums else None,
        parts=tuple(players),
        swing=heard.swing,
        swing_grid=8,
    )
    sections = [Section(s.start, s.end, f"part {i}", _LEVELS[s.what]) for i, s in enumerate(form)]
    brief = Brief(
        grid=request.grid,
        start_s=window.start_frame / request.rate,
        end_s=(window.start_frame + window.frames) / request.rate,
        key=key_of(request, heard.key, wish.caption),
        style=style,
        seed=request.seed,
        caption=replace(wish.caption, without=frozenset(), only=frozenset()),
        chords=tuple(chords),
        sections=tuple(sections),
        drums=heard.has_drums,
    )
    return brief, ["percussion"] * heard.has_drums + who


def _players(
    studio: Studio, request: Request, heard: Listening, wish: Wish, chords: Sequence[PlanChord]
) -> tuple[list[PartStyle], list[str]]:
    """Return the pitched player, none where there is no harmony to play."""
    if heard.kind == "drums" or all(chord.name == NO_CHORD for chord in chords):
        return [], []
    track = _TRACKS[picked(request.seed, len(_TRACKS), "added player")]
    player = player_for(track, wish.style, studio.styles, request.grid.tempo_at(0.0))
    level = _PITCHED_LEVEL if heard.has_drums else _LEVELS[_WITH_ONE]
    player = replace(player, role="pad", low=(), high=(), level=level, duck_db=0.0)
    player = roomy(player, request.clip, request.rate)
    return [player], [player.instrument.replace("-", " ")]


def _sparse(plan: Plan, form: Sequence[_Stretch]) -> Plan:
    """Return the plan without what plays where the clip shall be as it is; fills stay."""
    plain = [s for s in form if s.what == _PLAIN]
    held = [s for s in form if s.what == _BREAK]

    def is_fill(part: Part, note: PlanNote) -> bool:
        return part.stem == "drums" and note.midi in _FILLS

    def heard_in(part: Part, note: PlanNote) -> bool:
        if is_fill(part, note):
            return True
        silent = plain + held if part.stem == "drums" else plain
        inside = form[0].start <= note.start_quarter < form[-1].end
        return inside and not any(s.start <= note.start_quarter < s.end for s in silent)

    parts = (
        replace(
            part,
            notes=tuple(
                _softer(note) if is_fill(part, note) else note
                for note in part.notes
                if heard_in(part, note)
            ),
        )
        for part in plan.parts
    )
    return replace(plan, parts=tuple(part for part in parts if part.notes))


def _softer(note: PlanNote) -> PlanNote:
    """Return a stroke of a fill more softly: it stands beside the drums that the clip has."""
    return replace(note, velocity=max(1, round(_FILL_SHARE * note.velocity)))


def _rested(own: np.ndarray, form: Sequence[_Stretch], request: Request, span: Span) -> np.ndarray:
    """Return `own` without its low end in the first half of every break."""
    out = own.copy()
    rate, first = request.rate, span.start - request.handle
    margin, fade = round(_MARGIN_S * rate), round(_FADE_S * rate)
    filters = butter(2, _LOW_END_HZ, "high", fs=rate, output="sos")
    for stretch in form:
        if stretch.what != _BREAK:
            continue
        bars = stretch.bars[: max(1, len(stretch.bars) // 2)]
        a, b = (
            round((request.grid.second_at(q) - _BEFORE_BEAT_S) * rate) - first
            for q in (bars[0].start, bars[-1].end)
        )
        a, b = max(request.handle, a), min(len(own) - request.handle, b)
        if b - a < 2 * fade:
            continue
        low, high = max(0, a - margin), min(len(own), b + margin)
        thin = sosfiltfilt(filters, own[low:high], axis=0)[a - low : b - low]
        edge = np.arange(b - a) + 0.5
        weight = np.clip(np.minimum(edge, edge[::-1]) / fade, 0, 1)[:, None]
        out[a:b] = (1 - weight) * own[a:b] + weight * thin
    return out


def _without_fills(stem: Array, form: Sequence[_Stretch], request: Request, span: Span) -> Array:
    """Return what a player does but for the last bars of sections: fills are no measure of it."""
    first = span.start - request.handle
    pieces = []
    for stretch in form:
        if stretch.what != _PLAIN:
            last = stretch.bars[-1].start if len(stretch.bars) > 1 else stretch.end
            a, b = (
                round(request.grid.second_at(quarter) * request.rate) - first
                for quarter in (stretch.start, last)
            )
            pieces.append(stem[:, max(0, a) : max(0, b)])
    return np.concatenate(pieces, axis=1) if pieces else stem


def _gain(stem: Array, beside: float | None, balance: float, rate: int) -> np.float32:
    """Return what brings a player to its place, `balance` LU against the clip."""
    have = Loudness(stem, rate).lufs()
    if have is None or beside is None:
        return np.float32(0)
    return np.float32(10 ** (min(_MOST_GAIN_DB, beside + balance - have) / 20))
