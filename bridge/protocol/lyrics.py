"""Lyrics as lines: section tags in brackets, and times before lines.

A line that begins with `[mm:ss.xx]` (LRC; several for a line that returns) is sung from that time
on, a line without one belongs wherever the lyrics do. A section tag such as `[chorus]` belongs to
the lines below it and goes with them. Times are seconds of the source.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TIME = re.compile(r"\s*\[(\d{1,3}):([0-5]?\d(?:[.:]\d{1,3})?)\]")
_WORD_TIME = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>\s*")
_SECTION = re.compile(r"\s*\[[^\]]*\]\s*")
_HEADER = re.compile(r"\s*\[(ti|ar|al|au|by|re|ve|length|offset|la|lr|id)\s*:([^\]]*)\]\s*", re.I)


@dataclass(frozen=True)
class Line:
    """A line under a section tag, and when it begins; None: no time told."""

    words: str
    section: int
    start_s: float | None


@dataclass(frozen=True)
class Parsed:
    """`sections` are tags (the first is none); lines come `offset_s` sooner than they say."""

    sections: tuple[str, ...]
    lines: tuple[Line, ...]
    offset_s: float


def parsed(lyrics: str) -> Parsed:
    """Split lyrics into section tags, lines, and the offset of an LRC header."""
    sections, lines, offset_s = [""], list[Line](), 0.0
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
            lines += [Line(words.strip(), section, time) for time in times or [None]]
    return Parsed(tuple(sections), tuple(lines), offset_s)


def joined(sections: Sequence[str], used: Sequence[Line], any_words: bool) -> str:
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


def untimed(lyrics: str) -> str:
    """Return what is sung at any time: the lines without one, under their section tags."""
    known = parsed(lyrics)
    used = [line for line in known.lines if line.start_s is None and line.words]
    return joined(known.sections, used, any(line.words for line in known.lines))


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
