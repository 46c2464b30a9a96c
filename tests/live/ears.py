"""A JACK client that keeps what it hears, in a process of its own.

Its callback copies into memory that the test reads; where it came too late itself, that is known to
the frame from the server's count, and `aligned` says so.
"""

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from elsewhere import Room
from patience import PATIENCE_S

LONGEST_S = 60.0
_STAMP = np.dtype([("start", np.int64), ("begun_s", np.float64), ("seen_s", np.float64)])
_SHARED = Path("/dev/shm")  # memory where the system has it under this name


@dataclass(frozen=True)
class Memory:
    """Where blocks lie: a file of `slots` of `period` frames, and their stamps."""

    path: str
    slots: int
    channels: int
    period: int

    def mapped(self, mode):
        """Return `(count, stamps, blocks)` as arrays on the file."""
        kinds = ((np.int64, (1,)), (_STAMP, (self.slots,)), (np.float32, self._shape))
        at, out = 0, []
        for dtype, shape in kinds:
            out.append(np.memmap(self.path, dtype, mode, at, shape))
            at += -(-out[-1].nbytes // 4096) * 4096
        return out

    @property
    def _shape(self):
        return self.slots, self.period, self.channels

    def make(self):
        """Make the file, every page of it there."""
        size = 8192 + self.slots * (_STAMP.itemsize + self.period * self.channels * 4) + 8192
        Path(self.path).write_bytes(bytes(size))


def joined(name):
    """A client of the server, which may refuse one while another is just coming or going."""
    import jack

    begun_s = time.monotonic()
    while True:
        try:
            return jack.Client(name, no_start_server=True)
        except jack.JackOpenError:
            if time.monotonic() - begun_s > PATIENCE_S / 2:
                raise
            time.sleep(0.05)


class Ear:
    """The side in the room."""

    def __init__(self, name, channels, folder, active):
        self.client = client = joined(name)
        self._ins = [client.inports.register(f"in_{i + 1}") for i in range(channels)]
        slots = round(LONGEST_S * client.samplerate / client.blocksize)
        path = str(Path(folder) / f"ears-{os.getpid()}-{name}")
        self._memory = Memory(path, slots, channels, client.blocksize)
        self._memory.make()
        self._count, self._stamps, self._blocks = self._memory.mapped("r+")
        client.set_process_callback(self._process)
        if active:
            client.activate()

    def activate(self):
        self.client.activate()

    def facts(self):
        """Return what the reader must know."""
        return self._memory, self.client.samplerate

    def _process(self, frames):
        slot = int(self._count[0]) % self._memory.slots
        for i, port in enumerate(self._ins):
            self._blocks[slot, :, i] = port.get_array()
        seen_s = time.monotonic()
        since_s = self.client.frames_since_cycle_start / self.client.samplerate
        self._stamps[slot] = (self.client.last_frame_time, seen_s - since_s, seen_s)
        self._count[0] += 1

    def connect(self, source, number):
        self.client.connect(source, self._ins[number])

    def disconnect(self, source, target):
        self.client.disconnect(source, target)

    def sources(self, number):
        """Return the names of what an input is connected to."""
        return [p.name for p in self.client.get_all_connections(self._ins[number])]

    def outputs(self, pattern):
        """Return the names of other clients' outputs."""
        return [p.name for p in self.client.get_ports(pattern, is_output=True)]


class Listener:
    """Ears named `name`, with inputs `in_1` … for as many channels.

    Without `active` the ports are there, as of a client that is just starting, until
    `ear.activate()`.
    """

    def __init__(self, channels=2, name="listener", active=True):
        self._room = Room()
        folder = _SHARED if _SHARED.is_dir() else tempfile.gettempdir()
        self.ear = self._room.make(Ear, name, channels, str(folder), active)
        self._memory, self.rate = self.ear.facts()
        self._count, self._stamps, self._blocks = self._memory.mapped("r")
        Path(self._memory.path).unlink()  # both sides have it, and it goes with the last of them
        self._first = 0

    def connect(self, *sources):
        for number, source in enumerate(sources):
            self.ear.connect(source, number)

    def until(self, wanted):
        """Wait until a block from now on fulfils `wanted`, then return all that was heard."""
        at, deadline = int(self._count[0]), time.monotonic() + PATIENCE_S
        while True:
            for number in range(at, int(self._count[0])):
                if wanted(self._blocks[number % self._memory.slots]):
                    return self.heard()
                at = number + 1
            assert time.monotonic() < deadline, "not heard in time"
            time.sleep(0.005)

    def _kept(self):
        """Return numbers, stamps and blocks since `clear`."""
        numbers = np.arange(self._first, int(self._count[0]))
        assert len(numbers) < self._memory.slots, f"kept for longer than {LONGEST_S} s: clear"
        slots = numbers % self._memory.slots
        return self._stamps[slots], self._blocks[slots]

    def heard(self):
        """Return the blocks since `clear`, one after the other."""
        return self._kept()[1].reshape(-1, self._memory.channels)

    def clear(self):
        """Forget what was heard so far."""
        self._first = int(self._count[0])

    def arrivals(self):
        """Return `(time it reached us, block)` of every block, in `time.monotonic()`."""
        stamps, blocks = self._kept()
        return list(zip(stamps["seen_s"].tolist(), blocks, strict=True))

    def second_of(self, frame):
        """When the cycle of a frame of `aligned` began, in `time.monotonic()`.

        By the block near it that was told soonest after its cycle: what comes late looks late.
        """
        stamps, _ = self._kept()
        since_s = (stamps["start"] - stamps["start"][0]) / self.rate
        near = np.abs(since_s - frame / self.rate) < 1
        return float(np.min((stamps["begun_s"] - since_s)[near])) + frame / self.rate

    def aligned(self):
        """What was heard with NaN for blocks that this listener itself came too late for."""
        stamps, blocks = self._kept()
        starts = stamps["start"] - stamps["start"][0]
        out = np.full((self._span(stamps), self._memory.channels), np.nan, np.float32)
        for start, block in zip(starts.tolist(), blocks, strict=True):
            out[start : start + len(block)] = block
        return out

    def _span(self, stamps):
        return int(stamps["start"][-1] - stamps["start"][0]) + self._memory.period

    def missed(self):
        """Return how many frames this listener came too late for."""
        stamps, _ = self._kept()
        return self._span(stamps) - len(stamps) * self._memory.period

    def close(self):
        self._room.close()
