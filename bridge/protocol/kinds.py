"""Kinds of argument: the shared vocabulary of the command table and the key table.

Each kind is made of a form from `shapes`; here are the ones that know music, and the list of all.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from typing import Any

from bridge.protocol.chords import chord_row, chord_row_limit
from bridge.protocol.errors import error
from bridge.protocol.loras import MOST, SCALE_MOST, lora_path, lora_row, lora_row_limit
from bridge.protocol.shapes import (
    ID_RULE,
    TEXT_BYTES,
    Kind,
    choice,
    choices,
    id_shape,
    job_id_shape,
    number,
    of_limit,
    of_shape,
    show,
    slot_shape,
    string,
    text,
    text_shape,
    whole,
)

__all__ = [
    "ID_RULE",
    "SEED_MAX",
    "TEXT_BYTES",
    "Kind",
    "choice",
    "choices",
    "key_name",
    "number",
    "text",
    "whole",
]

SEED_MAX = 2**31 - 1

_METRE = re.compile(r"([0-9]{1,3})/([0-9]{1,3})")
_KEY_NAME = re.compile(r"([A-G])([#b]?)\s*(major|minor|maj|min|m)?", re.IGNORECASE | re.ASCII)
_UNITS = (1, 2, 4, 8, 16, 32)


def _metre_shape(value: Any) -> str:
    match = _METRE.fullmatch(string(value).strip())
    if not match:
        raise error(101, f"{show(value)} is no metre: write it as 4/4")
    return f"{int(match[1])}/{int(match[2])}"


def _metre_limit(value: str) -> None:
    beats, unit = (int(n) for n in value.split("/"))
    if not 1 <= beats <= 32 or unit not in _UNITS:
        raise error(103, f"{value} is out of range: use 1-32 beats of 1, 2, 4, 8, 16 or 32")


def _unit_limit(value: int) -> None:
    if value not in _UNITS:
        raise error(103, f"{value} is no note value: use 1, 2, 4, 8, 16 or 32")


def key_name(value: Any) -> str:
    """Return a key's name as `C# minor`; a bare note is major, `Am` is A minor. Raises 101."""
    match = _KEY_NAME.fullmatch(string(value).strip())
    if not match:
        raise error(101, f"{show(value)} is no key: write it as C# minor")
    mode = match[3] or ""
    minor = mode == "m" or mode.lower() in ("min", "minor")
    return f"{match[1].upper()}{match[2].lower()} {'minor' if minor else 'major'}"


def _map_shape(value: Any) -> tuple[tuple[float, ...], ...]:
    """Tempo map from its JSON text, ordered by time: rows `(second, bpm, beats, unit, ramp)`."""
    try:
        rows = json.loads(text_shape(TEXT_BYTES)(value))
    except (ValueError, RecursionError):
        raise error(
            101, "the tempo map is not JSON: send [[second, bpm, beats, unit], …]"
        ) from None
    if not isinstance(rows, list) or not rows or not all(_is_map_row(r) for r in rows):
        raise error(
            101, "a tempo map is [[second, bpm, beats, unit, ramp], …] with at least one row"
        )
    full = sorted(
        (*map(float, r[:2]), int(r[2]), int(r[3]), int(bool(r[4:] and r[4]))) for r in rows
    )
    if any(a[0] == b[0] for a, b in itertools.pairwise(full)):
        raise error(101, "two rows of the tempo map have the same time: keep one of them")
    return tuple(full)


def _is_map_row(row: Any) -> bool:
    return (
        isinstance(row, list)
        and len(row) in (4, 5)
        and all(isinstance(v, int | float) and abs(v) < 1e9 for v in row)
        and all(float(v).is_integer() for v in row[2:])
    )


def _map_limit(rows: tuple[tuple[float, ...], ...]) -> None:
    for _, bpm, beats, unit, _ in rows:
        BPM.limit(bpm)
        _metre_limit(f"{int(beats)}/{int(unit)}")


BPM = number("bpm", 20, 400, "quarter notes per minute")
# A time outside the source is the region's error (203), so negative ones have the right form.
SECONDS = number("seconds", -1e6, 1e6, "seconds from the first sample of the source", "d")
SIGNED_SECONDS = number("signed seconds", -1e6, 1e6, "seconds", "d")
LENGTH = number("length", 0, 3600, "seconds", "d", low_open=True)
BARS = number("bars", 0, 1024, "bars", "d", low_open=True)
FRAME = whole("frame", -(2**53), 2**53, "samples of the source", "h")
BEAT = number("beat", -1e6, 1e6, "quarter notes", "d")
FLAG = whole("flag", 0, 1)
SHARE = number("share", 0, 1)
SEED = whole("seed", 0, SEED_MAX)
BEATS = whole("beats", 1, 32)
UNIT = replace(whole("unit", 1, 32), limit=_unit_limit, range="1 · 2 · 4 · 8 · 16 · 32")
METRE = Kind("metre", "s", "1-32 beats of 1, 2, 4, 8, 16 or 32, as 4/4", _metre_shape, _metre_limit)
KEY_NAME = Kind("key name", "s", "as C# minor", key_name)
TEMPO_MAP = Kind(
    "tempo map", "s", "JSON [[second, bpm, beats, unit, ramp], …]", _map_shape, _map_limit
)
CHORDS = Kind("chords", "s", "bars of chords, as Am | F G | C", chord_row, chord_row_limit)
LORAS = Kind(
    "loras", "s", f"at most {MOST} of PATH=0…{SCALE_MOST:g}, joined by |", lora_row, lora_row_limit
)
LORA_PATH = Kind("lora path", "s", "absolute path without |", lora_path)
LORA_SCALE = number("scale", 0, SCALE_MOST)
TEXT = text("text")
WORD = text("word", 256)
TAG = text("tag", 1024)
PATH = Kind("path", "s", "absolute path", string)
ID = Kind("id", "s", ID_RULE, id_shape)
JOB_ID = Kind("job id", "s", f"* or {ID_RULE}", job_id_shape)
SLOT = Kind("slot", "s", ID_RULE, slot_shape)
OF = Kind("job reference", "s", "job id, or id:take", of_shape, of_limit)
DECIBEL = number("decibel", -96, 12, "dB")
