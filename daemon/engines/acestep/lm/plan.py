"""A plan: what the language model writes about a piece before it writes the piece.

As text it is a block of YAML with its keys in alphabetical order, as the model was trained with:
`bpm`, `caption`, `duration` (seconds), `keyscale`, `language`, `timesignature` (2, 3, 4 or 6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from daemon.engines.acestep.text.prompt import BPM_MAX, BPM_MIN, LANGUAGES, METRES

SHORTEST_S, LONGEST_S = 10, 600
"""Lengths that the model knows, in whole seconds."""
_NOTES = "ABCDEFG"
_ACCIDENTALS = ("", "#", "b", "♯", "♭")
_WIDTH = 80
_LINE = re.compile(r"^(\w+):(.*)$")


@dataclass(frozen=True)
class Plan:
    """What is told, or was thought out, about a piece. None: open.

    `bpm` quarter notes, `duration_s` whole seconds, `key` as `F# minor`, `language` a code of the
    model, `metre` one of `2 3 4 6`.
    """

    bpm: int | None = None
    caption: str | None = None
    duration_s: int | None = None
    key: str | None = None
    language: str | None = None
    metre: str | None = None

    @property
    def beats(self) -> tuple[int, int] | None:
        """The metre as beats and unit."""
        for name, value in METRES.items():
            if value == self.metre:
                beats, unit = name.split("/")
                return int(beats), int(unit)
        return None


FIELDS = {
    "bpm": "bpm",
    "caption": "caption",
    "duration": "duration_s",
    "keyscale": "key",
    "language": "language",
    "timesignature": "metre",
}
"""The keys of the block in their order, and what holds them in a `Plan`."""


def choices(field: str) -> tuple[str, ...]:
    """Return all values that a key of the block may have; none for free text."""
    if field == "bpm":
        return tuple(map(str, range(BPM_MIN, BPM_MAX + 1)))
    if field == "duration":
        return tuple(map(str, range(SHORTEST_S, LONGEST_S + 1)))
    if field == "keyscale":
        return tuple(
            f"{n}{a} {m}" for n in _NOTES for a in _ACCIDENTALS for m in ("major", "minor")
        )
    if field == "language":
        return LANGUAGES
    return tuple(METRES.values()) if field == "timesignature" else ()


def written(plan: Plan) -> str:
    """Return what is known of a plan as lines of YAML, the caption folded at 80 columns."""
    lines = []
    for name, attribute in FIELDS.items():
        value = getattr(plan, attribute)
        if value is not None:
            lines.append(_folded(name, str(value)) if name == "caption" else f"{name}: {value}\n")
    return "".join(lines)


def read(text: str) -> Plan:
    """Return the plan in a block of lines; what is no value of its key is left open."""
    found: dict[str, str] = {}
    last = ""
    for line in text.split("\n"):
        match = _LINE.match(line)
        if match and match[1] in FIELDS:
            last, found[match[1]] = match[1], match[2].strip()
        elif last == "caption" and line.startswith("  "):
            found[last] += f" {line.strip()}"
    values = {n: v.strip("'\"") for n, v in found.items()}
    closed = {n: v for n, v in values.items() if n == "caption" or v in choices(n)}
    return Plan(
        bpm=int(closed["bpm"]) if "bpm" in closed else None,
        caption=closed.get("caption") or None,
        duration_s=int(closed["duration"]) if "duration" in closed else None,
        key=_plain_key(closed.get("keyscale")),
        language=closed.get("language"),
        metre=closed.get("timesignature"),
    )


def _plain_key(key: str | None) -> str | None:
    return key.replace("♯", "#").replace("♭", "b") if key else None


def _folded(name: str, value: str) -> str:
    """Fold after the word that passes the width, as YAML's own writer does."""
    out, column = f"{name}:", len(name) + 1
    for word in value.split():
        out, column = (f"{out}\n  ", 2) if column > _WIDTH else (f"{out} ", column + 1)
        out, column = out + word, column + len(word)
    return f"{out}\n"
