"""A daemon for all tests of the wire, clients of it, and audio files with known samples."""

import itertools

import numpy as np
import pytest
import soundfile
from wire_house import House, wait_for

_count = itertools.count()


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
        wait_for(lambda: client.ask("status")["running"] is None or None, "a job would not end")
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
