"""The recording booth: one recording at a time, as the control plane asks for it.

Threads: methods belong to the thread that hears the control plane; `told` is called by the
recorder's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bridge.protocol.errors import error
from daemon.player.capture import inputs
from daemon.player.capture.recorder import Order, Recorder
from daemon.player.transport import Line

_CLOSE_S = 3.0


class Booth:
    """Makes recorders. `line` tells where the DAW's song is, `told` hears how one ended."""

    def __init__(self, line: Callable[[], Line], told: Callable[[dict[str, Any]], None]) -> None:
        self._line, self._told = line, told
        self._recorder: Recorder | None = None

    def begin(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Arm a recording of `input` into `path`; return its state. Raises PunchinError 101, 402.

        `asked` has `input`, `host_api`, `path`, `when`, `bars` (or None), `preroll_s`.
        """
        if self._recorder and self._recorder.stage != "over":
            raise error(101, "a recording is under way: end it with /punchin/capture 0 first")
        if self._recorder and not self._recorder.let_go(_CLOSE_S):
            raise error(402, "the input of the last recording does not close: check the device")
        order = Order(Path(asked["path"]), asked["when"], asked["bars"], asked["preroll_s"])
        source = inputs.of(asked["input"], asked["host_api"])
        recorder = Recorder(source, order, self._line, self._told)
        recorder.begin()
        self._recorder = recorder
        return recorder.state()

    def end(self) -> None:
        """Punch out. Raises PunchinError 101."""
        if not self._recorder or self._recorder.stage == "over":
            raise error(101, "nothing is recorded: begin with /punchin/capture 1")
        self._recorder.end()

    def state(self) -> dict[str, Any] | None:
        """Return what is recorded, None when nothing is."""
        recorder = self._recorder
        return recorder.state() if recorder and recorder.stage != "over" else None

    def close(self) -> None:
        """Give up what is recorded."""
        if self._recorder:
            self._recorder.close()
