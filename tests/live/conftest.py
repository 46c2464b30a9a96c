"""Live tests: a server for those that ask."""

import pytest
import rig
from elsewhere import Room
from sounds import Begin

from daemon.player.outputs.jack import JackOutput


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running JACK server, found by every client of this process."""
    yield from rig.running(tmp_path_factory.mktemp("jack"))


@pytest.fixture
def own_server(tmp_path):
    """The same for one test alone, which may kill it."""
    yield from rig.running(tmp_path)


@pytest.fixture(scope="module")
def studio(server):
    """A process for the module's outputs and recorders; they share the server."""
    room = Room()
    yield room
    room.close()


@pytest.fixture
def own_studio(own_server):
    """The same for one test alone, which may lose its server."""
    room = Room()
    yield room
    room.close()


@pytest.fixture
def singer(server):
    """A client of the server that sings numbers. Its underruns are steps in what it sings."""
    room = Room()
    output = room.make(JackOutput, client_name="singer")
    output.open(room.make(Begin))
    rig.wait_for(lambda: output.clock() is not None)
    yield output
    room.close()


@pytest.fixture
def no_server(monkeypatch):
    """No JACK server at all, whatever runs on this machine."""
    for name, value in rig.NOBODY.items():
        monkeypatch.setenv(name, value)
