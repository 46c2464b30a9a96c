"""A lead line: a short motif, repeated and answered, on the chords of the piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daemon.engines.sketch.listen.names import scale_of
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmonise import Sung
from daemon.engines.sketch.plan.harmony import tones_from_root
from daemon.engines.sketch.plan.song import Song
from daemon.engines.sketch.plan.steps import Hit, swung
from daemon.engines.sketch.plan.styles import PartStyle
from daemon.engines.sketch.plan.types import PlanNote

_STEPS = (-2, -1, -1, 0, 1, 1, 2)  # moves along the scale, small ones more often
_SHAPE = (0, 1, 0, 2)  # motif, answer, motif, close
_SUNG = 0.2


def lead_notes(song: Song, part: PartStyle) -> list[PlanNote]:
    """Return the song's tune if it has one, else a line that rests where the voice sings."""
    if song.tune:
        return tune_notes(song, part)
    notes: list[PlanNote] = []
    ladder = [p for p in range(part.range[0], part.range[1] + 1) if p % 12 in scale_of(song.key)]
    for i, bar in song.walk():
        section = song.section(bar)
        if section.level < part.level or song.voice.share(bar.start, bar.end) > _SUNG:
            continue
        if song.is_ending(bar):
            notes += _line(song, bar, [Hit(0.0, bar.quarters * 0.9, "x", 90)], ladder, [0])
            continue
        phrase = _SHAPE[i % 4]
        rng = song.rng(part.name, section.kind, str(phrase))
        rows = (part.high or part.low) if section.level >= 3 else (part.low or part.high)
        hits = song.hits(song.chosen(rows, part.name, section.kind, str(phrase)), bar, rng)
        moves = [int(m) for m in rng.choice(_STEPS, size=len(hits))]
        notes += _line(song, bar, hits, ladder, moves)
    return notes


def tune_notes(song: Song, part: PartStyle) -> list[PlanNote]:
    """Return the tune in the part's range: moved by octaves as a whole, stray notes one by one."""
    low, high = part.range
    ordered = sorted(note.midi for note in song.tune)
    shift = 12 * round(((low + high) / 2 - ordered[len(ordered) // 2]) / 12)
    notes = []
    for note in song.tune:
        pitch = note.midi + shift
        pitch += 12 * max(0, -((pitch - low) // 12)) - 12 * max(0, -((high - pitch) // 12))
        strong = abs(note.start - song.bar_at(note.start).start) < 0.1
        usual = 100 if strong else 90 if abs(note.start - round(note.start)) < 0.1 else 82
        velocity = usual if note.velocity is None else note.velocity
        notes.append(PlanNote(note.start, round(note.end - note.start, 6), pitch, velocity))
    return notes


def on_grid(
    tune: Sequence[Sung], swing: float, pair_quarters: float, step: float = 0.25
) -> list[Sung]:
    """Return a tune moved to the nearest sixteenths (or other `step`s), swung, without overlap."""
    out: list[Sung] = []
    for note in tune:
        first = round(note.start / step)
        last = max(round(note.end / step), first + 1)
        start, end = (swung(n * step, swing, pair_quarters) for n in (first, last))
        if out and out[-1].start >= start - 1e-6:
            continue
        if out and out[-1].end > start:
            out[-1] = Sung(out[-1].start, start, out[-1].midi)
        out.append(Sung(round(start, 6), round(end, 6), note.midi))
    return out


def _line(
    song: Song, bar: Bar, hits: list[Hit], ladder: list[int], moves: list[int]
) -> list[PlanNote]:
    """Walk the scale by `moves`; notes on a beat settle on the nearest chord tone."""
    notes: list[PlanNote] = []
    place = len(ladder) // 2
    for hit, move in zip(hits, moves, strict=True):
        at = bar.start + hit.at
        place = int(np.clip(place + move, 1, len(ladder) - 2))
        if hit.at % 1 < 1e-6 or hit.length >= 1:
            place = _settled(place, ladder, tones_from_root(song.changes.at(at).name))
        length = round(hit.length * 0.92, 6)
        notes.append(PlanNote(at, length, ladder[place], hit.velocity))
    return notes


def _settled(place: int, ladder: list[int], tones: list[int]) -> int:
    fitting = [i for i, pitch in enumerate(ladder) if pitch % 12 in tones]
    return min(fitting, key=lambda i: (abs(i - place), i), default=place)
