"""Kinds of argument: the shared vocabulary of the command table and the key table.

A kind checks in two steps, because the wire contract orders its errors: `shape` turns what arrived
into a Python value or raises 101 (106 for a text that is too large), `limit` raises 103 for a value
outside the range. Numbers may arrive as any OSC number, `True`/`False` count as 1/0.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bridge.protocol.errors import error

TEXT_BYTES = 256 * 1024
SEED_MAX = 2**31 - 1
ID_RULE = "1-64 of A-Z a-z 0-9 . _ -, begins with a letter or digit, does not end in a dot"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_METRE = re.compile(r"(\d{1,3})/(\d{1,3})")
_KEY_NAME = re.compile(r"([A-Ga-g])([#b]?)\s*(major|minor|maj|min|m)?", re.IGNORECASE)
_UNITS = (1, 2, 4, 8, 16, 32)


def _anything(_: Any) -> None:
    """Accept every value of the right shape."""


@dataclass(frozen=True)
class Kind:
    """One kind of argument.

    `osc` is the type tag we send it with, `unit` and `range` are for people, `low`/`high`/`choices`
    for machines.
    """

    name: str
    osc: str
    range: str
    shape: Callable[[Any], Any]
    limit: Callable[[Any], None] = _anything
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def convert(self, value: Any) -> Any:
        """Return `value` as this kind, shape and range both checked."""
        shaped = self.shape(value)
        self.limit(shaped)
        return shaped

    def as_dict(self) -> dict[str, Any]:
        """Return what `describe` says of this kind."""
        facts = {
            "kind": self.name,
            "type": self.osc,
            "range": self.range,
            "unit": self.unit or None,
            "low": self.low,
            "high": self.high,
            "choices": list(self.choices) or None,
        }
        return {k: v for k, v in facts.items() if v is not None}


# -- numbers -------------------------------------------------------------------------------------


def _number(value: Any) -> float:
    if not isinstance(value, int | float):
        raise error(101, f"expected a number, got {_show(value)}: send it as i, h, f or d")
    try:
        return float(value)
    except OverflowError:
        raise error(
            103, f"{_show(value)} is too large for a number here: send a smaller one"
        ) from None


def _whole(value: Any) -> int:
    number = _number(value)
    if not math.isfinite(number):
        raise error(103, f"{number} is no count: send a whole number")
    if isinstance(value, int):
        return int(value)
    if number != int(number):
        raise error(101, f"expected a whole number, got {number}: round it")
    return int(number)


def _within(low: float, high: float, low_open: bool = False) -> Callable[[Any], None]:
    def limit(value: Any) -> None:
        above = value > low if low_open else value >= low
        if not (math.isfinite(value) and above and value <= high):
            raise error(
                103, f"{value:g} is outside {_range(low, high, low_open)}: choose a value inside"
            )

    return limit


def _range(low: float, high: float, low_open: bool = False) -> str:
    left = f"over {low:g}" if low_open else f"{low:g}"
    return f"{left} … {high:g}"


def number(
    name: str, low: float, high: float, unit: str = "", osc: str = "f", low_open: bool = False
) -> Kind:
    """Return a kind for a real number in `[low, high]` (`(low, high]` when `low_open`)."""
    check = _within(low, high, low_open)
    return Kind(name, osc, _range(low, high, low_open), _number, check, unit, low, high)


def whole(name: str, low: int, high: int, unit: str = "", osc: str = "i") -> Kind:
    """Return a kind for a whole number in `[low, high]`."""
    return Kind(name, osc, _range(low, high), _whole, _within(low, high), unit, low, high)


# -- texts ---------------------------------------------------------------------------------------


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise error(101, f"expected a text, got {_show(value)}: send it as s")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise error(101, "the text is not valid Unicode: send UTF-8") from None
    return value


def _text_shape(most: int) -> Callable[[Any], str]:
    def shape(value: Any) -> str:
        text = _string(value)
        size = len(text.encode("utf-8"))
        if size > most:
            raise error(106, f"the text has {size} bytes and {most} are allowed: shorten it")
        return text

    return shape


def text(name: str, most: int = TEXT_BYTES) -> Kind:
    """Return a kind for UTF-8 text of at most `most` bytes."""
    return Kind(name, "s", f"UTF-8, at most {most:,} bytes", _text_shape(most), high=most)


def _path_shape(value: Any) -> str:
    path = _string(value)
    if "\0" in path:
        raise error(101, "a path holds no NUL character: send the path as the DAW shows it")
    return path


def _id_shape(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value) or value.endswith("."):
        raise error(104, f"{_show(value)} is no id: use {ID_RULE}")
    if _DEVICES.fullmatch(value):
        raise error(104, f"{value} is the name of a Windows device: choose another id")
    return value


def _job_id_shape(value: Any) -> str:
    return "*" if value == "*" else _id_shape(value)


def _slot_shape(value: Any) -> str:
    name = _string(value)
    if not _ID.fullmatch(name):
        raise error(101, f"{_show(value)} is no slot: use {ID_RULE}")
    return name


def _of_shape(value: Any) -> str:
    job, _, take = _string(value).partition(":")
    if not _ID.fullmatch(job) or (":" in value and not take.isdecimal()):
        raise error(
            101, f"{_show(value)} is neither a job id nor id:take: send the id of a done job"
        )
    return str(value)


def _choice_limit(choices: tuple[str, ...]) -> Callable[[Any], None]:
    def limit(value: Any) -> None:
        for word in value if isinstance(value, tuple) else (value,):
            if word not in choices:
                raise error(
                    103, f"{_show(word)} is not one of {', '.join(choices)}: choose one of them"
                )

    return limit


def choice(name: str, choices: tuple[str, ...]) -> Kind:
    """Return a kind for one word out of `choices`."""
    return Kind(name, "s", " · ".join(choices), _string, _choice_limit(choices), choices=choices)


def _words(value: Any) -> tuple[str, ...]:
    words = tuple(w.strip() for w in _string(value).split(","))
    if not all(words):
        raise error(101, "expected names with commas between them: leave out empty ones")
    return words


def choices(name: str, allowed: tuple[str, ...]) -> Kind:
    """Return a kind for names with commas between, each out of `allowed`."""
    about = "with commas: " + " · ".join(allowed)
    return Kind(name, "s", about, _words, _choice_limit(allowed), choices=allowed)


# -- music ---------------------------------------------------------------------------------------


def _metre_shape(value: Any) -> str:
    match = _METRE.fullmatch(_string(value).strip())
    if not match:
        raise error(101, f"{_show(value)} is no metre: write it as 4/4")
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
    match = _KEY_NAME.fullmatch(_string(value).strip())
    if not match:
        raise error(101, f"{_show(value)} is no key: write it as C# minor")
    mode = match[3] or ""
    minor = mode == "m" or mode.lower() in ("min", "minor")
    return f"{match[1].upper()}{match[2].lower()} {'minor' if minor else 'major'}"


def _map_shape(value: Any) -> tuple[tuple[float, ...], ...]:
    """Tempo map from its JSON text, ordered by time: rows `(second, bpm, beats, unit, ramp)`."""
    try:
        rows = json.loads(_text_shape(TEXT_BYTES)(value))
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
        and all(isinstance(v, int | float) and math.isfinite(v) and abs(v) < 1e9 for v in row)
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
TEXT = text("text")
WORD = text("word", 256)
TAG = text("tag", 1024)
PATH = Kind("path", "s", "absolute path", _path_shape)
ID = Kind("id", "s", ID_RULE, _id_shape)
JOB_ID = Kind("job id", "s", f"* or {ID_RULE}", _job_id_shape)
SLOT = Kind("slot", "s", ID_RULE, _slot_shape)
OF = Kind("job reference", "s", "job id, or id:take", _of_shape)
DECIBEL = number("decibel", -96, 12, "dB")
