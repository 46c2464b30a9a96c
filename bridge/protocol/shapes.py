"""Forms of argument, numbers and texts, from which the kinds of the protocol are made.

A kind checks in two steps, because the wire contract orders its errors: `shape` turns what arrived
into a Python value or raises 101 (106 for a text that is too large), `limit` raises 103 for a value
outside the range. Numbers may arrive as any OSC number, `True`/`False` count as 1/0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.protocol.errors import error

TEXT_BYTES = 256 * 1024
TAKES = 8
ID_RULE = "1-64 of A-Z a-z 0-9 . _ -, begins with a letter or digit, does not end in a dot"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OF = re.compile(_ID.pattern + r"(:[0-9]{1,4})?")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


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
        raise error(101, f"expected a number, got {show(value)}: send it as i, h, f or d")
    try:
        return float(value) + 0.0  # a resend with -0.0 is the same as with 0.0
    except OverflowError:
        raise error(
            103, f"{show(value)} is too large for a number here: send a smaller one"
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
                103,
                f"{plain(value)} is outside {_range(low, high, low_open)}: choose a value inside",
            )

    return limit


def _range(low: float, high: float, low_open: bool = False) -> str:
    return f"{'over ' if low_open else ''}{plain(low)} … {plain(high)}"


def plain(value: float) -> str:
    """Return a number as people write it: every digit, thousands apart, no exponent if it can."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"


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


def show(value: Any) -> str:
    """Return a value for an error message: short, printable, whatever it is."""
    if isinstance(value, str):
        text = repr(value[:40])
    elif isinstance(value, float | bool) or (isinstance(value, int) and abs(value) < 1 << 64):
        text = repr(value)
    else:  # the repr of a blob, a nested array or a giant number may be endless
        text = type(value).__name__
    return text if len(text) <= 40 else text[:37] + "…"


def string(value: Any) -> str:
    """Return a text that OSC can carry. Raises 101."""
    if not isinstance(value, str):
        raise error(101, f"expected a text, got {show(value)}: send it as s")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise error(101, "the text is not valid Unicode: send UTF-8") from None
    if "\0" in value:
        raise error(101, "the text holds a NUL character: leave it out")
    return value


def text_shape(most: int) -> Callable[[Any], str]:
    """Return the check for a text of at most `most` bytes. It raises 101, 106."""

    def shape(value: Any) -> str:
        text = string(value)
        size = len(text.encode("utf-8"))
        if size > most:
            raise error(106, f"the text has {size} bytes and {most} are allowed: shorten it")
        return text

    return shape


def text(name: str, most: int = TEXT_BYTES) -> Kind:
    """Return a kind for UTF-8 text of at most `most` bytes."""
    return Kind(name, "s", f"UTF-8, at most {most:,} bytes", text_shape(most), high=most)


def id_shape(value: Any) -> str:
    """Return an id that can be a folder's name on every system. Raises 104."""
    if not isinstance(value, str) or not _ID.fullmatch(value) or value.endswith("."):
        raise error(104, f"{show(value)} is no id: use {ID_RULE}")
    if _DEVICES.fullmatch(value):
        raise error(104, f"{value} is the name of a Windows device: choose another id")
    return value


def job_id_shape(value: Any) -> str:
    """Return an id, or `*`. Raises 104."""
    return "*" if value == "*" else id_shape(value)


def slot_shape(value: Any) -> str:
    """Return the name of a slot. Raises 101."""
    name = string(value)
    if not _ID.fullmatch(name):
        raise error(101, f"{show(value)} is no slot: use {ID_RULE}")
    return name


def of_shape(value: Any) -> str:
    """Return a job id or `id:take`. Raises 101."""
    if not _OF.fullmatch(string(value)):
        raise error(
            101, f"{show(value)} is neither a job id nor id:take: send the id of a done job"
        )
    return str(value)


def of_limit(value: str) -> None:
    """Raise 103 for a take that no job can have."""
    _, colon, take = value.partition(":")
    if colon and not 1 <= int(take) <= TAKES:
        raise error(103, f"take {take} is outside 1 … {TAKES}: choose a take of the job")


def _choice_limit(choices: tuple[str, ...]) -> Callable[[Any], None]:
    def limit(value: Any) -> None:
        for word in value if isinstance(value, tuple) else (value,):
            if word not in choices:
                raise error(
                    103, f"{show(word)} is not one of {', '.join(choices)}: choose one of them"
                )

    return limit


def choice(name: str, choices: tuple[str, ...]) -> Kind:
    """Return a kind for one word out of `choices`."""
    return Kind(name, "s", " · ".join(choices), string, _choice_limit(choices), choices=choices)


def _words(value: Any) -> tuple[str, ...]:
    words = tuple(w.strip() for w in string(value).split(","))
    if not all(words):
        raise error(101, "expected names with commas between them: leave out empty ones")
    return tuple(dict.fromkeys(words))


def choices(name: str, allowed: tuple[str, ...]) -> Kind:
    """Return a kind for names with commas between, each out of `allowed`."""
    about = "with commas: " + " · ".join(allowed)
    return Kind(name, "s", about, _words, _choice_limit(allowed), choices=allowed)
