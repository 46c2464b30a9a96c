"""Which lines of the lyrics are sung in the window that the model sees.

The model's lyrics have no times, so it must be given just the lines of its window. Lines that begin
with a time (see `bridge.protocol.lyrics`) are chosen by it: such a line is sung until the next one
with a time begins, but at most LINE_S. Lines without one count as the window's own.

Where a long clip is made in passages, lyrics without any times are divided over these.

Times are seconds of the source.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.protocol.limits import few_enough
from bridge.protocol.lyrics import Line, joined, parsed

LINE_S = 12.0
"""No line is taken to last longer: an instrumental part may follow it."""
HEARD_S = 0.25
"""A line of which less than this lies in the window is not sung in it."""
LYRICS_CHARACTERS = 4096
"""The model's own limit."""


@dataclass(frozen=True)
class Sung:
    """The words for a window: `text`, and how many of the lines were chosen by time, of `timed`."""

    text: str
    chosen: int = 0
    timed: int = 0
    untimed: int = 0

    @property
    def note(self) -> str | None:
        """What the result says of it, None where there were no lyrics."""
        if self.timed:
            more = f" and {_lines(self.untimed)} without a time" if self.untimed else ""
            return f"lyrics: {self.chosen} of {_lines(self.timed)} by time{more}"
        if self.untimed:
            return f"lyrics: all {_lines(self.untimed)}, as sung in what the model hears"
        return None


def sung_in(lyrics: str, start_s: float, end_s: float) -> Sung:
    """Choose the lines that are sung in `[start_s, end_s)`. Raises 103 for too many characters."""
    known = parsed(lyrics)
    lines, offset_s = known.lines, known.offset_s
    begins = sorted({line.start_s for line in lines if line.start_s is not None})
    until = dict(zip(begins, [*begins[1:], math.inf], strict=False))

    def heard(line: Line) -> bool:
        if line.start_s is None:
            return True
        begin = line.start_s - offset_s
        end = min(until[line.start_s] - offset_s, begin + LINE_S)
        return min(end, end_s) - max(begin, start_s) >= min(HEARD_S, end - begin)

    used = [line for line in _in_order(lines) if heard(line) and line.words]
    text = joined(known.sections, used, any(line.words for line in lines))
    few_enough(text, LYRICS_CHARACTERS)
    timed = [line for line in lines if line.start_s is not None and line.words]
    untimed = sum(line.start_s is None for line in used)
    return Sung(text, len(used) - untimed, len(timed), untimed)


@dataclass(frozen=True)
class Lot:
    """What of the lyrics one passage has: `text`, with lines `[first, last)`, counted from 0."""

    text: str
    first: int
    last: int


def divided(lyrics: str, sung: Sequence[float]) -> tuple[Lot, ...]:
    """Return the lot of each passage, whose share of the singing is `sung`; not all are 0.

    A line takes as much of the singing as it has of the letters, and goes to the passage where the
    middle of that lies. Nothing is divided, and () returned, where lines have times or there are
    none.
    """
    known = parsed(lyrics)
    lines = [line for line in known.lines if line.words]
    if not lines or any(line.start_s is not None for line in lines):
        return ()
    letters = [0, *itertools.accumulate(len(line.words) for line in lines)]
    middles = [(a + b) / 2 / letters[-1] for a, b in itertools.pairwise(letters)]
    upto = [*itertools.accumulate(sung)]
    inner = [sum(middle < end / upto[-1] for middle in middles) for end in upto[:-1]]
    edges = itertools.pairwise([0, *inner, len(lines)])
    return tuple(Lot(joined(known.sections, lines[a:b], True), a, b) for a, b in edges)


def _in_order(lines: Sequence[Line]) -> list[Line]:
    """Lines as sung: by time where told; a line without a time stays below the line above it."""
    placed, last = [], -math.inf
    for number, line in enumerate(lines):
        last = last if line.start_s is None else line.start_s
        placed.append((last, number, line))
    return [line for _, _, line in sorted(placed, key=lambda row: row[:2])]


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"
