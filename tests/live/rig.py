"""A real JACK server on the dummy driver, and a client of it that keeps what it hears.

Every running server has a name of its own, so several tests may run at once. Names come from a
small pool, because JACK has room for eight servers and a killed one keeps its place until a server
of the same name starts. Clients find a server through `JACK_DEFAULT_SERVER`, which fixtures set.
"""

import contextlib
import ctypes
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import filelock
import numpy as np
import pytest

from bridge.protocol.errors import PunchinError
from daemon.player import portaudio_library

PERIOD = 1024
RATE = 48000
SCALE = 2.0**-23  # of the ramp: every step is one float32 of 24 bits, so nothing is rounded
MISSING = "not on this machine: "  # by which the end of a run finds these skips
_POOL = 5
_PROGRAMS = {
    "jackd": "apt-get install jackd2",
    "jack_wait": "apt-get install jackd2",
    "jack_capture": "apt-get install jack-capture",
}
_MODULES = {
    "jack": "pip install JACK-Client and apt-get install jackd2",
    "sounddevice": "pip install sounddevice and apt-get install libportaudio2",
    "rtmidi": "pip install python-rtmidi",
}


def need(*names):
    """Skip the test when a program or module is missing; the end of the run says so again."""
    lacking = [n for n in names if not _there(n)]
    if lacking:
        skip("; ".join(f"{n}: {_PROGRAMS.get(n) or _MODULES[n]}" for n in lacking))


def skip(missing):
    """Skip the test, and have the end of the run count it."""
    pytest.skip(f"{MISSING}{missing}")


def _there(name):
    if name in _PROGRAMS:
        return shutil.which(name) is not None
    try:
        if name == "sounddevice":
            # Importing it alone would join the JACK server of this moment and keep it.
            with portaudio_library.session():
                return True
        importlib.import_module(name)
    except (ImportError, OSError, PunchinError):
        return False
    return True


@contextlib.contextmanager
def preferred():
    """The tests' own JACK clients are in Python: no thread of theirs may hold up another."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, -11)
    yield
    sys.setswitchinterval(interval)
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)


class JackServer:
    """`jackd` on the dummy driver; real-time where the user may have it."""

    def __init__(self, folder: Path, rate: int = RATE, period: int = PERIOD) -> None:
        self.name, self._claim = _claim_name()
        self.log = folder / f"{self.name}.log"
        self.rate, self.period = rate, period
        self._process = None

    @property
    def environment(self):
        return {
            "JACK_DEFAULT_SERVER": self.name,
            "JACK_NO_START_SERVER": "1",
            "JACK_NO_AUDIO_RESERVATION": "1",
        }

    def start(self, rate=None, period=None):
        self.rate, self.period = rate or self.rate, period or self.period
        command = ["jackd", *_realtime(), "-p", "64", "-n", self.name, "-d", "dummy"]
        command += ["-r", str(self.rate), "-p", str(self.period), "-C", "2", "-P", "2"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
                preexec_fn=_end_with_the_tests,
            )
        wait = ["jack_wait", "-s", self.name, "-w", "-t", "10"]
        said = subprocess.run(wait, capture_output=True, text=True, check=False)
        assert "is available" in said.stdout, (said, self.log.read_text("utf-8", "replace"))

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        self._claim.release()


def _claim_name():
    """Return a server name that no other test has now, and the lock that says so."""
    folder = Path(tempfile.gettempdir())
    for number in range(_POOL):
        name = f"punchin-test-{number}"
        lock = filelock.FileLock(folder / f"{name}.lock")
        with contextlib.suppress(filelock.Timeout):
            lock.acquire(timeout=0)
            return name, lock
    pytest.fail("every name of the pool is taken: is another test run using JACK?")


def _end_with_the_tests():
    """Runs in the server before it becomes `jackd`: it must not outlive a test run that crashes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _realtime():
    return ["-R", "-P", "10"] if os.geteuid() == 0 else ["-r"]


class Listener:
    """A JACK client that keeps every block its two inputs get."""

    def __init__(self, channels=2, name="listener"):
        import jack

        self.client = jack.Client(name, no_start_server=True)
        self._ins = [self.client.inports.register(f"in_{i + 1}") for i in range(channels)]
        self._blocks, self._starts = [], []
        self._wanted = None
        self._enough = threading.Event()
        self.client.set_process_callback(self._process)
        self.client.activate()

    def _process(self, _frames):
        self._starts.append(self.client.last_frame_time)
        block = np.stack([port.get_array() for port in self._ins], axis=1)
        self._blocks.append(block)
        if self._wanted is not None and self._wanted(block):
            self._enough.set()

    def connect(self, *sources):
        for source, port in zip(sources, self._ins, strict=True):
            self.client.connect(source, port)

    def ports(self):
        return [port.name for port in self._ins]

    def until(self, wanted, timeout_s=20.0):
        """Wait until a block fulfils `wanted`, then return all that was heard."""
        self._enough.clear()
        self._wanted = wanted
        assert self._enough.wait(timeout_s), "not heard in time"
        return self.heard()

    def heard(self):
        return np.concatenate(self._blocks[:]) if self._blocks else np.zeros((0, len(self._ins)))

    def clear(self):
        """Forget what was heard so far."""
        self._blocks, self._starts = [], []

    def second_of(self, frame):
        """When the cycle of a frame of `aligned` began, in `time.monotonic()`."""
        ahead = self._starts[0] + frame - self.client.frame_time
        return time.monotonic() + ahead / self.client.samplerate

    def aligned(self):
        """What was heard with NaN for blocks that this listener itself came too late for."""
        size = self.client.blocksize
        blocks, starts = self._blocks[:], self._starts[:]
        out = np.full((starts[-1] - starts[0] + size, len(self._ins)), np.nan, np.float32)
        for start, block in zip(starts, blocks, strict=False):
            out[start - starts[0] : start - starts[0] + size] = block
        return out

    def close(self):
        with contextlib.suppress(Exception):
            self.client.deactivate()
        self.client.close()


def ramp(start, frames, channels=2):
    """Return frames numbered from `start` (1 is the first), the channels told apart by sign."""
    numbers = np.arange(start, start + frames, dtype=np.float64) * SCALE
    signs = np.where(np.arange(channels) % 2, -1.0, 1.0) / 2.0 ** (np.arange(channels) // 2)
    return (numbers[:, None] * signs).astype(np.float32)


class Ramp:
    """A render function that numbers its frames."""

    def __init__(self, channels=2):
        self.next, self.channels = 1, channels

    def __call__(self, frames):
        block = ramp(self.next, frames, self.channels)
        self.next += frames
        return block


def numbers(heard):
    """Return the frame numbers of a captured ramp from the first to the last that is not silent."""
    found = np.round(heard[:, 0].astype(np.float64) / SCALE).astype(np.int64)
    sounding = np.flatnonzero(found)
    return found[sounding[0] : sounding[-1] + 1] if len(sounding) else found[:0]


def assert_sung(heard, lost, singer):
    """Every frame of a captured ramp is its number's, in step.

    Silence and steps are only where the recorder lost frames, or where the singer itself, who has
    no faster a machine, says that it came too late.
    """
    found = np.round(heard[:, 0].astype(np.float64) / SCALE).astype(np.int64)
    steps = found - np.arange(len(found))
    sounding = np.flatnonzero(found)
    breaks = np.count_nonzero(np.diff(steps[sounding]))
    late = singer.health().underruns
    assert breaks <= 2 * late, "a step is missing or doubled"
    assert late or len(sounding) >= len(found) - lost - 1
    assert np.array_equal(
        heard[sounding], ramp(0, found.max() + 1, heard.shape[1])[found[sounding]]
    )


def wait_for(holds, timeout_s=20.0, step_s=0.01):
    """Wait until `holds()`; what is waited for happens in other threads and processes."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        pause.wait(step_s)
