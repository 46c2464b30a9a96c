"""JACK: one port pair for each stereo pair, sample for sample, at the server's rate and period.

A filler thread pulls blocks into a ring, two periods ahead; JACK's real-time thread only copies
from the ring to the ports, and where the ring is short it plays silence and counts. So the render
function may take up to a period now and then without a gap. PipeWire serves JACK clients, too.

Threads: `open`, `close`: the keeper's. `_process`: JACK's, which owns the reading side of the ring
and never waits. The filler owns the writing side, a second helper connects ports.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from daemon.player.outputs import jack_ports
from daemon.player.outputs.base import (
    CLOSED,
    Clock,
    Format,
    Health,
    Pulse,
    Render,
    Start,
    next_block,
)
from daemon.player.outputs.ring import Ring

_log = logging.getLogger(__name__)
_AHEAD_PERIODS = 2
_MOST_PERIOD = 8192  # the largest that jackd takes


class JackOutput:
    """Ports `<client>:<pair>_l` and `<client>:<pair>_r` for every pair.

    `connect` are rules `pair=ports` (see `jack_ports.Rule`), applied when a port appears.
    """

    name = "jack"

    def __init__(
        self,
        pairs: Sequence[str] = ("mix",),
        connect: Sequence[jack_ports.Rule] = (),
        client_name: str = "punchin",
    ) -> None:
        self.pairs = tuple(pairs)
        self._rules, self._client_name = tuple(connect), client_name
        self._client: Any = None
        self._pulse: Pulse | None = None

    def open(self, start: Start) -> Format:
        """Join the server, make and connect the ports, begin to pull. Raises PunchinError 402."""
        client = jack_ports.join(self._client_name)
        pulse = Pulse()
        try:
            run = _Run(client, self.pairs, pulse)
            client.activate()
            jack_ports.Connector(client, self._rules, pulse.ended, self.pairs).begin()
            chosen = run.format()
            run.begin(start(chosen))
        except BaseException:
            pulse.end()
            client.close()
            raise
        self._client, self._pulse = client, pulse
        return chosen

    def close(self) -> None:
        """Leave the server."""
        client, pulse = self._client, self._pulse
        self._client = self._pulse = None
        if pulse:
            pulse.end()
            with contextlib.suppress(Exception):  # a dead server refuses to be left
                client.deactivate()
            client.close()

    def health(self) -> Health:
        """Return how it is."""
        pulse = self._pulse
        return pulse.health() if pulse else CLOSED

    def clock(self) -> Clock | None:
        """Return which frame is heard when."""
        return self._pulse.clock if self._pulse else None


class _Run:
    """One stay on a server, from `open` to `close` or the server's end."""

    def __init__(self, client: Any, pairs: Sequence[str], pulse: Pulse) -> None:
        self._client, self._pairs, self._pulse = client, tuple(pairs), pulse
        self._period, self._rate = client.blocksize, client.samplerate
        self.beyond = 0  # frames between our ports and the ear
        channels = 2 * len(pairs)
        self._ring = Ring(_AHEAD_PERIODS * _MOST_PERIOD, channels)
        self._block = np.zeros((_MOST_PERIOD, channels), np.float32)
        self._primed = False
        self._ports = [
            client.outports.register(name) for p in pairs for name in jack_ports.pair_ports(p)
        ]
        client.set_process_callback(self._process)
        client.set_blocksize_callback(self._resize)
        client.set_shutdown_callback(lambda _status, _why: pulse.end("the JACK server has ended"))

    def format(self) -> Format:
        """Return what this server plays; the ports must be connected for the latency."""
        self.beyond = max(jack_ports.latency_frames(port, playback=True) for port in self._ports)
        latency_s = (_AHEAD_PERIODS * self._period + self.beyond) / self._rate
        return Format(self._rate, len(self._ports), latency_s, self._period, self._pairs)

    def begin(self, render: Render) -> None:
        """Start the filler."""
        threading.Thread(target=self._fill, args=(render,), name="jack-filler", daemon=True).start()

    def _fill(self, render: Render) -> None:
        try:
            while not self._pulse.ended.is_set():
                period = self._period
                while self._ring.filled < _AHEAD_PERIODS * period:
                    self._ring.write(next_block(render, period, len(self._ports)))
                self._primed = True
                self._pulse.ended.wait(period / self._rate / 4)
        except Exception as problem:
            _log.exception("what should sound can't be made")
            self._pulse.end(f"the player failed: {problem!r}")

    def _process(self, frames: int) -> None:
        block = self._block[:frames]
        start_s = time.monotonic() - self._client.frames_since_cycle_start / self._rate
        self._pulse.clock = Clock(self._pulse.frames, start_s + self.beyond / self._rate)
        there = self._ring.read(block)
        block[there:] = 0
        for port, samples in zip(self._ports, block.T, strict=True):
            port.get_array()[:] = samples
        if there < frames and self._primed:
            self._pulse.underruns += 1
        self._pulse.beat(there)

    def _resize(self, period: int) -> None:
        self._period = period
