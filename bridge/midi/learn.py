"""Learning a control by moving it: from the events it sends to an entry of a map.

A controller's coding can't always be told from a few values: 1 and 127 may be an encoder or a knob
turned quickly. So `guess` says what fits best, and `punchin midi learn --mode` overrules it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.midi.events import Event
from bridge.midi.maps import RELATIVE, Mode

_NEAR = 8  # steps that an encoder makes at most between two messages, turned by hand
_LEAST_STEPS = 3


@dataclass(frozen=True)
class Learned:
    """What was moved. `scale` is what `$value` shall be at both ends, None for 0 to 1."""

    kind: str
    number: int
    channel: int
    mode: Mode
    port: str
    scale: tuple[float, float] | None = None
    round: bool = False


def guess(events: Sequence[Event]) -> Learned | None:
    """Return the control that sent most of `events`, None when there are none."""
    if not events:
        return None
    places = Counter((e.kind, e.channel, 0 if e.kind == "program" else e.number) for e in events)
    fine = _fine_pair(places)
    (kind, channel, number), _ = fine or places.most_common(1)[0]
    own = [e for e in events if (e.kind, e.channel) == (kind, channel)]
    mine = [e for e in own if kind == "program" or e.number == number]
    if kind == "program":
        return Learned(kind, mine[-1].number, channel, "press", mine[-1].port)
    mode = "14bit" if fine else _mode(kind, [e.value for e in mine])
    return Learned(kind, number, channel, mode, mine[-1].port)


def _fine_pair(places: Counter[Any]) -> tuple[tuple[Any, int, int], int] | None:
    """Return the coarse controller of a 14-bit pair: n and n + 32 came about equally often."""
    for (kind, channel, number), count in places.most_common(2):
        other = places.get((kind, channel, number + 32), 0)
        if kind == "cc" and number < 32 and other and 2 * min(count, other) >= max(count, other):
            return (kind, channel, number), count
    return None


def _mode(kind: str, values: Sequence[int]) -> Mode:
    if kind == "note":
        return "press"
    if kind == "pitch":
        return "absolute"
    found = set(values)
    if found <= {0, 127}:
        return "button"
    if len(values) >= _LEAST_STEPS:
        for mode, zero in (("offset", 64), ("twos", 128), ("sign", 64)):
            if _all_steps(found, mode, zero):
                return mode  # type: ignore[return-value]
    return "absolute"


def _all_steps(found: set[int], mode: str, zero: int) -> bool:
    """Whether every value is a small step of this coding, and no sweep through positions."""
    if mode == "offset":
        return all(0 < abs(v - zero) <= _NEAR for v in found) and 64 not in found
    if mode == "twos":
        small = all(1 <= v <= _NEAR or 128 - _NEAR <= v <= 127 for v in found)
    else:
        small = all(1 <= v <= _NEAR or 64 < v <= 64 + _NEAR for v in found)
    ups = {v for v in found if v <= _NEAR}
    # A knob at its low end passes through 1, 2, 3 …; an encoder repeats a few values.
    return small and (len(ups) <= 2 or bool(found - ups))


def entry(learned: Learned, name: str, messages: Sequence[Sequence[Any]]) -> str:
    """Return the `[[control]]` of a map file for a learned control."""
    lines = ["[[control]]", f"name = {_toml(name)}"]
    lines.append(
        "pitch = true" if learned.kind == "pitch" else f"{learned.kind} = {learned.number}"
    )
    lines.append(f"channel = {learned.channel}")
    if learned.kind == "cc":
        lines.append(f"mode = {_toml(learned.mode)}")
    if learned.scale or learned.mode in (*RELATIVE, "absolute", "14bit"):
        lines.append(f"scale = {_toml(learned.scale or (0.0, 1.0))}")
    if learned.round:
        lines.append("round = true")
    sent = _toml(messages[0]) if len(messages) == 1 else _toml(list(messages))
    return "\n".join([*lines, f"send = {sent}", ""])


def _toml(value: Any) -> str:
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text) + '"'
    if isinstance(value, Iterable):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)
