"""LED feedback: the state of each control as the message that lights it.

A control's light shows `busy` while a job that it started is open, `failed` after one that failed
until it is pressed again, `on` while its layer or the odd half of its cycle is on, else `idle`.
A state that a control's `led` lacks shows the next one of that order.
"""

from __future__ import annotations

from collections.abc import Iterable

from bridge.midi.maps import Control

_ORDER = ("busy", "failed", "on", "idle")


def light(control: Control, states: Iterable[str], channel: int | None = None) -> bytes | None:
    """Return the message that shows the foremost of `states`, None for a control without light.

    A note lights by its own note-on, a controller by its own value. `channel` 1…16 is where the
    control was last heard, for a control of any channel.
    """
    trigger = control.trigger
    if trigger.number is None or trigger.kind not in ("note", "cc"):
        return None
    on = {*states, "idle"}
    value = next((control.leds[s] for s in _ORDER if s in on and s in control.leds), None)
    if value is None:
        return None
    status = 0x90 if trigger.kind == "note" else 0xB0
    return bytes((status | (trigger.channel or channel or 1) - 1, trigger.number, value))
