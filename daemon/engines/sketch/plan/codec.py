"""A plan as JSON text and back, without loss: parsing and rendering again gives the same samples.

A note is the row `[start_quarter, length_quarters, midi, velocity, offset_s, articulation]`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bridge.protocol.errors import error
from daemon.audio.grid import Grid
from daemon.engines.sketch.plan.types import Mix, Part, Plan, PlanChord, PlanNote, Section

FORMAT = "punchin-plan"
VERSION = 1


def plan_json(plan: Plan) -> str:
    """Return `plan` as JSON text, one note a line."""
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
        "chords": [_line(asdict(c)) for c in plan.chords],
        "parts": [_part_text(p) for p in plan.parts],
    }
    body = [f'"{key}": {_line(value)}' for key, value in head.items()]
    body += [f'"{key}": {_rows(rows)}' for key, rows in lists.items()]
    return "{\n" + ",\n".join(body) + "\n}\n"


def plan_from_json(text: str) -> Plan:
    """Return the plan in `text`; error 101 if it is none."""
    try:
        data = json.loads(text)
        if data.get("format") != FORMAT:
            raise ValueError("it lacks the mark of a plan")
        return _plan(data)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as reason:
        raise error(
            101, f"this plan can't be read ({reason}); give one that this version wrote"
        ) from None


def _plan(data: dict[str, Any]) -> Plan:
    return Plan(
        style=str(data["style"]),
        seed=int(data["seed"]),
        key=str(data["key"]),
        grid=Grid.from_rows(data["tempomap"], float(data["downbeat"])),
        start_s=float(data["start_s"]),
        length_s=float(data["length_s"]),
        sections=tuple(Section(**row) for row in data["sections"]),
        chords=tuple(PlanChord(**row) for row in data["chords"]),
        parts=tuple(_part(row) for row in data["parts"]),
        mix=Mix(**data["mix"]),
    )


def _part(row: dict[str, Any]) -> Part:
    notes = tuple(
        PlanNote(float(n[0]), float(n[1]), int(n[2]), int(n[3]), float(n[4]), str(n[5]))
        for n in row["notes"]
    )
    return Part(**{**row, "notes": notes})


def _part_text(part: Part) -> str:
    head = {key: value for key, value in vars(part).items() if key != "notes"}
    notes = _rows([_line(list(vars(note).values())) for note in part.notes])
    return _line(head)[:-1] + f', "notes": {notes}}}'


def _rows(rows: list[str]) -> str:
    return "[\n" + ",\n".join(rows) + "\n]" if rows else "[]"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
