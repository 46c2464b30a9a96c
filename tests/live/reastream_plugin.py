"""What a ReaStream plug-in reads, by a parser that shares nothing with the sender."""

import contextlib
import pickle
import socket
import struct
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from patience import PATIENCE_S

_SO_RCVBUFFORCE = 33  # Linux's


@dataclass
class Seen:
    """One packet as a ReaStream plug-in reads it. `samples`: `(frames, channels)`."""

    identifier: str
    rate: int
    samples: np.ndarray
    at_ns: int = 0


def parse(data, at_ns=0):
    """Read a packet by offsets, as the format's description has them."""
    assert len(data) <= 1247
    assert data[0:4] == b"MRSR"
    assert int.from_bytes(data[4:8], "little", signed=True) == len(data)
    name = data[8:40]
    assert name[31] == 0
    text = name[: name.index(0)]
    assert not any(name[len(text) :])
    channels = data[40]
    assert 1 <= channels <= 64
    rate = int.from_bytes(data[41:45], "little", signed=True)
    size = int.from_bytes(data[45:47], "little", signed=True)
    assert 0 < size <= 1200
    assert size == len(data) - 47
    assert size % (4 * channels) == 0
    floats = struct.unpack(f"<{size // 4}f", data[47:])
    frames = size // 4 // channels
    planes = [floats[c * frames : (c + 1) * frames] for c in range(channels)]
    samples = np.array(planes, np.float32).T
    return Seen(text.decode("ascii"), rate, samples, at_ns)


class Plugin:
    """A socket on this machine that keeps every packet, with the kernel's time of arrival."""

    def __init__(self, address=("127.0.0.1", 0)):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # What comes while the reader stands still; beyond the system's limit where we may.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 4 << 20)
        self.stamped = sys.platform == "linux"
        if self.stamped:
            self.socket.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
        self.socket.bind(address)
        self.port = self.socket.getsockname()[1]
        self.socket.settimeout(PATIENCE_S)

    def receive(self, count):
        return [self._one() for _ in range(count)]

    def _one(self):
        return parse(*self.raw())

    def raw(self):
        """Return the next packet's bytes and its time in ns."""
        data, extra, _, _ = self.socket.recvmsg(2048, 64)
        seconds, nanoseconds = struct.unpack("ll", extra[0][2]) if extra else (0, 0)
        return data, seconds * 10**9 + nanoseconds


class Tape:
    """A plug-in that keeps all that comes, in a thread, until `save`."""

    def __init__(self):
        self._plugin, self._packets = Plugin(), []
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def port(self):
        return self._plugin.port

    def packets(self):
        return len(self._packets)

    def clear(self):
        self._packets = []

    def _run(self):
        while not self._ended:
            with contextlib.suppress(TimeoutError):
                self._packets.append(self._plugin.raw())

    def save(self, path):
        """Write packets and times, for `played_back`."""
        self._ended = True
        self._thread.join(15)
        Path(path).write_bytes(pickle.dumps(self._packets))


def played_back(path):
    """Return what a tape has saved: `(samples, times of arrival in s)`."""
    seen = [parse(*packet) for packet in pickle.loads(Path(path).read_bytes())]
    at_s = np.array([s.at_ns - seen[0].at_ns for s in seen]) / 1e9
    return np.concatenate([s.samples for s in seen]), at_s
