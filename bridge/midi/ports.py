"""Open ports, kept open: named by a part of their name, opened when they appear.

Two threads. The watcher looks for ports every second, opens those that are wanted, closes those
that have gone, and finds out when a JACK server has died; it may hang in a library without harm.
The reader empties the queues of the open inputs every two milliseconds, cuts the bytes into
messages and hands them on with their time of arrival (monotonic seconds).

Threads: `open`, `close`, `send` and `state` from any; `deliver` and `notice` are called on the
reader's and the watcher's thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.midi import backends
from bridge.midi.arrival import Arrival
from bridge.midi.backends import VIRTUAL, Place
from bridge.midi.stream import Stream
from bridge.midi.unblock import END, Unblocker
from bridge.protocol.errors import PunchinError, error

READ_S, LOOK_S, _CLOSE_S = 0.002, 1.0, 0.7
_MOST = 4096  # packets read from one port at a time
# A JACK port that is silent for so long is asked whether its server still lives; an input hears its
# own unblocker while it does.
_SILENT_S, _SILENT_INPUT_S = 5.0, 2.0
_log = logging.getLogger(__name__)

# Gets a port's name and its messages, each with its time of arrival.
Deliver = Callable[[str, list[tuple[bytes, float]]], None]


@dataclass
class _Open:
    """One open port."""

    place: Place
    client: Any
    stream: Stream = field(default_factory=Stream)
    arrival: Arrival = field(default_factory=Arrival)
    heard_s: float = 0.0
    unblocker: Unblocker | None = None

    def close(self) -> None:
        """Give the clients back."""
        self.client.delete()
        if self.unblocker:
            self.unblocker.close()


class Ports:
    """The wanted inputs and outputs. `wanted`: parts of names, or `virtual` for an own port."""

    def __init__(
        self,
        inputs: Sequence[str],
        outputs: Sequence[str],
        backend: str,
        deliver: Deliver,
        notice: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = {"in": tuple(inputs), "out": tuple(outputs)}
        self._backend, self._deliver, self._notice = backend, deliver, notice
        self._clock = clock
        self._open: dict[Place, _Open] = {}
        self._lock = threading.Lock()  # guards `_open` and every client's use
        self._lookers: dict[tuple[str, str], Any] = {}
        self._done = threading.Event()
        self._threads: list[threading.Thread] = []
        self._problem: PunchinError | None = None
        self._asked_s = 0.0
        self.looked_s = 0.0

    def open(self) -> None:
        """Begin to look and to read."""
        for work, name in ((self._watch, "midi-watch"), (self._read, "midi-read")):
            thread = threading.Thread(target=work, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Close every port; a library that hangs is left behind."""
        self._done.set()
        for thread in self._threads:
            thread.join(_CLOSE_S)
        disposer = threading.Thread(target=self._close_all, daemon=True)
        disposer.start()
        disposer.join(_CLOSE_S)

    def send(self, message: bytes, port: str = "", wanted: Sequence[str] | None = None) -> int:
        """Send to every output whose name holds `port`; return how many there were.

        `wanted`: only to those that one of these parts of names would open.
        """
        with self._lock:
            outputs = [
                o for p, o in self._open.items()
                if p.direction == "out"
                and port.lower() in p.name.lower()
                and (wanted is None or any(_wants(w, p) for w in wanted))
            ]  # fmt: skip
            for each in outputs:
                try:
                    each.client.send_message(list(message))
                except Exception as e:  # the watcher finds out that it has gone
                    _log.debug("MIDI output %s: %s", each.place.name, e)
        return len(outputs)

    def names(self, direction: str) -> list[str]:
        """Return the names of the open ports."""
        return sorted(p.name for p in list(self._open) if p.direction == direction)

    def problem(self) -> PunchinError | None:
        """Return why something that is wanted is not there (403), None when all is well."""
        if self._problem:
            return self._problem
        for direction, parts in self._wanted.items():
            missing = [w for w in parts if not self._matches(w, direction)]
            if missing:
                kind = "input" if direction == "in" else "output"
                mend = "connect it, or see punchin midi list"
                named = f" named like {missing[0]!r}" if missing[0] else ""
                return error(403, f"no MIDI {kind}{named}: {mend}")
        return None

    def _matches(self, part: str, direction: str) -> bool:
        return any(_wants(part, p) for p in list(self._open) if p.direction == direction)

    # -- the watcher -------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._done.is_set():
            try:
                self._problem = self.look()
            except PunchinError as e:
                self._problem = e
            except Exception:
                _log.exception("looking for MIDI ports failed")
            self.looked_s = self._clock()
            self._done.wait(LOOK_S)

    def look(self) -> PunchinError | None:
        """Open what has appeared, close what has gone; return why a system can't be asked."""
        problems, seen = [], 0
        before = set(self._open)
        for backend in backends.available(self._backend):
            try:
                self._look_at(backend)
                seen += 1
            except PunchinError as e:
                problems.append(e)
                self._forget(backend)
        if set(self._open) != before:
            self._notice()
        return problems[0] if problems and not seen else None

    def _look_at(self, backend: str) -> None:
        if backend == "jack":
            self._ask_jack()
        for direction, wanted in self._wanted.items():
            if wanted:
                self._settle(backend, direction, wanted)

    def _settle(self, backend: str, direction: str, wanted: Sequence[str]) -> None:
        key = (backend, direction)
        if key not in self._lookers:
            self._lookers[key] = backends.client(*key)
        there = backends.places(self._lookers[key], backend, direction)
        if VIRTUAL in wanted and backend != "winmm":
            there.append(Place(backend, direction, VIRTUAL))
        chosen = {p for p in there if any(_wants(w, p) for w in wanted)}
        mine = {p for p in self._open if (p.backend, p.direction) == key}
        for place in mine - chosen:
            self._drop(place)
        for place in sorted(chosen - mine, key=lambda p: p.name):
            self._take(place)

    def _take(self, place: Place) -> None:
        made = _Open(place, backends.client(place.backend, place.direction), heard_s=self._clock())
        try:
            if (place.backend, place.direction) == ("jack", "in"):
                made.unblocker = Unblocker()
            backends.open_port(made.client, place, place.direction)
            if made.unblocker:
                made.unblocker.connect()
        except PunchinError as e:
            _log.warning("%s", e)
            self._problem = e
            made.close()
            return
        with self._lock:
            self._open[place] = made
        _log.info("MIDI %s: %s (%s)", place.direction, place.name, place.backend)

    def _drop(self, place: Place) -> None:
        with self._lock:
            gone = self._open.pop(place, None)
        if gone:
            _log.info("MIDI %s: %s has gone", place.direction, place.name)
            gone.close()

    def _forget(self, backend: str) -> None:
        """Let go of everything of a system that is no longer there."""
        for key in [k for k in self._lookers if k[0] == backend]:
            self._lookers.pop(key).delete()
        for place in [p for p in self._open if p.backend == backend]:
            self._drop(place)

    def _ask_jack(self) -> None:
        """Find out whether our clients belong to the server that runs now.

        A client of a dead server goes on listing its ports; only a new client tells, and the
        library may crash then, which the porter's process is for. Asked when nothing was heard for
        a while. Raises 403 without a server.
        """
        mine = [o for p, o in self._open.items() if p.backend == "jack"]
        now_s = self._clock()
        latest_s = max([self._asked_s, *(o.heard_s for o in mine)])
        echoes = any(o.unblocker for o in mine)
        if now_s - latest_s < (_SILENT_INPUT_S if echoes else _SILENT_S):
            return
        self._asked_s = now_s
        if not mine:
            self._forget("jack")  # new lookers belong to the server that runs now
            return
        sample = mine[0].place.direction
        asker = backends.client("jack", "out" if sample == "in" else "in")
        alive = any(n.startswith(backends.CLIENT) for n in asker.get_ports())
        asker.delete()
        if not alive:
            self._forget("jack")

    def _close_all(self) -> None:
        for backend in backends.NAMES:
            self._forget(backend)

    # -- the reader --------------------------------------------------------------------------------

    def _read(self) -> None:
        while not self._done.wait(READ_S):
            try:
                self.read()
            except Exception:
                _log.exception("reading MIDI failed")

    def read(self) -> None:
        """Hand on what waits in the queues of the inputs."""
        for each in list(self._open.values()):
            if each.place.direction != "in":
                continue
            with self._lock:
                if each.place not in self._open:
                    continue
                packets = list(backends.messages(each.client, _MOST))
                now_s = self._clock()
                if packets:
                    each.heard_s = now_s
                if each.unblocker:
                    _unblock(each, each.unblocker, bool(packets), now_s)
            if packets and (found := _cut(each, packets)):
                self._deliver(each.place.name, found)


def _unblock(port: _Open, unblocker: Unblocker, heard: bool, now_s: float) -> None:
    if heard:
        unblocker.heard()
    try:
        unblocker.keep(now_s, port.heard_s)
    except Exception as e:  # the watcher finds out that the server has gone
        _log.debug("MIDI input %s: %s", port.place.name, e)


def _cut(port: _Open, packets: list[tuple[bytes, float]]) -> list[tuple[bytes, float]]:
    """Return the whole messages in packets, with their times."""
    found = []
    for data, since_s in packets:
        came_s = port.arrival.at(since_s, port.heard_s)
        if data == END:  # the unblocker's own; it ends no running status
            continue
        found += [(message, came_s) for message in port.stream.feed(data)]
    return found


def _wants(part: str, place: Place) -> bool:
    if VIRTUAL in (part, place.name):
        return part == place.name
    return part.lower() in place.name.lower()
