"""Which lines of the lyrics are sung in the window that the model sees.

The model's lyrics have no times, so it must be given just the lines of its window. Lines that begin
with `[mm:ss.xx]` (LRC; several for a line that returns) are chosen by time: such a line is sung
until the next tagged one begins, but at most LINE_S. Lines without a tag count as the window's own.
A section tag such as `[chorus]` belongs to the lines below it and goes with them.

Where a long clip is made in passages, lyrics without any times are divided over these.

Times are seconds of the source.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.protocol.errors import error

LINE_S = 12.0
"""No line is taken to last longer: an instrumental part may follow it."""
HEARD_S = 0.25
"""A line of which less than this lies in the window is not sung in it."""
LYRICS_CHARACTERS = 4096
"""The model's own limit."""

_TIME = re.compile(r"\s*\[(\d{1,3}):([0-5]?\d(?:[.:]\d{1,3})?)\]")
_WORD_TIME = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>\s*")
_SECTION = re.compile(r"\s*\[[^\]]*\]\s*")
_HEADER = re.compile(r"\s*\[(ti|ar|al|au|by|re|ve|length|offset|la|lr|id)\s*:([^\]]*)\]\s*", re.I)


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


@dataclass(frozen=True)
class _Line:
    """A line under a section tag, and when it begins; None: no time told."""

    words: str
    section: int
    start_s: float | None


def sung_in(lyrics: str, start_s: float, end_s: float) -> Sung:
    """Choose the lines that are sung in `[start_s, end_s)`. Raises 103 for too many characters."""
    sections, lines, offset_s = _parsed(lyrics)
    begins = sorted({line.start_s for line in lines if line.start_s is not None})
    until = dict(zip(begins, [*begins[1:], math.inf], strict=False))

    def heard(line: _Line) -> bool:
        if line.start_s is None:
            return True
        begin = line.start_s - offset_s
        end = min(until[line.start_s] - offset_s, begin + LINE_S)
        return min(end, end_s) - max(begin, start_s) >= min(HEARD_S, end - begin)

    used = [line for line in _in_order(lines) if heard(line) and line.words]
    text = _joined(sections, used, any(line.words for line in lines))
    if len(text) > LYRICS_CHARACTERS:
        raise error(
            103,
            f"the lyrics of this window have {len(text)} characters, the model reads "
            f"{LYRICS_CHARACTERS}: mark lines with [mm:ss.xx] so that only those sung are taken",
        )
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
    sections, lines, _ = _parsed(lyrics)
    lines = [line for line in lines if line.words]
    if not lines or any(line.start_s is not None for line in lines):
        return ()
    letters = [0, *itertools.accumulate(len(line.words) for line in lines)]
    middles = [(a + b) / 2 / letters[-1] for a, b in itertools.pairwise(letters)]
    upto = [*itertools.accumulate(sung)]
    inner = [sum(middle < end / upto[-1] for middle in middles) for end in upto[:-1]]
    edges = itertools.pairwise([0, *inner, len(lines)])
    return tuple(Lot(_joined(sections, lines[a:b], True), a, b) for a, b in edges)


def _in_order(lines: list[_Line]) -> list[_Line]:
    """Lines as sung: by time where told; a line without a time stays below the line above it."""
    placed, last = [], -math.inf
    for number, line in enumerate(lines):
        last = last if line.start_s is None else line.start_s
        placed.append((last, number, line))
    return [line for _, _, line in sorted(placed, key=lambda row: row[:2])]


def _joined(sections: list[str], used: list[_Line], any_words: bool) -> str:
    """Write lines under their section tags; tags alone, such as `[instrumental]`, stay as told."""
    if not any_words:
        return "\n".join(filter(None, sections))
    rows: list[str] = []
    section = 0
    for line in used:
        if line.section != section and sections[line.section]:
            rows += ["", sections[line.section]] if rows else [sections[line.section]]
        section = line.section
        rows.append(line.words)
    return "\n".join(rows)


def _parsed(lyrics: str) -> tuple[list[str], list[_Line], float]:
    """Split into section tags (the first is none), lines, and the offset of an LRC header."""
    sections, lines, offset_s = [""], list[_Line](), 0.0
    for row in lyrics.splitlines():
        header = _HEADER.fullmatch(row)
        if header:
            offset_s = _offset(header[2]) if header[1].lower() == "offset" else offset_s
            continue
        times, words = _times(row)
        if not times and _SECTION.fullmatch(words):
            sections.append(words.strip())
        elif times or words.strip():
            section = len(sections) - 1
            lines += [_Line(words.strip(), section, time) for time in times or [None]]
    return sections, lines, offset_s


def _times(row: str) -> tuple[list[float | None], str]:
    """Take the time tags off the front of a line, and those of its words (enhanced LRC)."""
    times: list[float | None] = []
    while match := _TIME.match(row):
        times.append(60 * int(match[1]) + float(match[2].replace(":", ".")))
        row = row[match.end() :]
    return times, _WORD_TIME.sub("", row) if times else row


def _offset(text: str) -> float:
    """Seconds by which lines come sooner, from LRC's milliseconds; 0 if it is no number."""
    try:
        return float(text) / 1000
    except ValueError:
        return 0.0


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"
