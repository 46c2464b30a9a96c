"""A real JACK server on the dummy driver, and what tests on it need.

Every running server has a name of its own, so several tests may run at once. Names come from a
small pool, because JACK has room for eight servers and a killed one keeps its place until a server
of the same name starts. Clients find a server through `JACK_DEFAULT_SERVER`, which fixtures set.
"""

import contextlib
import ctypes
import functools
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
import pytest
from ears import Listener as Listener
from patience import PATIENCE_S
from sounds import SCALE as SCALE

PERIOD = 1024
RATE = 48000
MISSING = "not on this machine: "  # by which the end of a run finds these skips
_POOL = 5  # servers at once
NOBODY = {"JACK_DEFAULT_SERVER": "punchin-test-nobody", "JACK_NO_START_SERVER": "1"}
_PROGRAMS = {
    "jackd": "apt-get install jackd2",
    "jack_wait": "apt-get install jackd2",
    "jack_capture": "apt-get install jack-capture",
}
_MODULES = {
    "jack": "pip install JACK-Client and apt-get install jackd2",
    "sounddevice": "pip install sounddevice and apt-get install libportaudio2",
    "rtmidi": "pip install python-rtmidi",
    "link": "pip install LinkPython-extern",
}


def need(*names):
    """Skip the test when a program or module is missing; the end of the run says so again."""
    lacking = [n for n in names if not _there(n)]
    if lacking:
        skip("; ".join(f"{n}: {_PROGRAMS.get(n) or _MODULES[n]}" for n in lacking))


def skip(missing):
    """Skip the test, and have the end of the run count it."""
    pytest.skip(f"{MISSING}{missing}")


@functools.cache
def _there(name):
    if name in _PROGRAMS:
        return shutil.which(name) is not None
    # Never in this process: importing sounddevice joins the JACK server of the moment, and libjack
    # takes down a process whose server has died.
    command = [sys.executable, "-c", f"import {name}"]
    environment = {**os.environ, **NOBODY}
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


class JackServer:
    """`jackd` on the dummy driver; real-time where the user may have it.

    With `waits` a cycle lasts until every client is done, so that a busy machine loses none: sound
    is exact, only time is not. Without, as musicians run it, a client that is late is left out.
    It waits for ten times `-t` (ms; of itself for 20 periods), which is less than the second after
    which an output takes its device for gone.
    """

    def __init__(
        self, folder: Path, rate: int = RATE, period: int = PERIOD, waits: bool = True
    ) -> None:
        self.name, self._claim = _claim_name()
        self._waits = ["-S", "-t", "80"] if waits else []
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
        command = ["jackd", *_realtime(), *self._waits, "-p", "64", "-n", self.name, "-d", "dummy"]
        command += ["-r", str(self.rate), "-p", str(self.period), "-C", "2", "-P", "2"]
        try:
            wait_for(lambda: self._serves(command), step_s=0.05)
        except AssertionError as late:
            raise AssertionError(self.log.read_text("utf-8", "replace")) from late

    def _serves(self, command):
        """Whether clients are taken; a server that found all of JACK's places taken tries again."""
        if self._process is None or self._process.poll() is not None:
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
        look = ["jack_wait", "-s", self.name, "-c"]
        said = subprocess.run(look, capture_output=True, text=True, check=False).stdout
        return said.splitlines()[-1:] == ["running"]

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._claim.release()


def running(folder, **more):
    """Start a server, have it found by every client of this process, and end it."""
    need("jackd", "jack_wait", "jack")
    with pytest.MonkeyPatch.context() as patch:
        started = JackServer(folder, **more)
        for name, value in started.environment.items():
            patch.setenv(name, value)
        try:
            started.start()
            yield started
        finally:
            started.stop()


serving = contextlib.contextmanager(running)


def _claim_name():
    """Return a server name that no other test has now, and the lock that says so."""
    found = []
    wait_for(lambda: found.append(_free_name()) or found[-1], step_s=0.2)
    return found[-1]


def _free_name():
    for number in range(_POOL):
        name = f"punchin-test-{number}"
        lock = filelock.FileLock(Path(tempfile.gettempdir()) / f"{name}.lock")
        with contextlib.suppress(filelock.Timeout):
            lock.acquire(timeout=0)
            return name, lock
    return None


def _end_with_the_tests():
    """Runs in the server before it becomes `jackd`: it must not outlive a test run that crashes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _realtime():
    return ["-R", "-P", "10"] if os.geteuid() == 0 else ["-r"]


def wait_for(holds, step_s=0.01):
    """Wait until `holds()`; what is waited for happens in other threads and processes."""
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        pause.wait(step_s)
