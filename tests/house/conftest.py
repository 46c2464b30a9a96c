"""A real daemon with the test engine, raw clients, and audio files with known samples."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from house_wire import Tcp, Udp

ROOT = Path(__file__).parents[2]
_count = itertools.count()


class House:
    """A running daemon."""

    def __init__(self, home, *arguments, engine="fake", **env):
        self.home = Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.env = environment(self.home, **env)
        command = [sys.executable, "-m", "bridge", "serve", "--port", "0", "--engine", engine]
        self._log = (self.home / "stderr.txt").open("ab")
        self.process = subprocess.Popen(
            [*command, *arguments],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=self.home,
        )
        ready = self.process.stdout.readline()
        assert "ready" in ready, (self.home / "stderr.txt").read_text()
        self.port = self.facts()["port"]

    def facts(self):
        return json.loads((self.home / "daemon.json").read_text())

    def log(self):
        return (self.home / "stderr.txt").read_text()

    def udp(self):
        return Udp(self.port)

    def tcp(self, slip=False):
        return Tcp(self.port, slip)

    def folder(self, job_id):
        return self.home / "jobs" / job_id

    def job(self, job_id):
        return json.loads((self.folder(job_id) / "job.json").read_text("utf-8"))

    def path(self, job_id, role="mix", take=1):
        files = self.job(job_id)["files"]
        return next(f["path"] for f in files if (f["role"], f["take"]) == (role, take))

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(30)
        self.process.stdout.close()
        self._log.close()
        return code


def environment(home, **env):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "plugin")])
    own = {k: v for k, v in os.environ.items() if not k.startswith(("PUNCHIN_", "XDG_"))}
    config = str(home / "config")
    return {**own, "PUNCHIN_HOME": str(home), "PUNCHIN_CONFIG": config, "PYTHONPATH": paths, **env}


@pytest.fixture(scope="session")
def shared_house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("house"), PUNCHIN_JOBS_CANCEL_S="0.5")
    yield house
    house.stop()


@pytest.fixture
def house(shared_house):
    """The shared daemon, with an empty context and no open jobs."""
    with shared_house.tcp() as client:
        client.send("/punchin/cancel", "*")
        client.send("/punchin/reset")
        client.quiet()
    return shared_house


@pytest.fixture
def make_house(tmp_path):
    """Start daemons of one's own; they are stopped at the end."""
    made = []

    def make(*arguments, name="home", **options):
        made.append(House(tmp_path / name, *arguments, **options))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def tcp(house):
    with house.tcp() as client:
        yield client


@pytest.fixture
def udp(house):
    with house.udp() as client:
        yield client


@pytest.fixture
def new_id():
    return lambda stem="j": f"{stem}-{next(_count)}"


@pytest.fixture
def make_wav(tmp_path):
    """Write noise of known samples; returns the path."""

    def make(
        name="song.wav", seconds=1.0, rate=8000, channels=2, subtype="PCM_16", frames=None, seed=1
    ):
        frames = round(seconds * rate) if frames is None else frames
        rng = np.random.Generator(np.random.PCG64(seed))
        noise = rng.uniform(-0.3, 0.3, (frames, channels))
        path = tmp_path / name
        soundfile.write(path, noise, rate, subtype)
        return str(path)

    return make


def native(path):
    """A file's samples, exact: integers for integer formats, else float64."""
    info = soundfile.info(path)
    dtype = "int32" if info.subtype.startswith("PCM") else "float64"
    return soundfile.read(path, dtype=dtype, always_2d=True)[0]
