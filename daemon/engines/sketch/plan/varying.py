"""A nearby variation of a plan: some stretches played anew, all of it by other hands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.bars import Bar, bars_between
from daemon.engines.sketch.plan.harmonise import Sung, harmonise
from daemon.engines.sketch.plan.humanise import humanised
from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.song import stream
from daemon.engines.sketch.plan.styles import Style
from daemon.engines.sketch.plan.types import Part, Plan, PlanChord, PlanNote, Section

_BLOCK_BARS = 2
_ENDING_S = 0.1  # a fade longer than this belongs to an ending
_NEAR = 1e-6


def varied(plan: Plan, style: Style, seed: int, strength: float) -> Plan:
    """Return a variation: `strength` 0 keeps every note, 1 writes every part anew.

    In between each part plays anew in that share of its stretches of two bars, on the same chords
    and in the same form. Parts that the style does not have are kept.
    """
    new = {part.name: part for part in _anew(plan, style, seed).parts} if strength > 0 else {}
    bars = bars_between(plan.grid, plan.start_s, plan.end_s)
    first_bars = range(0, len(bars), _BLOCK_BARS)
    places = [(p.name, i) for p in plan.parts if p.name in new for i in first_bars]
    anew = stretches_anew(places, seed, strength)
    woven = {p.name: _woven(p, new.get(p.name), bars, anew) for p in plan.parts}
    parts = [replace(p, notes=_hands(woven[p.name], style, seed, p.name)) for p in plan.parts]
    return replace(plan, seed=seed, parts=tuple(part for part in parts if part.notes))


def _anew(plan: Plan, style: Style, seed: int) -> Plan:
    drums = any(is_drums(part.instrument) for part in plan.parts)
    brief = Brief(
        grid=plan.grid,
        start_s=plan.start_s,
        end_s=plan.end_s,
        key=plan.key,
        style=style,
        seed=seed,
        chords=plan.chords or tuple(_chords(plan)),
        sections=plan.sections or _one_section(plan),
        ending=plan.mix.fade_out_s > _ENDING_S,
        drums=drums,
        lead=True,
        mix=plan.mix,
    )
    return arrange(brief)


def _chords(plan: Plan) -> Iterator[PlanChord | None]:
    """Return chords that suit the notes of a plan that tells none."""
    notes = sorted(
        (note for part in plan.parts if not is_drums(part.instrument) for note in part.notes),
        key=lambda note: note.start_quarter,
    )
    melody = [Sung(n.start_quarter, n.start_quarter + n.length_quarters, n.midi) for n in notes]
    bars = bars_between(plan.grid, plan.start_s, plan.end_s)
    yield from harmonise(melody, bars, plan.key, plan.grid.bars_length(plan.start_s, 1))


def _one_section(plan: Plan) -> tuple[Section, ...]:
    bars = bars_between(plan.grid, plan.start_s, plan.end_s)
    return (Section(bars[0].start, bars[-1].end, "verse", 2),)


def stretches_anew(
    places: Sequence[tuple[str, int]], seed: int, strength: float
) -> set[tuple[str, int]]:
    """Return those `(part, first bar)` of `places` that are played anew, in an order by chance.

    A high strength replaces all that a lower one does, and more wherever there is more to replace.
    """
    order = sorted(places, key=lambda at: stream(seed, "retake", at[0], str(at[1])).random())
    return {at for rank, at in enumerate(order) if rank + 0.5 < strength * len(order)}


def _woven(
    old: Part, new: Part | None, bars: Sequence[Bar], anew: set[tuple[str, int]]
) -> list[PlanNote]:
    """Return notes of `old` and, in the stretches that are `anew`, of `new`."""
    if new is None:
        return list(old.notes)
    notes: list[PlanNote] = []
    for i in range(0, len(bars), _BLOCK_BARS):
        block = bars[i : i + _BLOCK_BARS]
        first = float("-inf") if i == 0 else block[0].start - _NEAR
        last = block[-1].end - _NEAR if i + _BLOCK_BARS < len(bars) else float("inf")
        chosen = new.notes if (old.name, i) in anew else old.notes
        notes += [note for note in chosen if first <= note.start_quarter < last]
    return notes


def _hands(notes: list[PlanNote], style: Style, seed: int, name: str) -> tuple[PlanNote, ...]:
    plain = [replace(note, offset_s=0.0) for note in notes]
    return humanised(plain, style.humanise, stream(seed, name, "other hands"))
