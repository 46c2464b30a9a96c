"""The lights of controls: which are busy, failed, on; what has changed is sent.

Threads: the control loop's thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bridge.midi.leds import light
from bridge.midi.mapper import Mapper
from bridge.midi.maps import Control, Map

_ENDS = ("/punchin/done", "/punchin/failed", "/punchin/cancelled")


class Lights:
    """Lights of all maps. `send(message, port)` is there once there are ports.

    `failed` holds the controls whose last message was refused, `channels` the channel on which a
    control was moved last.
    """

    def __init__(self, maps: Sequence[Map], mapper: Mapper) -> None:
        self._maps, self._mapper = maps, mapper
        self._busy: dict[Control, set[str]] = {}
        self._lit: dict[bytes, tuple[bytes, str]] = {}
        self.failed: set[Control] = set()
        self.channels: dict[Control, int] = {}
        self.send: Callable[[bytes, str], None] | None = None

    def heard(self, control: Control, address: str, args: Sequence[Any]) -> None:
        """Take what a control's jobs tell."""
        busy = self._busy.setdefault(control, set())
        if address == "/punchin/accepted":
            busy.add(args[0])
        elif address in _ENDS:
            busy.discard(args[0])
        if address in ("/punchin/failed", "/punchin/error"):
            self.failed.add(control)
        self.show(control)

    def show_all(self) -> None:
        """Show every light anew, as a device that was just plugged in needs it."""
        self._lit.clear()
        for each in self._maps:
            for control in each.controls:
                self.show(control)

    def show(self, control: Control) -> None:
        """Show a control's state where it has changed; one under another layer shows nothing."""
        if not control.leds or not self._mapper.is_shown(control) or self.send is None:
            return
        message = light(control, self._states(control), self.channels.get(control))
        if message is None:
            return
        shown = (message, next(m.port for m in self._maps if control in m.controls))
        if self._lit.get(message[:2]) != shown:
            self.send(*shown)
        self._lit[message[:2]] = shown

    def out(self) -> None:
        """Put every light out."""
        for place, (_, port) in self._lit.items():
            if self.send:
                self.send(place + b"\0", port)

    def _states(self, control: Control) -> Iterable[str]:
        if self._busy.get(control):
            yield "busy"
        if control in self.failed:
            yield "failed"
        if self._mapper.is_on(control):
            yield "on"
