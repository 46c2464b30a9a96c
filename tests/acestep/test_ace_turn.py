"""Two processes that fetch the same pack: the second waits, and a dead one keeps nobody waiting."""

import multiprocessing
import threading

import pytest
from hub import Hub
from test_ace_models import FILES, SMALL

from daemon.engines.acestep.models import download

LONG_S = 60
WEIGHTS = "model.safetensors"


class Gated(Hub):
    """A hub that holds back weights until `gate` is set; `reached` tells that they are wanted."""

    def __init__(self, files):
        self.gate, self.reached = threading.Event(), threading.Event()
        super().__init__(files)

    def answer(self, handler):
        if handler.path.endswith(WEIGHTS):
            self.reached.set()
            self.gate.wait(LONG_S)
        super().answer(handler)


@pytest.fixture
def hub():
    made = Gated(dict(FILES))
    yield made
    made.gate.set()
    made.close()


def pull(pack, address, home, tell):
    """In a process of its own: tell who is waited for, then whether anything was fetched."""
    fetched = download.pull(pack, home, address, lambda name, size: lambda count: None, tell.send)
    tell.send(fetched)


@pytest.fixture
def start(hub, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    started = []

    def begin():
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=pull, args=(SMALL, hub.address, tmp_path, theirs))
        process.start()
        started.append(process)
        return process, ours

    yield begin
    for process in started:
        process.kill()
        process.join()


def heard(ours):
    assert ours.poll(LONG_S), "the other process said nothing"
    return ours.recv()


@pytest.mark.parametrize("killed", [False, True])
def test_the_second_waits_for_the_first_and_says_so(hub, start, tmp_path, killed):
    first, of_first = start()
    assert hub.reached.wait(LONG_S)
    second, of_second = start()
    assert heard(of_second) == f"process {first.pid}"
    if killed:
        first.kill()
        first.join()
    hub.gate.set()
    assert heard(of_second) is killed
    assert killed or heard(of_first) is True
    second.join(LONG_S)
    assert second.exitcode == 0
    assert (tmp_path / SMALL.folder / WEIGHTS).read_bytes() == FILES["some/model/inside/" + WEIGHTS]
    weights = [path for path, _ in hub.asked if path.endswith(WEIGHTS)]
    assert len(weights) == 1 + killed
    assert not (tmp_path / download.INCOMING / f"{SMALL.folder}.owner").exists()


def test_what_a_dead_process_left_holds_nobody_up(hub, tmp_path):
    incoming = tmp_path / download.INCOMING
    incoming.mkdir()
    (incoming / f"{SMALL.folder}.lock").touch()
    (incoming / f"{SMALL.folder}.owner").write_text("999999")
    hub.gate.set()
    told = []
    announce = lambda name, size: lambda count: None  # noqa: E731
    assert download.pull(SMALL, tmp_path, hub.address, announce, told.append)
    assert told == []
