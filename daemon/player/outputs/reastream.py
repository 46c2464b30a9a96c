"""ReaStream: float32 over UDP to plug-ins in the DAW, paced by the clock.

The packets carry no time, so the sender keeps it: frame n is due at start + n / rate, computed anew
from the count of frames, so that nothing adds up over hours. After a pause of the whole machine the
start moves; a receiver has lost its buffer by then anyway.

Packets to this machine go through memory. Elsewhere a wired network is wise: what gets lost is a
gap, as the format knows no repeat.

Threads: `open`, `close`: the keeper's. One sender thread renders, waits and sends.
"""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from bridge.protocol.errors import error
from daemon.player.destinations import Destination
from daemon.player.outputs.base import (
    CLOSED,
    Clock,
    Format,
    Health,
    Idle,
    Pulse,
    Render,
    Start,
    never,
    next_block,
)
from daemon.player.outputs.priority import prefer
from daemon.player.outputs.reastream_packets import MOST_CHANNELS, packets

# Four packets of a stereo stream are rendered at once: 12.5 ms at 48 kHz.
_BLOCK = 600
_PAUSE_S = 0.25  # later than this the schedule starts anew
_SEND_BUFFER = 1 << 20
_log = logging.getLogger(__name__)
Address = tuple[str, int]
Send = Callable[[bytes, Address], object]


class ReaStreamOutput:
    """Streams to `destinations` at `rate` Hz; `pairs` names what can be sent, the mix first."""

    name = "reastream"

    def __init__(
        self, destinations: Sequence[Destination], rate: int, pairs: Sequence[str] = ("mix",)
    ) -> None:
        self._destinations, self._rate, self._pairs = tuple(destinations), rate, tuple(pairs)
        self._pulse: Pulse | None = None
        self.idle: Idle = never
        self._thread: threading.Thread | None = None

    def open(self, start: Start) -> Format:
        """Find the destinations and begin to send. Raises PunchinError 402."""
        streams = _streams(self._destinations, self._pairs)
        ahead_s, where = _BLOCK / self._rate, ", ".join(map(str, self._destinations))
        fmt = Format(self._rate, 2 * len(self._pairs), ahead_s, _BLOCK, self._pairs, where)
        self._pulse = Pulse()
        run = (streams, start(fmt), fmt, self._pulse)
        self._thread = threading.Thread(target=_run, args=run, name="reastream", daemon=True)
        self._thread.start()
        return fmt

    def close(self) -> None:
        """Stop sending."""
        if self._pulse and self._thread:
            self._pulse.end()
            self._thread.join()
        self._pulse = self._thread = None

    def health(self) -> Health:
        """Return how it is; `underruns` counts pauses of the whole machine."""
        pulse = self._pulse
        return pulse.health() if pulse else CLOSED

    def clock(self) -> Clock | None:
        """Return which frame is sent when."""
        pulse = self._pulse
        return pulse.clock if pulse else None


class Stream:
    """What one destination gets: a slice of the channels, under its identifier."""

    def __init__(self, identifier: str, address: Address, channels: slice) -> None:
        self.identifier, self.address, self.channels = identifier, address, channels


def _streams(destinations: Sequence[Destination], pairs: Sequence[str]) -> list[Stream]:
    """Return the streams of those destinations whose pair there is. Raises PunchinError 402."""
    if not destinations:
        raise error(402, "ReaStream has no destination: name one in the setting live.reastream")
    found = []
    for d in destinations:
        if d.pair == "*":
            channels = slice(0, min(2 * len(pairs), MOST_CHANNELS))
        elif d.pair in pairs:
            first = 2 * pairs.index(d.pair)
            channels = slice(first, first + 2)
        else:
            continue
        found.append(Stream(d.identifier, _resolve(d), channels))
    return found


def _resolve(destination: Destination) -> Address:
    """Return the IPv4 address: ReaStream listens on no other."""
    try:
        found = socket.getaddrinfo(
            destination.host, destination.port, socket.AF_INET, socket.SOCK_DGRAM
        )
    except OSError as problem:
        why = f"the ReaStream host {destination.host!r} is not found ({problem.strerror})"
        raise error(402, f"{why}: check the setting live.reastream") from None
    host, port = found[0][4][:2]
    return str(host), int(port)


def _run(streams: Sequence[Stream], render: Render, fmt: Format, pulse: Pulse) -> None:
    prefer()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            pace(streams, render, fmt, pulse, sock.sendto)
    except Exception as problem:
        _log.exception("ReaStream stopped")
        pulse.end(f"ReaStream stopped ({problem})")


def pace(
    streams: Sequence[Stream],
    render: Render,
    fmt: Format,
    pulse: Pulse,
    send: Send,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Render and send blocks on time until the pulse ends."""
    start_s, frame = now(), 0
    while not pulse.ended.is_set():
        if now() - (start_s + frame / fmt.rate) > _PAUSE_S:
            start_s = now() - frame / fmt.rate
            pulse.underruns += 1
        pulse.clock = Clock(frame, start_s + frame / fmt.rate)
        block = next_block(render, fmt.block, fmt.channels)
        for first, data, address in _schedule(streams, fmt.rate, block):
            wait_s = start_s + (frame + first) / fmt.rate - now()
            if wait_s > 0:
                sleep(wait_s)
            _send(send, data, address)
        frame += fmt.block
        pulse.beat(fmt.block)


def _schedule(
    streams: Sequence[Stream], rate: int, block: np.ndarray
) -> list[tuple[int, bytes, Address]]:
    """Return `(frame within the block, packet, address)` in the order of sending."""
    due = [
        (first, number, data, stream.address)
        for number, stream in enumerate(streams)
        for first, data in packets(stream.identifier, rate, block[:, stream.channels])
    ]
    return [(first, data, address) for first, _, data, address in sorted(due, key=lambda d: d[:2])]


def _send(send: Send, data: bytes, address: Address) -> None:
    """A packet that nobody takes is lost and no reason to stop: the plug-in may come later."""
    try:
        send(data, address)
    except (ConnectionRefusedError, BlockingIOError, InterruptedError):
        pass
    except OSError as problem:
        if problem.errno not in _PASSING:
            raise


_PASSING = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENOBUFS})
