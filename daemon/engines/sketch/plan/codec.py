"""A plan as JSON text and back, without loss: parsing and rendering again gives the same samples.

A note is the row `[start_quarter, length_quarters, midi, velocity, offset_s, articulation]`. With
`written_on` a chord says which chord its notes were made for: where `name` was edited, reading
voices the notes again (see `revoice`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from bridge.protocol.errors import error
from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.names import parse_chord
from daemon.engines.sketch.plan.faults import faults
from daemon.engines.sketch.plan.revoice import edits, revoiced
from daemon.engines.sketch.plan.types import Mix, Part, Plan, PlanChord, PlanNote, Section

FORMAT = "punchin-plan"
VERSION = 1
_MISTAKES = (
    ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError,
)  # fmt: skip
_ROWS_PER_CHECK = 512
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)

Check = Callable[[], None]


def plan_json(plan: Plan, check: Check = lambda: None) -> str:
    """Return `plan` as JSON text, one note a line; `check` is called on the way."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "style": plan.style,
        "seed": plan.seed,
        "key": plan.key,
        "start_s": plan.start_s,
        "length_s": plan.length_s,
        "downbeat": plan.grid.downbeat,
        "tempomap": plan.grid.rows(),
        "mix": asdict(plan.mix),
    }
    lists = {
        "sections": [_line(asdict(s)) for s in plan.sections],
        "chords": [_line({**asdict(c), "written_on": c.name}) for c in plan.chords],
        "parts": [_part_text(p, check) for p in plan.parts],
    }
    body = [f'"{key}": {_line(value)}' for key, value in head.items()]
    body += [f'"{key}": {_rows(rows)}' for key, rows in lists.items()]
    return "{\n" + ",\n".join(body) + "\n}\n"


def plan_from_json(text: str) -> Plan:
    """Return the plan in `text`, its edited chords played; error 101 says what is wrong with it."""
    try:
        data = json.loads(text)
        if data.get("format") != FORMAT:
            raise ValueError("it lacks the mark of a plan")
        plan = _plan(data)
        if fault := next(faults(plan), None):
            raise ValueError(fault)
    except _MISTAKES as reason:
        told = f"it lacks {reason}" if isinstance(reason, KeyError) else reason
        raise error(
            101, f"this plan can't be read ({told}); mend that, or give one as a job wrote it"
        ) from None
    names = [row.get("written_on") for row in data["chords"]]
    return revoiced(plan, edits(plan.chords, names))


def _plan(data: dict[str, Any]) -> Plan:
    return Plan(
        style=str(data["style"]),
        seed=int(data["seed"]),
        key=str(data["key"]),
        grid=Grid.from_rows(data["tempomap"], float(data["downbeat"])),
        start_s=float(data["start_s"]),
        length_s=float(data["length_s"]),
        sections=tuple(Section(**row) for row in data["sections"]),
        chords=tuple(_chord(row) for row in data["chords"]),
        parts=tuple(_part(row) for row in data["parts"]),
        mix=Mix(**data["mix"]),
    )


def _chord(row: dict[str, Any]) -> PlanChord:
    if row.get("written_on") is not None:
        parse_chord(row["written_on"])
    return PlanChord(float(row["start_quarter"]), float(row["end_quarter"]), str(row["name"]))


def _part(row: dict[str, Any]) -> Part:
    notes = tuple(
        PlanNote(float(n[0]), float(n[1]), int(n[2]), int(n[3]), float(n[4]), str(n[5]))
        for n in row["notes"]
    )
    return Part(**{**row, "notes": notes})


def _part_text(part: Part, check: Check) -> str:
    head = {key: value for key, value in vars(part).items() if key != "notes"}
    notes = _rows(_line(list(vars(note).values())) for note in _checked(part.notes, check))
    return _line(head)[:-1] + f', "notes": {notes}}}'


def _checked(notes: tuple[PlanNote, ...], check: Check) -> Iterator[PlanNote]:
    for i, note in enumerate(notes):
        if i % _ROWS_PER_CHECK == 0:
            check()
        yield note


def _rows(rows: Iterable[str]) -> str:
    text = ",\n".join(rows)
    return f"[\n{text}\n]" if text else "[]"


def _line(value: object) -> str:
    return _ENCODER.encode(value)
