"""JACK: one port pair for each stereo pair, sample for sample, at the server's rate and period.

What sounds comes through a `Feed`, two periods ahead, so the render function may take up to a
period now and then without a gap. PipeWire serves JACK clients, too.

Threads: `open`, `close`: the keeper's. `_process`: JACK's, which only copies and never waits.
`_resize`: the one on which JACK tells news. The feed's filler calls the render function, and a
helper of `jack_ports` connects ports.
"""

from __future__ import annotations

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
    Idle,
    Pulse,
    Start,
    never,
)
from daemon.player.outputs.feed import Feed

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
        self.idle: Idle = never

    def open(self, start: Start) -> Format:
        """Join the server, make and connect the ports, begin to pull. Raises PunchinError 402."""
        pulse = Pulse()
        ended = lambda: pulse.end("the JACK server has ended")  # noqa: E731
        client = jack_ports.join(self._client_name, ended)
        try:
            with jack_ports.told("the JACK server gives no ports"):
                run = _Run(client, self.pairs, pulse, self.idle)
                client.activate()
            jack_ports.Connector(client, self._rules, pulse.ended, self.pairs, run.measure).begin()
            chosen = run.begin(start)
        except BaseException:
            pulse.end()
            jack_ports.leave(client)
            raise
        self._client, self._pulse = client, pulse
        return chosen

    def close(self) -> None:
        """Leave the server."""
        client, pulse = self._client, self._pulse
        self._client = self._pulse = None
        if pulse:
            pulse.end()
            jack_ports.leave(client)

    def health(self) -> Health:
        """Return how it is."""
        pulse = self._pulse
        return pulse.health() if pulse else CLOSED

    def clock(self) -> Clock | None:
        """Return which frame is heard when."""
        return self._pulse.clock if self._pulse else None


class _Run:
    """One stay on a server, from `open` to `close` or the server's end."""

    def __init__(self, client: Any, pairs: Sequence[str], pulse: Pulse, idle: Idle) -> None:
        self._client, self._pairs, self._pulse, self._idle = client, tuple(pairs), pulse, idle
        self._rate, self._period = client.samplerate, client.blocksize
        self._beyond_s = 0.0  # between our ports and the ear
        self._expected: int | None = None  # the server's count of frames at the next cycle
        self._feed: Feed | None = None
        self._block = np.zeros((_MOST_PERIOD, 2 * len(pairs)), np.float32)
        self._ports = [
            client.outports.register(name) for p in pairs for name in jack_ports.pair_ports(p)
        ]
        client.set_process_callback(self._process)
        client.set_blocksize_callback(self._resize)

    def begin(self, start: Start) -> Format:
        """Start to pull; the ports must be connected, because the latency hangs on it."""
        latency_s, period = self.measure(), self._period
        fmt = Format(self._rate, len(self._ports), latency_s, period, self._pairs, "JACK")
        self._feed = Feed(fmt, _AHEAD_PERIODS * period, self._pulse, self._idle)
        self._feed.begin(start(fmt))
        return fmt

    def measure(self) -> float:
        """Find out how long sound takes to the ear; connections and the period change that.

        Returns `latency_s` as of `Format`. Ports that lead to no ear, but into a recording, keep
        step with the sound that does.
        """
        own = max(jack_ports.latency_frames(port, playback=True) for port in self._ports)
        self._beyond_s = (own or jack_ports.outside_frames(self._client)) / self._rate
        latency_s = _AHEAD_PERIODS * self._period / self._rate + self._beyond_s
        self._pulse.latency_s = latency_s
        return latency_s

    def _process(self, frames: int) -> None:
        block, cycle = self._block[:frames], self._client.last_frame_time
        if self._feed:
            start_s = time.monotonic() - self._client.frames_since_cycle_start / self._rate
            self._pulse.clock = Clock(self._pulse.frames, start_s + self._beyond_s)
            self._feed.take(block)
        for port, samples in zip(self._ports, block.T, strict=True):
            port.get_array()[:] = samples
        # Heard as a gap: a cycle that went by without us, and one that ended before we were done.
        late = self._expected not in (None, cycle), self._client.last_frame_time != cycle
        self._expected = (cycle + frames) % jack_ports.COUNT
        if self._feed and not self._idle():
            self._pulse.underruns += sum(late)

    def _resize(self, period: int) -> None:
        self._period = period
        if self._feed:
            self._feed.resize(period, _AHEAD_PERIODS * period)
            self.measure()
