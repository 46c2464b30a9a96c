"""The process that holds the MIDI ports: `python -m bridge.midi.porter`, started by the daemon.

A MIDI library may crash or hang: a JACK client does when its server dies and another one is made.
So the ports live here, and the daemon starts this process again. The settings come as JSON in the
first line of standard input, later lines are messages to send; the end of input ends the process.
Standard output carries frames: what came in, and once a second the state of the ports.

Threads: the two of `ports` write frames, under a lock; the main thread reads standard input; one
sends clock.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from bridge.midi.clock_out import ClockOut, Song
from bridge.midi.ports import LOOK_S, Ports

# Kind of frame, index of the port in the last state, time of arrival, length of what follows.
HEAD = struct.Struct(">BBdH")
MESSAGE, STATE = 1, 2


@dataclass(frozen=True)
class Frame:
    """One frame: a message that came at `came_s` (monotonic), or the ports' state as JSON."""

    kind: int
    port: int
    came_s: float
    body: bytes


class Frames:
    """Cuts what comes out of the pipe into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that `data` completes."""
        data, at = self._rest + data, 0
        while len(data) - at >= HEAD.size:
            kind, port, came_s, length = HEAD.unpack_from(data, at)
            end = at + HEAD.size + length
            if end > len(data):
                break
            yield Frame(kind, port, came_s, data[at + HEAD.size : end])
            at = end
        self._rest = data[at:]


def framed(kind: int, port: int, came_s: float, body: bytes) -> bytes:
    """Return a frame's bytes."""
    return HEAD.pack(kind, port, came_s, len(body)) + body


class Porter:
    """Ports on one side, two pipes on the other."""

    def __init__(self, told: dict[str, Any], out: BinaryIO) -> None:
        self._out, self._lock = out, threading.Lock()
        self._inputs: list[str] = []
        self._songs: queue.SimpleQueue[Song] = queue.SimpleQueue()
        self._lights, self._led = told["output"], told["clock_output"]
        outputs = [*self._lights, *(n for n in self._led if n not in self._lights)]
        self.ports = Ports(told["input"], outputs, told["backend"], self._deliver, self._tell_state)

    def state(self) -> dict[str, Any]:
        """Return what is open and what is missing. An input keeps its index in `inputs`."""
        problem = self.ports.problem()
        return {
            "inputs": self._inputs,
            "open": self.ports.names("in"),
            "outputs": self.ports.names("out"),
            "problem": problem and [problem.code, problem.message],
        }

    def _tell_state(self) -> None:
        with self._lock:
            self._write(framed(STATE, 0, 0.0, json.dumps(self.state()).encode()))

    def _deliver(self, port: str, messages: list[tuple[bytes, float]]) -> None:
        with self._lock:
            if port not in self._inputs:
                self._inputs.append(port)
                self._write(framed(STATE, 0, 0.0, json.dumps(self.state()).encode()))
            index = self._inputs.index(port) & 0xFF
            self._write(b"".join(framed(MESSAGE, index, t, m) for m, t in messages))

    def _write(self, data: bytes) -> None:
        try:
            self._out.write(data)
            self._out.flush()
        except OSError:  # nobody listens any more
            os._exit(0)

    def obey(self, lines: BinaryIO) -> None:
        """Send what the daemon asks for, until it closes the pipe."""
        for line in lines:
            order = json.loads(line)
            if "song" in order:
                self._songs.put(Song(**order["song"]))
            else:
                self.ports.send(bytes.fromhex(order["send"]), order["port"], self._lights)

    def tick(self) -> None:
        """Send clock to the outputs that are led, in time with the song that was told last."""
        out = ClockOut()
        while True:
            wait_s = out.due_s - time.monotonic()
            try:
                song = self._songs.get(timeout=max(0.0, min(wait_s, LOOK_S)))
            except queue.Empty:
                told = out.ticks(time.monotonic())
            else:
                told = out.follow(song, time.monotonic())
            for message in told:
                self.ports.send(message, "", self._led)

    def beat(self) -> None:
        """Tell the state once a second, as a sign of life of the watcher."""
        looked_s = -1.0
        while True:
            threading.Event().wait(LOOK_S)
            if self.ports.looked_s != looked_s:
                looked_s = self.ports.looked_s
                self._tell_state()


def main() -> None:
    """Run until standard input ends."""
    source = sys.stdin.buffer
    porter = Porter(json.loads(source.readline()), sys.stdout.buffer)
    porter.ports.open()
    for work in (porter.beat, porter.tick):
        threading.Thread(target=work, daemon=True).start()
    porter.obey(source)
    porter.ports.close()
    os._exit(0)  # a library's own threads may hang at a regular exit


if __name__ == "__main__":
    main()
