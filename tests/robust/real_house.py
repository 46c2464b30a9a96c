"""A real daemon in a home of its own, and a client that hears everything it says.

Nothing here sleeps: a start ends with the line the daemon prints, a wait with an event, and every
wait has a deadline.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import soundfile
from patience import PATIENCE_S

from bridge.protocol.framing import Framer, sized
from bridge.protocol.packets import decode, encode

ROOT = Path(__file__).resolve().parents[2]
RATE = 44100
TERMINAL = ("/punchin/done", "/punchin/failed", "/punchin/cancelled")


class House:
    """`punchin serve` on a free port. `settings` become PUNCHIN_… variables."""

    def __init__(self, home, **settings):
        self.home = Path(home)
        self.settings = {f"PUNCHIN_{k}".upper(): str(v) for k, v in settings.items()}
        self.process = None
        self.port = 0
        self.workers = []

    def start(self):
        """Start the daemon and return once it answers."""
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "plugin")])
        with (self.home.parent / f"{self.home.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bridge", "serve", "--port", "0", "--engine", "fake"],
                env={**os.environ, "PYTHONPATH": path, "PUNCHIN_HOME": str(self.home)}
                | self.settings,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        line = self.process.stdout.readline().decode() if ready else ""
        assert "ready on" in line, f"the daemon did not start: {self.log()[-2000:]}"
        self.port = json.loads((self.home / "daemon.json").read_text())["port"]
        return self

    def kill(self):
        """`kill -9` of the daemon alone; its children stay as the system leaves them."""
        self.workers += self.children()
        self.process.kill()
        self._reap()

    def terminate(self):
        """SIGTERM; return the exit code."""
        self.workers += self.children()
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def close(self):
        """End what is still there."""
        if self.process and self.process.poll() is None:
            self.kill()
        for worker in self.workers:
            if worker.is_running():
                worker.kill()

    def _reap(self):
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        return code

    def log(self):
        """What the daemon printed so far."""
        return (self.home.parent / f"{self.home.name}.log").read_text()

    # -- processes ---------------------------------------------------------------------------------

    def children(self):
        """The daemon's processes."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def workers_of(self, *engine):
        """The processes that hold an engine; those that look at engines end at any time."""
        found = []
        for process in self.children():
            with contextlib.suppress(psutil.Error):
                if process.cmdline()[2 : 3 + len(engine)] == ["daemon.worker", *engine]:
                    found.append(process)
        return found

    def worker(self):
        """The process that holds the engine `fake`."""
        return self.workers_of("fake")[0]

    def memory_bytes(self):
        """Resident memory of the control plane."""
        return psutil.Process(self.process.pid).memory_info().rss

    # -- disk --------------------------------------------------------------------------------------

    def job(self, job_id):
        """What `job.json` says now."""
        return json.loads((self.home / "jobs" / job_id / "job.json").read_text())

    def job_ids(self):
        """The ids of all job folders."""
        return sorted(p.name for p in (self.home / "jobs").iterdir())

    def files(self, job_id):
        """The visible files of a job besides `job.json`."""
        folder = self.home / "jobs" / job_id
        names = sorted(p.name for p in folder.iterdir())
        return [folder / n for n in names if not n.startswith(".") and n != "job.json"]

    def hidden(self, job_id):
        """The names of a job's half-written files."""
        folder = self.home / "jobs" / job_id
        return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


class Ear:
    """A client over TCP that keeps all it hears in `heard`."""

    def __init__(self, house, notify=False):
        self.socket = socket.create_connection(("127.0.0.1", house.port), PATIENCE_S)
        self.heard = []
        self._framer = Framer()
        self._waiting = []
        if notify:
            self.send("/punchin/notify", 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, address, *args):
        """Send one message."""
        self.socket.sendall(sized(encode(address, args)))

    def next(self, timeout_s=PATIENCE_S):
        """The next message `(address, args)`; None when the time is up or the line is cut."""
        end = time.monotonic() + timeout_s
        while not self._waiting:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                data = self.socket.recv(1 << 16)
            except OSError:
                return None
            if not data:
                return None
            for packet in self._framer.feed(data):
                self._waiting += [m for group in decode(packet) for m in group.messages]
        self.heard.append(self._waiting.pop(0))
        return self.heard[-1]

    def until(self, *addresses, about=None, timeout_s=PATIENCE_S):
        """Wait for one of `addresses`, about the job `about` if given; return its arguments."""
        end = time.monotonic() + timeout_s
        while True:
            message = self.next(max(0.0, end - time.monotonic()))
            assert message, f"no {addresses} for {about}; heard {self.heard[-8:]}"
            if message[0] in addresses and about in (None, message[1][0]):
                return message[1]

    def ask(self, address, *args):
        """Send a request and return the JSON of its reply."""
        self.send(address, *args)
        return json.loads(self.until(f"{address}.reply")[-1])

    def ended(self, job_id):
        """Wait for a job's end; return its terminal event as `(word, args)`."""
        end = time.monotonic() + PATIENCE_S
        while True:
            message = self.next(max(0.0, end - time.monotonic()))
            assert message, f"no end of {job_id}; heard {self.heard[-8:]}"
            if message[0] in TERMINAL and message[1][0] == job_id:
                return message[0].rsplit("/", 1)[1], message[1][1:]

    def run(self, op, job_id, *args):
        """Run a job to its end; return its terminal event as `(word, args)`."""
        self.send(f"/punchin/{op}", job_id, *args)
        return self.ended(job_id)


def make_source(path, seconds=1.0, rate=RATE, channels=2, subtype="PCM_16"):
    """Write a noisy WAV; the noise is the same for the same length."""
    rng = np.random.Generator(np.random.PCG64(5))
    noise = 0.1 * rng.standard_normal((round(seconds * rate), channels))
    soundfile.write(str(path), noise, rate, subtype)
    return path


def samples(path):
    """A result's samples as they are stored."""
    return soundfile.read(str(path), dtype="int32", always_2d=True)[0]


def whole(path, frames=None):
    """Assert that a visible file is whole: its own sizes agree, and it can be read to its end."""
    if path.suffix == ".json":
        json.loads(path.read_text())
        return
    data = path.read_bytes()
    assert data[:4] == b"RIFF", path
    assert int.from_bytes(data[4:8], "little") + 8 == len(data), f"{path} is cut off"
    with soundfile.SoundFile(str(path)) as file:
        assert len(file.read(dtype="int32")) == file.frames, path
        assert frames in (None, file.frames), (path, file.frames, frames)
