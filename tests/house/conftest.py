"""A daemon for all tests of the wire, clients of it, and audio files with known samples."""

import itertools

import numpy as np
import pytest
import soundfile
from patience import PATIENCE_S
from wire_house import House

_count = itertools.count()


@pytest.fixture(scope="session")
def shared_house(tmp_path_factory):
    # No worker is killed because a busy machine kept it from hearing a cancel.
    patient = str(PATIENCE_S)
    house = House(
        tmp_path_factory.mktemp("house"), PUNCHIN_JOBS_CANCEL_S=patient, PUNCHIN_AUDIO_DEVICE="none"
    )
    yield house
    house.stop()


@pytest.fixture
def house(shared_house):
    """The shared daemon, with an empty context and no open jobs."""
    shared_house.settle()
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


@pytest.fixture
def song(make_wav):
    """Two seconds of noise; a file that needs more has a `song` of its own."""
    return make_wav(seconds=2.0)


@pytest.fixture
def blocked(tcp, song, new_id):
    """A job that runs until it is cancelled; its id."""
    job_id = new_id("block")
    tcp.send("/punchin/bgm", job_id, song, "prompt", "wait 600")
    tcp.until("started", id=job_id)
    return job_id


@pytest.fixture
def verdict(house, tcp, song, new_id):
    """0 for a request that is accepted (and is then cancelled), else the code of its refusal."""

    def ask(*keys, op="retake", source=None):
        job_id = new_id()
        tcp.send(f"/punchin/{op}", job_id, source or song, *keys)
        answer = tcp.until("accepted", "failed", "error")
        if answer.name == "accepted":
            tcp.send("/punchin/cancel", job_id)
            return 0
        return answer.args[1] if answer.name == "failed" else answer.args[0]

    return ask


@pytest.fixture
def request_of(house, tcp, new_id):
    """Have a job accepted and return its request as job.json holds it."""

    def ask(op, *args):
        job_id = new_id()
        tcp.send(f"/punchin/{op}", job_id, *args)
        answer = tcp.until("accepted", "failed", "error")
        assert answer.name == "accepted", answer
        return house.job(job_id)["request"]

    return ask
