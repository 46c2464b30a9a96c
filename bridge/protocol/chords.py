"""The key `chords`: a row of chords bar by bar, as musicians write it on a napkin.

    Am | F G | C          bars between strokes; chords in a bar share it evenly
    Am F G C              without strokes each chord is a bar

`%` repeats the bar before, `N` is none. Qualities are those of an analysis (major, minor, 7, m7,
maj7, sus4, dim); common other spellings are taken for the nearest of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bridge.protocol.errors import error
from bridge.protocol.shapes import show, string

MOST_BARS = 1024
_TOKEN = re.compile(r"([A-G])([#b♯♭]?)([^/]*)(?:/[A-G][#b♯♭]?)?", re.ASCII)
_SIGNS = {"♯": "#", "♭": "b"}
_NEAREST = {
    "": "", "maj": "", "M": "", "major": "", "5": "", "6": "", "add9": "", "add2": "", "2": "",
    "+": "", "aug": "",
    "m": "m", "min": "m", "-": "m", "minor": "m", "m6": "m", "madd9": "m",
    "7": "7", "9": "7", "11": "7", "13": "7", "dom7": "7", "7b9": "7", "7#9": "7", "aug7": "7",
    "m7": "m7", "min7": "m7", "-7": "m7", "m9": "m7", "m11": "m7",
    "maj7": "maj7", "M7": "maj7", "Δ": "maj7", "Δ7": "maj7", "maj9": "maj7", "M9": "maj7",
    "sus4": "sus4", "sus": "sus4", "sus2": "sus4", "7sus4": "sus4", "9sus4": "sus4",
    "dim": "dim", "°": "dim", "o": "dim", "dim7": "dim", "°7": "dim", "m7b5": "dim", "ø": "dim",
    "ø7": "dim",
}  # fmt: skip


def chord_row(value: Any) -> str:
    """Return a row of chords in plain spelling: `Am | F G | C`. Raises 101."""
    bars = _bars(string(value))
    if not bars:
        raise error(101, "chords are empty: send bars of chords, as Am | F G | C")
    return " | ".join(" ".join(bar) for bar in bars)


def chord_row_limit(row: str) -> None:
    """Raise 103 for a row of too many bars."""
    bars = len(bars_of(row))
    if bars > MOST_BARS:
        raise error(103, f"{bars:,} bars of chords are too many: send {MOST_BARS:,} at most")


def bars_of(row: str) -> list[list[str]]:
    """Return the chords of each bar of a row that `chord_row` made."""
    return [bar.split() for bar in row.split(" | ")]


def _bars(text: str) -> list[Sequence[str]]:
    if "|" not in text and "\n" not in text:
        parts = [[token] for token in re.split(r"[\s,]+", text) if token]
    else:
        parts = [re.split(r"[\s,]+", part.strip()) for part in re.split(r"[|\n]", text)]
        parts = [part for part in parts if part != [""]]
    bars: list[Sequence[str]] = []
    for part in parts:
        is_repeat = part == ["%"] and bars
        bars.append(bars[-1] if is_repeat else [_chord(token) for token in part])
    return bars


def _chord(token: str) -> str:
    if token.upper() in ("N", "NC", "N.C."):
        return "N"
    match = _TOKEN.fullmatch(token[:1].upper() + token[1:])
    quality = _NEAREST.get(match[3]) if match else None
    if match is None or quality is None:
        raise error(
            101, f"chords: {show(token)} is no chord we know: write C, F#m, Bb7, Cmaj7, Gsus4, Bdim"
        )
    return match[1] + _SIGNS.get(match[2], match[2]) + quality
