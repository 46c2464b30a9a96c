"""JACK's transport as a source of the song position.

A client without ports asks the server where its transport is, many times a second. Who leads the
transport (Ardour, a timebase master) may tell bars and beats with it; without them there is only a
position in seconds, and tempo and metre come from the context.

What the transport's frame sounds like is heard after the latency of the physical outputs, so that
is when the song is said to be there.

Threads: `JackSong` has one of its own between `begin` and `close`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bridge.protocol.errors import PunchinError
from daemon.player.outputs import jack_ports
from daemon.player.outputs.keeper import within

_POLL_S = 0.02
_TELL_S = 0.05
_RETRY_S = 1.0
_CLOSE_S = 3.0
_STALE_S = 1.0  # without a new cycle for so long the server is gone
_MOVED_S = 0.2
_LOOKS, _AT_ONCE_S = 20, 0.0003
Told = dict[str, Any]
Report = Callable[[str, Told, float], None]


class JackSong:
    """Tells `report` a message of `daemon.core.song` and when it was so, `trouble` why not."""

    def __init__(self, report: Report, trouble: Callable[[str], None]) -> None:
        self._report, self._trouble = report, trouble
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jack-song", daemon=True)

    def begin(self) -> None:
        """Start to look for a server."""
        self._thread.start()

    def close(self) -> None:
        """Leave the server."""
        self._end.set()
        self._thread.join(_CLOSE_S + 1)

    def _run(self) -> None:
        said = ""
        while not self._end.is_set():
            gone = threading.Event()
            try:
                client = jack_ports.join("punchin-song", gone.set)
            except PunchinError as problem:
                if problem.message != said:
                    self._trouble(problem.message)
                said = problem.message
                self._end.wait(_RETRY_S)
                continue
            if said:
                self._trouble("")
            said = ""
            self._follow(client, gone)
            try:
                within(_CLOSE_S, partial(jack_ports.leave, client))
            except TimeoutError:
                self._trouble("JACK does not let its transport go: restart the JACK server")
                return

    def _follow(self, client: Any, gone: threading.Event) -> None:
        """Tell until the server is gone."""
        import jack

        reader, cycle, alive_s = Reader(), -1, time.monotonic()
        while not self._end.wait(_POLL_S) and not gone.is_set() and not jack_ports.dead():
            now_s, before, state, position, since = _looked(client)
            if before != cycle:
                cycle, alive_s = before, now_s
            elif now_s - alive_s > _STALE_S:
                return
            at_s = now_s + (jack_ports.outside_frames(client) - since) / client.samplerate
            for name, told in reader.messages(state == jack.ROLLING, position, now_s):
                self._report(name, told, at_s)


def _looked(client: Any) -> tuple[float, int, Any, Mapping[str, Any], int]:
    """Return time, count at the cycle's start, transport's state and position there, frames since.

    Asked again when a new cycle has begun meanwhile, or the machine was busy with something else.
    """
    for _ in range(_LOOKS):
        cycle = client.last_frame_time
        state, position = client.transport_query()
        before_s, now, after_s = time.monotonic(), client.frame_time, time.monotonic()
        if client.last_frame_time == cycle and after_s - before_s < _AT_ONCE_S:
            break
    return before_s, cycle, state, position, (now - cycle) % jack_ports.COUNT


class Reader:
    """Turns what JACK tells, `Client.transport_query`, into messages about the song."""

    def __init__(self) -> None:
        self._told_s = -_TELL_S
        self._rolled: bool | None = None
        self._from: tuple[int, float] | None = None  # frame and beat
        self._in_quarters = False

    def messages(
        self, rolling: bool, position: Mapping[str, Any], now_s: float
    ) -> list[tuple[str, Told]]:
        """Return what is worth telling at `now_s`: every change, and some twenty times a second."""
        if rolling == self._rolled and now_s - self._told_s < _TELL_S:
            return []
        self._rolled, self._told_s = rolling, now_s
        if "bar" not in position:
            second = position["frame"] / position["frame_rate"]
            return [("transport/seconds", {"value": second}),
                    ("transport/playing", {"value": int(rolling)})]  # fmt: skip
        return [("transport", self._whole(rolling, position))]

    def _whole(self, rolling: bool, position: Mapping[str, Any]) -> Told:
        quarter = 4 / position["beat_type"]
        in_bar = (position["beat"] - 1 + position["tick"] / position["ticks_per_beat"]) * quarter
        bar_beats = position["beats_per_bar"] * quarter
        beat = (position["bar"] - 1) * bar_beats + in_bar
        self._look(rolling, position, beat)
        bpm = position["beats_per_minute"]
        return {
            "playing": int(rolling),
            "beat": beat,
            "bpm": bpm if self._in_quarters else bpm * quarter,
            "bar_beat": in_bar,
            "bar_beats": bar_beats,
        }

    def _look(self, rolling: bool, position: Mapping[str, Any], beat: float) -> None:
        """Find out whether the tempo counts the metre's beats or quarters: leaders differ."""
        frame, told_bpm = position["frame"], position["beats_per_minute"]
        if not rolling or self._from is None or frame < self._from[0]:
            self._from = (frame, beat)
            return
        moved_s = (frame - self._from[0]) / position["frame_rate"]
        if moved_s >= _MOVED_S:
            bpm = (beat - self._from[1]) * 60 / moved_s
            as_beats = told_bpm * 4 / position["beat_type"]
            self._in_quarters = abs(bpm - told_bpm) < abs(bpm - as_beats)
            self._from = (frame, beat)
