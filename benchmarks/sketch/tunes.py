"""Public-domain tunes as notes and chords; positions in quarters from bar 1."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

Span = tuple[float, float, int, bool]  # start, end, root, minor


@dataclass(frozen=True)
class Tune:
    """A tune: melody `(start, end, midi)` and, for every bar, the readings of its harmony."""

    name: str
    set: str
    source: str
    tonic: int
    minor: bool
    beats: int
    unit: int
    bpm: float
    notes: tuple[tuple[float, float, int], ...]
    bars: tuple[tuple[tuple[Span, ...], ...], ...]

    @property
    def bar_quarters(self) -> float:
        """Length of a bar."""
        return self.beats * 4 / self.unit

    @property
    def key(self) -> str:
        """The key as the protocol writes it."""
        return f"{_NAMES[self.tonic]} {'minor' if self.minor else 'major'}"


def load(set_name: str | None = None) -> list[Tune]:
    """Return the twelve tunes that are also sung, of a set or all."""
    return _read("tunes.toml", set_name)


def written(set_name: str | None = None) -> list[Tune]:
    """Return all tunes that are scored from their notes, of a set or all."""
    return load(set_name) + _read("more_tunes.toml", set_name)


def _read(file: str, set_name: str | None) -> list[Tune]:
    rows = tomllib.loads((Path(__file__).parent / file).read_text(encoding="utf-8"))["tune"]
    return [_tune(row) for row in rows if set_name in (None, row["set"])]


def _tune(row: dict) -> Tune:
    beats, unit = (int(x) for x in row["meter"].split("/"))
    bar, up = beats * 4 / unit, row.get("transpose", 0)
    tonic_name, mode = row["key"].split()
    pickup = _line(row.get("pickup", ""), 0.0, up)
    lead = sum(float(t.split(":")[1]) for t in row.get("pickup", "").split())
    notes = [(a - lead, b - lead, m) for a, b, m in pickup]
    for i, text in enumerate(row["bars"]):
        notes += _line(text, i * bar, up)
    readings = tuple(
        tuple(_reading(text, i * bar, bar, up) for text in line.split("|"))
        for i, line in enumerate(row["chords"])
    )
    return Tune(
        name=row["name"],
        set=row["set"],
        source=row["source"],
        tonic=(_pitch_class(tonic_name) + up) % 12,
        minor=mode == "minor",
        beats=beats,
        unit=unit,
        bpm=float(row["bpm"]),
        notes=tuple(notes),
        bars=readings,
    )


def _line(text: str, at: float, up: int) -> list[tuple[float, float, int]]:
    notes = []
    for token in text.split():
        name, length = token.split(":")
        if name != "r":
            midi = 12 * (int(name[-1]) + 1) + _pitch_class(name[:-1]) + up
            notes.append((at, at + float(length), midi))
        at += float(length)
    return notes


def _reading(text: str, at: float, bar: float, up: int) -> tuple[Span, ...]:
    tokens = text.split()
    spans = []
    for token in tokens:
        name, _, given = token.partition(":")
        length = float(given) if given else bar / len(tokens)
        minor = name.endswith("m")
        spans.append((at, at + length, (_pitch_class(name.rstrip("m")) + up) % 12, minor))
        at += length
    return tuple(spans)


def _pitch_class(name: str) -> int:
    return (_LETTERS[name[0]] + name.count("#") - name[1:].count("b")) % 12
