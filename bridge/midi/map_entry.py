"""One `[[control]]` of a map file as a checked `Control`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from bridge.midi.events import KINDS, Kind
from bridge.midi.map_check import check_messages, starts_job, with_slot
from bridge.midi.maps import CURVES, LED_STATES, MODES, MOVES, RELATIVE, Control, Message, Trigger

_FIELDS = (
    "name", "note", "cc", "program", "pitch", "channel", "mode", "on", "send", "scale", "curve",
    "round", "step", "start", "cycle", "layer", "shift", "latch", "debounce_ms", "every_ms",
    "settle_ms", "led",
)  # fmt: skip
_SETTLE_S = 0.25  # a job waits until a knob has rested
_EVERY_S = 0.03
_DEBOUNCE_S = 0.03


class Mistake(ValueError):
    """What is wrong with an entry."""


def whole(name: str, value: Any, low: int, high: int) -> int:
    """Return a whole number in `[low, high]`. Raises `Mistake`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Mistake(f"{name} is a whole number from {low} to {high}, not {value!r:.40}")
    return value


def control_of(row: Mapping[str, Any], channel: int | None, colours: Mapping[str, int]) -> Control:
    """Return the control that an entry describes. Raises `Mistake`, or the table's own error."""
    _known_fields(row)
    trigger = _trigger(row, channel)
    control = Control(
        name=_text(row, "name", needed=True),
        trigger=trigger,
        messages=_messages(row),
        mode=_one_of(row, "mode", MODES[trigger.kind]),
        on=_one_of(row, "on", MOVES),
        curve=_one_of(row, "curve", CURVES),
        round=_flag(row, "round"),
        cycle=_cycle(row),
        layer=_text(row, "layer"),
        shift=_text(row, "shift"),
        latch=_flag(row, "latch"),
        leds=_leds(row, colours),
        **_scaling(row),
    )
    control = _timed(control, row)
    _consistent(control)
    check_messages(control)
    return control


def _known_fields(row: Mapping[str, Any]) -> None:
    for name in row:
        if name not in _FIELDS:
            close = difflib.get_close_matches(name[:64], _FIELDS, 1, 0.4)
            raise Mistake(f"no field {name!r}: did you mean {(close or _FIELDS)[0]}?")


def _trigger(row: Mapping[str, Any], channel: int | None) -> Trigger:
    given = [k for k in KINDS if k in row]
    if len(given) != 1:
        raise Mistake("give exactly one of note, cc, program, pitch")
    kind: Kind = given[0]
    value = row[kind]
    if kind == "pitch":
        if value is not True:
            raise Mistake("write pitch = true")
        number: int | None = 0
    elif kind == "program" and value == "any":
        number = None
    else:
        top = 31 if row.get("mode") == "14bit" else 127
        number = whole(kind, value, 0, top)
    own = row.get("channel", channel)
    return Trigger(kind, number, None if own is None else whole("channel", own, 1, 16))


def _messages(row: Mapping[str, Any]) -> tuple[Message, ...]:
    send = row.get("send", [])
    if not isinstance(send, list):
        raise Mistake('send is a list: ["/punchin/do", "repaint"], or a list of such lists')
    many = send if send and all(isinstance(m, list) for m in send) else [send] if send else []
    for message in many:
        if not message or not isinstance(message[0], str) or not message[0].startswith("/"):
            raise Mistake("a message begins with its address: /punchin/…")
        if not all(isinstance(a, str | int | float) for a in message):
            raise Mistake("arguments are texts and numbers")
    return tuple((m[0], tuple(m[1:])) for m in many)


def _cycle(row: Mapping[str, Any]) -> tuple[Any, ...]:
    cycle = row.get("cycle", [])
    if not isinstance(cycle, list) or not all(isinstance(v, str | int | float) for v in cycle):
        raise Mistake("cycle is a list of texts and numbers")
    return tuple(cycle)


def _scaling(row: Mapping[str, Any]) -> dict[str, Any]:
    scale = row.get("scale", [0.0, 1.0])
    if not isinstance(scale, list) or len(scale) != 2:
        raise Mistake("scale is [lowest, highest]")
    low, high = (_number("scale", v) for v in scale)
    if low == high or (row.get("curve") == "log" and min(low, high) <= 0):
        raise Mistake("scale needs two different ends, both over 0 for curve log")
    step = _number("step", row.get("step", abs(high - low) / 100))
    start = _number("start", row.get("start", (low + high) / 2))
    if not min(low, high) <= start <= max(low, high) or not 0 < step <= abs(high - low):
        raise Mistake("start lies within scale, and step is over 0 and no more than all of it")
    return {"scale": (low, high), "step": step, "start": start}


def _timed(control: Control, row: Mapping[str, Any]) -> Control:
    """Return the control with its times, and its jobs with a slot, if it moves."""
    asks = control.moves and starts_job(control.messages)
    default = _SETTLE_S if asks else 0.0
    slot = "midi-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in control.name)[:48]
    messages = tuple(with_slot(m, slot) for m in control.messages) if asks else control.messages
    return Control(
        **{
            **vars(control),
            "messages": messages,
            "debounce_s": _ms(row, "debounce_ms", _DEBOUNCE_S),
            "every_s": _ms(row, "every_ms", _EVERY_S),
            "settle_s": _ms(row, "settle_ms", default),
        }
    )


def _consistent(control: Control) -> None:
    if control.shift and control.moves:
        raise Mistake('shift needs a pad or a button, not a knob: give mode = "button"')
    if control.latch and not control.shift:
        raise Mistake("latch belongs to a shift: name its layer")
    if control.shift and control.layer == control.shift:
        raise Mistake("a control can't lie in the layer that it switches on")
    if not control.messages and not control.shift:
        raise Mistake("it does nothing: give send, or shift")
    uses = {a for _, args in control.messages for a in args if isinstance(a, str)}
    if control.mode in RELATIVE and "$value" not in uses:
        raise Mistake("an endless encoder needs $value in what it sends")


def _leds(row: Mapping[str, Any], colours: Mapping[str, int]) -> dict[str, int]:
    leds = row.get("led", {})
    if not isinstance(leds, dict) or not leds.keys() <= set(LED_STATES):
        raise Mistake(f"led is a table of {', '.join(LED_STATES)}")
    found = {}
    for state, value in leds.items():
        if isinstance(value, str) and value not in colours:
            raise Mistake(f"no colour {value[:40]!r} in [colours]")
        found[state] = whole(f"led {state}", colours.get(value, value), 0, 127)
    return found


def _one_of(row: Mapping[str, Any], name: str, words: tuple[Any, ...]) -> Any:
    value = row.get(name, words[0])
    if value not in words:
        raise Mistake(f"{name} is {' or '.join(words)}, not {value!r:.40}")
    return value


def _text(row: Mapping[str, Any], name: str, needed: bool = False) -> str:
    value = row.get(name, "")
    if not isinstance(value, str) or (needed and not value.strip()):
        raise Mistake(f"{name} is a text")
    return value.strip()


def _flag(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name, False)
    if not isinstance(value, bool):
        raise Mistake(f"{name} is true or false")
    return value


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e9:
        raise Mistake(f"{name} is made of numbers")
    return float(value)


def _ms(row: Mapping[str, Any], name: str, default_s: float) -> float:
    """Return a time in seconds from milliseconds, 0…10,000."""
    value = _number(name, row.get(name, default_s * 1000))
    if not 0 <= value <= 10_000:
        raise Mistake(f"{name} is 0 to 10000 milliseconds")
    return value / 1000
