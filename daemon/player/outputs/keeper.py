"""Keeps one output open: opens it, watches it, opens it again when its device comes back.

Devices go in two ways: they say so, or they just stop taking samples, and then closing them hangs.
So every call of the output runs on a thread that can be given up, and a device without a sign of
life counts as gone. If it can't even be closed the keeper reports `stuck`: audio libraries keep
their state in the process, and only a new process mends that.

Threads: a keeper's own thread calls the output, through helpers; `state` may be read by any.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from bridge.protocol.errors import PunchinError, error
from daemon.player.outputs.base import Format, Health, Output, Start

_LOOK_S = 0.1
_STOOD_S = 0.5  # a look that is so late says that we stood still, not that the device did
_DEAD_S = 1.0  # no sign of life for so long, and for eight blocks: the device is gone
_OPEN_S, _CLOSE_S = 10.0, 3.0
_RETRY_S = (0.25, 0.5, 1.0, 2.0, 5.0)
T = TypeVar("T")
_log = logging.getLogger("punchin.player")


@dataclass(frozen=True)
class State:
    """What a keeper knows: `opening`, `open`, `waiting` (for the device), `stuck` or `closed`.

    `code` and `trouble` are the numbered error and its message while it waits. `losses`: how often
    the device has gone. `format`: the last one.
    """

    name: str = "opening"
    code: int = 0
    trouble: str = ""
    losses: int = 0
    format: Format | None = None


class Keeper:
    """Holds `output` open until `close`.

    `changed` hears every new state, on the keeper's thread.
    """

    def __init__(
        self,
        output: Output,
        start: Start,
        changed: Callable[[State], None] = lambda _state: None,
    ) -> None:
        self.output = output
        self.state = State()
        self._start, self._changed = start, changed
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"keep-{output.name}", daemon=True)

    def begin(self) -> None:
        """Start to open the output."""
        self._thread.start()

    def close(self) -> None:
        """Close the output and wait for it, for a little while."""
        self._closing.set()
        self._thread.join(_CLOSE_S + 1)

    def health(self) -> dict[str, Any]:
        """Return what replies tell about this output."""
        found, state = self.output.health(), self.state
        shown = {"output": self.output.name, "state": state.name, "losses": state.losses}
        shown |= {"underruns": found.underruns, "frames": found.frames}
        if state.trouble:
            shown |= {"code": state.code, "trouble": state.trouble}
        if state.format:
            fmt = state.format
            now_s = fmt.latency_s if found.latency_s is None else found.latency_s
            shown |= {"rate": fmt.rate, "channels": fmt.channels, "latency_s": now_s}
            shown |= {"device": fmt.device or self.output.name}
        return shown

    def _run(self) -> None:
        attempt = 0
        while not self._closing.is_set():
            try:
                self._tell(format=within(_OPEN_S, lambda: self.output.open(self._start)),
                           name="open", code=0, trouble="")  # fmt: skip
            except TimeoutError:
                return self._give_up("the audio system does not answer")
            except Exception as problem:
                told = _refused(problem)
                self._tell(name="waiting", code=told.code, trouble=told.message)
                self._closing.wait(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
                attempt += 1
                continue
            attempt = 0
            self._watch()
            try:
                within(_CLOSE_S, self.output.close)
            except TimeoutError:
                return self._give_up("the audio device can't be closed")
        return self._tell(name="closed")

    def _watch(self) -> None:
        """Return when the output is to be closed or its device is gone."""
        fmt = self.state.format
        assert fmt is not None
        patience_s = max(_DEAD_S, 8 * fmt.block / fmt.rate + fmt.latency_s)
        looked_s = time.monotonic()
        while not self._closing.wait(_LOOK_S):
            before_s, looked_s = looked_s, time.monotonic()
            now_s = looked_s if looked_s - before_s < _STOOD_S else before_s
            if trouble := lost(self.output.health(), now_s, patience_s):
                self._tell(name="waiting", code=402, trouble=f"{trouble}: it is tried again",
                           losses=self.state.losses + 1)  # fmt: skip
                return

    def _give_up(self, trouble: str) -> None:
        self._tell(name="stuck", code=402, trouble=f"{trouble}: the player is started again")

    def _tell(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        self._changed(self.state)


def _refused(problem: Exception) -> PunchinError:
    """Return why an output can't be opened; libraries have errors of their own."""
    if isinstance(problem, PunchinError):
        return problem
    _log.warning("an output can't be opened", exc_info=problem)
    why = f"the audio system refuses ({problem})"
    return error(402, f"{why}: see the player's log; it is tried again")


def lost(health: Health, now_s: float, patience_s: float) -> str:
    """Return why a device counts as gone, an empty text while it lives."""
    if health.state != "open":
        return health.trouble or "the audio device is gone"
    return "the audio device stands still" if now_s - health.beat_s > patience_s else ""


def within(limit_s: float, call: Callable[[], T]) -> T:
    """Return what `call` returns or raise what it raises; TimeoutError, and let it hang."""
    box: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            box.append(call())
        except BaseException as problem:  # handed to the caller
            failed.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    if failed:
        raise failed[0]
    if not box:
        raise TimeoutError
    return box[0]
