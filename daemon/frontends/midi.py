"""MIDI in the daemon: controls become commands, clock becomes transport, lights answer.

Each control is a client of its own, so that the events of the jobs it starts light its own LED.
What comes from the porter waits in two bounded queues, and the loop takes a few hundred at a time.
Clock and time code have a queue of their own and go first, so that no flood of notes is before
them. What does not fit is dropped and counted.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from bridge.midi.clock import Clock
from bridge.midi.events import event_of
from bridge.midi.map_file import load
from bridge.midi.map_notes import notes
from bridge.midi.mapper import Call, Mapper
from bridge.midi.maps import Control, Map
from bridge.protocol.errors import PunchinError
from daemon.core.sections import Midi
from daemon.core.song import MIDI
from daemon.core.studio import Studio
from daemon.frontends.dispatch import Client, Dispatcher
from daemon.frontends.midi_jobs import HeardJobs
from daemon.frontends.midi_lights import Lights
from daemon.frontends.midi_porter import PorterLink

_log = logging.getLogger(__name__)
_MOST_WAITING = 8192
_A_TURN = 200  # messages handled before the loop sees to others
_SILENCE_S, _LATE_S = 0.25, 0.4
_CLOCK_KEEPS_S = 2.0
_SONG_S = 0.02
_PORTS = ("input", "output", "clock_output", "backend")


class _Ear:
    """A listener that hands events to the frontend; `control` None hears all jobs."""

    leased = False

    def __init__(self, frontend: MidiFrontend, control: Control | None, name: str) -> None:
        self._frontend, self._control, self.key = frontend, control, ("midi", name)

    key: Hashable

    def send(self, address: str, *args: Any, instead: tuple[Any, ...] | None = None) -> None:
        """Take one event."""
        self._frontend.heard(self._control, address, args)


class MidiFrontend:
    """The daemon's MIDI. Without a port in the settings it does nothing.

    `notes(port, message, came_s)` gets the notes that no control takes; `recording()` says in the
    status what becomes of them.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        studio: Studio,
        settings: Midi,
        song: Callable[[], Any] = lambda: None,
        link: Callable[..., PorterLink] = PorterLink,
    ) -> None:
        self._link, self._song, self._told_song = link, song, None
        self._dispatcher, self._studio, self._settings = dispatcher, studio, settings
        self._maps, self._map_problem = _maps(settings.map)
        self._map_notes = notes(self._maps)
        for note in self._map_notes:
            _log.warning("MIDI map: %s", note)
        self._mapper = Mapper(self._maps)
        self._jobs = HeardJobs()
        self._ears = {
            c: Client(_Ear(self, c, f"{m.name}/{c.name}"), song=MIDI)
            for m in self._maps
            for c in m.controls
        }
        self._ear = Client(_Ear(self, None, "transport"), song=MIDI)
        self._clocks: dict[str, Clock] = {}
        self._clock_port, self._clock_s, self._listened_s = "", 0.0, 0.0
        self._system: deque[tuple[str, bytes, float]] = deque(maxlen=_MOST_WAITING)
        self._played: deque[tuple[str, bytes, float]] = deque(maxlen=_MOST_WAITING)
        self._awake = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._lights = Lights(self._maps, self._mapper)
        self.dropped = 0
        self.notes: Callable[[str, bytes, float], None] = lambda *_: None
        self.recording: Callable[[], str | None] = lambda: None
        self.ports: PorterLink | None = None
        self._running: asyncio.Future[None] | None = None

    def open(self) -> None:
        """Begin, when the settings name a port."""
        if not (self._settings.input or self._settings.output or self._settings.clock_output):
            return
        self._loop = asyncio.get_running_loop()
        self._jobs.recall(self._studio.roster.recent())
        self._studio.bus.subscribe(self._ear.key, self._ear.listener)
        told = {k: getattr(self._settings, k) for k in _PORTS}
        self.ports = self._link(told, self._deliver, self._changed)
        self._lights.send = self.ports.send
        self._running = asyncio.ensure_future(self.ports.run())
        if self._settings.clock == "in":
            self._later("silence", _SILENCE_S, self._silence)
        if self._settings.clock_output:
            self._later("song", _SONG_S, self._lead)

    async def close(self) -> None:
        """Close the ports and forget every client."""
        for timer in self._timers.values():
            timer.cancel()
        if self._running is None or self.ports is None:
            return
        self._lights.out()
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running
        for client in (self._ear, *self._ears.values()):
            self._studio.bus.forget(client.key)

    def health(self) -> dict[str, Any]:
        """Return the row `midi` of `/punchin/status`."""
        problem = self._map_problem or (self.ports and self.ports.problem())
        row: dict[str, Any] = {"state": "off" if self.ports is None else "ready", "message": ""}
        if problem:
            row |= {"state": "problem", "code": problem.code, "message": problem.message}
        if self.ports is None:
            return row
        clock = self._clocks.get(self._clock_port)
        line = clock.line if clock else None
        return row | {
            "inputs": self.ports.names("in"),
            "outputs": self.ports.names("out"),
            "maps": [m.name for m in self._maps],
            "notes": [note.as_dict() for note in self._map_notes],
            "dropped": self.dropped,
            "recording": self.recording(),
            "clock": clock and {"port": self._clock_port, "playing": clock.playing,
                                "bpm": line and round(line.bpm, 2)},
        }  # fmt: skip

    def inputs(self) -> list[str]:
        """Return the names of the open inputs."""
        return [] if self.ports is None else self.ports.names("in")

    # -- in ----------------------------------------------------------------------------------------

    def _deliver(self, port: str, message: bytes, came_s: float) -> None:
        queue = self._system if message[0] >= 0xF0 else self._played
        if len(queue) == _MOST_WAITING:
            self.dropped += 1
        queue.append((port, message, came_s))
        if not self._awake:
            self._awake = True
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._awake = False
        for queue, take in ((self._system, self._clocked), (self._played, self._moved)):
            for _ in range(min(_A_TURN, len(queue))):
                take(*queue.popleft())
        if (self._system or self._played) and not self._awake:
            self._awake = True
            self._loop.call_soon(self._drain)
        self._wait_for_due()

    def _moved(self, port: str, message: bytes, came_s: float) -> None:
        event = event_of(message, port)
        if event is None:
            return
        layers = set(self._mapper.layers)
        if event.kind == "note" and not self._mapper.takes(event):
            self.notes(port, message, came_s)
        for call in self._mapper.feed(event, came_s):
            self._lights.channels[call.control] = event.channel
            self._do(call)
        if layers != self._mapper.layers:
            for control in self._ears:
                self._lights.show(control)

    def _wait_for_due(self) -> None:
        when_s = self._mapper.next_due_s()
        if when_s is not None:
            self._later("due", max(0.0, when_s - self._loop.time()), self._due)

    def _due(self) -> None:
        for call in self._mapper.due(self._loop.time()):
            self._do(call)
        self._wait_for_due()

    def _do(self, call: Call) -> None:
        """Send what a control asks for, as one bundle."""
        control = call.control
        self._lights.failed.discard(control)
        try:
            messages = self._jobs.fill(call.messages)
        except PunchinError as e:
            _log.warning("MIDI control %s: %s", control.name, e)
            self._lights.failed.add(control)
        else:
            self._dispatcher.apply(messages, self._ears[control])
        self._lights.show(control)

    # -- clock -------------------------------------------------------------------------------------

    def _clocked(self, port: str, message: bytes, came_s: float) -> None:
        """Feed the clock of a port. The port that leads is the first until it falls silent."""
        if self._settings.clock != "in":
            return
        clock = self._clocks.setdefault(port, Clock())
        now_s = self._loop.time()
        told = clock.feed(message, came_s, now_s)
        if port != self._clock_port and now_s - self._clock_s > _CLOCK_KEEPS_S:
            self._clock_port = port
        if port == self._clock_port:
            self._clock_s = now_s
            self._tell(told)

    def _silence(self) -> None:
        """Stop a clock that is silent; where this loop stood still, what has come is read first."""
        before_s, self._listened_s = self._listened_s, self._loop.time()
        for port, clock in self._clocks.items():
            told = clock.due(self._listened_s) if self._listened_s - before_s < _LATE_S else []
            if port == self._clock_port:
                self._tell(told)
        self._later("silence", _SILENCE_S, self._silence)

    def _lead(self) -> None:
        """Tell the clock that goes out where the song is, when that has changed."""
        line = self._song()
        if line is not None and line != self._told_song and self.ports is not None:
            self._told_song = line
            self.ports.song(line.playing, line.at_s, line.beat, line.bpm)
        self._later("song", _SONG_S, self._lead)

    def _tell(self, messages: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        if messages:
            self._dispatcher.apply([(a, list(args)) for a, args in messages], self._ear)

    # -- answers -----------------------------------------------------------------------------------

    def heard(self, control: Control | None, address: str, args: tuple[Any, ...]) -> None:
        """Take an event of a job, or an answer to what a control sent."""
        if control is None:
            self._jobs.heard(address, args)
            return
        if address in ("/punchin/failed", "/punchin/error"):
            _log.warning("MIDI control %s: %s %s", control.name, address, " ".join(map(str, args)))
        self._lights.heard(control, address, args)

    def _changed(self) -> None:
        """Take that ports have come or gone."""
        self._told_song = None
        self._lights.show_all()

    def _later(self, name: str, delay_s: float, call: Any) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self._loop.call_later(delay_s, call)


def _maps(names: Iterable[str]) -> tuple[list[Map], PunchinError | None]:
    """Load the maps; a wrong one is left out and told."""
    maps, problem = [], None
    for name in names:
        try:
            maps.append(load(name))
        except PunchinError as e:
            for line in getattr(e, "mistakes", (e.message,)):
                _log.error("MIDI map: %s", line)
            problem = problem or e
    return maps, problem
