"""What the controls' events ask for: presses at once, moving controls rate-limited.

A moving control is told at most every `every_s`, or only once it has rested for `settle_s`; its
last position always is. `due` hands out what has waited. Pure: the time is an argument (seconds,
monotonic).

Threads: one, the owner's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.midi.events import Event
from bridge.midi.maps import RELATIVE, Control, Map, Message, Trigger, filled
from bridge.midi.relative import STEPS

_DIGITS = 6
_PRESSED = 64  # a button's controller value from here on means pressed


@dataclass(frozen=True)
class Call:
    """Messages that a control asks for; the words about jobs are still in them."""

    control: Control
    messages: tuple[Message, ...]
    port: str = ""


@dataclass
class _State:
    """What is remembered of one control."""

    position: float | None = None
    cycled: int = 0
    pressed: bool = False
    moved_s: float = -math.inf
    told_s: float = -math.inf
    told: Any = None
    waiting: bool = False
    port: str = ""


@dataclass
class Mapper:
    """Controls in, calls out. `layers` are the shift layers that are on."""

    maps: Sequence[Map]
    layers: set[str] = field(default_factory=set)
    _states: dict[Control, _State] = field(default_factory=dict)
    _coarse: dict[tuple[str, int, int], int] = field(default_factory=dict)
    _held: dict[tuple[str, int, int], Control] = field(default_factory=dict)
    _waiting: set[Control] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._index: dict[tuple[str, int | None], list[tuple[Map, Control]]] = {}
        for each in self.maps:
            for control in each.controls:
                for key in _keys(control):
                    self._index.setdefault(key, []).append((each, control))

    def feed(self, event: Event, now_s: float) -> list[Call]:
        """Take an event; return what it asks for at once."""
        control = self._control(event)
        if control is None:
            return []
        state = self._states.setdefault(control, _State())
        state.port = event.port
        if control.moves:
            return self._move(control, state, event, now_s)
        return self._press(control, state, event, now_s)

    def takes(self, event: Event) -> bool:
        """Whether a control would take this event; nothing changes by asking."""
        if event.kind == "note" and event.value == 0:
            return (event.port, event.channel, event.number) in self._held
        return self._fitting(event) is not None

    def due(self, now_s: float) -> list[Call]:
        """Return the calls whose time has come."""
        return [
            call
            for control in sorted(self._waiting, key=lambda c: self._states[c].moved_s)
            for call in self._tell(control, self._states[control], now_s)
        ]

    def next_due_s(self) -> float | None:
        """Return when `due` has something, None when nothing waits."""
        return min((_when(c, self._states[c]) for c in self._waiting), default=None)

    def is_on(self, control: Control) -> bool:
        """Whether a control's layer is on, or its cycle between its two halves."""
        state = self._states.get(control)
        turned = bool(control.cycle and state and state.cycled % len(control.cycle))
        return turned or bool(control.shift and control.shift in self.layers)

    def is_shown(self, control: Control) -> bool:
        """Whether this control is the one that its trigger moves now."""
        if control.layer:
            return control.layer in self.layers
        others = (o for m in self.maps for o in m.controls if o.trigger == control.trigger)
        return not any(o.layer in self.layers for o in others)

    # -- which control -----------------------------------------------------------------------------

    def _control(self, event: Event) -> Control | None:
        """Return the control of an event: the one of a layer that is on, else the plain one.

        A release belongs to the control that was pressed, whatever the layers are by now.
        """
        place = (event.port, event.channel, event.number)
        if event.kind == "note" and event.value == 0:
            return self._held.pop(place, None)
        control = self._fitting(event)
        if event.kind == "note" and control:
            self._held[place] = control
        return control

    def _fitting(self, event: Event) -> Control | None:
        found = [
            c
            for m, c in (*self._index.get((event.kind, event.number), ()),
                         *self._index.get((event.kind, None), ()))
            if _channel_fits(c.trigger, event) and m.serves(event.port)
        ]  # fmt: skip
        layered = [c for c in found if c.layer in self.layers]
        return next(iter(layered or [c for c in found if not c.layer]), None)

    # -- pads and buttons --------------------------------------------------------------------------

    def _press(self, control: Control, state: _State, event: Event, now_s: float) -> list[Call]:
        down = event.value >= (_PRESSED if event.kind == "cc" else 1) or event.kind == "program"
        if event.kind == "cc" and down == state.pressed:
            return []
        # What is held is held, also when its contact chatters.
        self._hold(control, down)
        quiet = now_s - state.moved_s >= control.debounce_s
        if down:
            state.moved_s = now_s
            if not quiet:
                return []
        elif not state.pressed:
            return []
        state.pressed = down and event.kind != "program"
        if control.latch and down:
            self.layers ^= {control.shift}
        if control.on == ("press" if down else "release") or control.on == "both":
            return self._call(control, state, event.value / 127)
        return []

    def _hold(self, control: Control, down: bool) -> None:
        if control.shift and not control.latch:
            self.layers = self.layers - {control.shift} | ({control.shift} if down else set())

    def _call(self, control: Control, state: _State, share: float) -> list[Call]:
        if not control.messages:
            return []
        words = {"$value": _scaled(control, share)}
        if control.cycle:
            words["$cycle"] = control.cycle[state.cycled % len(control.cycle)]
            state.cycled += 1
        return [Call(control, _messages(control, words), state.port)]

    # -- knobs and wheels --------------------------------------------------------------------------

    def _move(self, control: Control, state: _State, event: Event, now_s: float) -> list[Call]:
        position = self._position(control, state, event)
        if position is None:
            return []
        state.position = position
        state.moved_s = now_s
        self._waiting.add(control)
        return self._tell(control, state, now_s)

    def _position(self, control: Control, state: _State, event: Event) -> float | None:
        """Return what `$value` is now, None while half of a 14-bit value is missing."""
        if control.mode in RELATIVE:
            low, high = sorted(control.scale)
            before = control.start if state.position is None else state.position
            step = math.copysign(control.step, control.scale[1] - control.scale[0])
            moved = before + STEPS[control.mode](event.value) * step
            return _tidy(control, min(high, max(low, moved)))
        if control.mode == "14bit":
            place = (event.port, event.channel, event.number % 32)
            if event.number < 32:
                self._coarse[place] = event.value
            elif place not in self._coarse:
                return None
            fine = event.value if event.number >= 32 else 0
            return _scaled(control, (self._coarse[place] << 7 | fine) / 16383)
        return _scaled(control, _bent(event.value) if event.kind == "pitch" else event.value / 127)

    def _tell(self, control: Control, state: _State, now_s: float) -> list[Call]:
        if now_s < _when(control, state):
            return []
        self._waiting.discard(control)
        if state.position == state.told:
            return []
        state.told, state.told_s = state.position, now_s
        return [Call(control, _messages(control, {"$value": state.position}), state.port)]


def _bent(value: int) -> float:
    """Return a wheel's share of its way: at rest it is exactly half."""
    return value / 16384 if value <= 8192 else 0.5 + (value - 8192) / 16382


def _when(control: Control, state: _State) -> float:
    return max(state.moved_s + control.settle_s, state.told_s + control.every_s)


def _keys(control: Control) -> Iterable[tuple[str, int | None]]:
    trigger = control.trigger
    yield trigger.kind, trigger.number
    if control.mode == "14bit" and trigger.number is not None:
        yield trigger.kind, trigger.number + 32


def _channel_fits(trigger: Trigger, event: Event) -> bool:
    return trigger.channel is None or trigger.channel == event.channel


def _scaled(control: Control, share: float) -> float:
    low, high = control.scale
    if control.curve == "log":
        return _tidy(control, low * (high / low) ** share)
    return _tidy(control, low + (high - low) * share)


def _tidy(control: Control, value: float) -> float:
    return round(value) if control.round else round(value, _DIGITS)


def _messages(control: Control, words: dict[str, Any]) -> tuple[Message, ...]:
    return tuple((a, tuple(filled(v, words) for v in args)) for a, args in control.messages)
