"""A lead line: a short motif, repeated and answered, on the chords of the piece."""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.listen.names import scale_of
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmony import tones_from_root
from daemon.engines.sketch.plan.song import Song
from daemon.engines.sketch.plan.steps import Hit
from daemon.engines.sketch.plan.styles import PartStyle
from daemon.engines.sketch.plan.types import PlanNote

_STEPS = (-2, -1, -1, 0, 1, 1, 2)  # moves along the scale, small ones more often
_SHAPE = (0, 1, 0, 2)  # motif, answer, motif, close
_SUNG = 0.2


def lead_notes(song: Song, part: PartStyle) -> list[PlanNote]:
    """Return the line; it rests in bars where the voice sings."""
    notes: list[PlanNote] = []
    ladder = [p for p in range(part.range[0], part.range[1] + 1) if p % 12 in scale_of(song.key)]
    for i, bar in enumerate(song.bars):
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
