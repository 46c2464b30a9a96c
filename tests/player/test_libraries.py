"""What takes a process with PortAudio and JACK's library down is not done."""

import sys
import threading
from types import SimpleNamespace

import pytest
from patience import PATIENCE_S

from bridge.protocol.errors import PunchinError
from daemon.player import portaudio_library
from daemon.player.outputs import jack_ports


class NoServer(Exception):
    """What joining a server raises where there is none."""


@pytest.fixture
def joined(monkeypatch):
    """Set when JACK's library is asked for a client."""
    joined = threading.Event()

    def client(_name, no_start_server):
        joined.set()
        raise NoServer

    quiet = dict.fromkeys(("set_error_function", "set_info_function"), lambda _hear: None)
    library = SimpleNamespace(Client=client, JackError=NoServer, **quiet)
    monkeypatch.setitem(sys.modules, "jack", library)
    return joined


def test_no_server_is_joined_while_portaudio_is_at_work(joined):
    refused = []

    def join():
        try:
            jack_ports.join("punchin", lambda: None)
        except PunchinError as problem:
            refused.append(problem.code)

    thread = threading.Thread(target=join)
    with portaudio_library.alone():
        thread.start()
        assert not joined.wait(0.2)
    thread.join(PATIENCE_S)
    assert joined.is_set()
    assert refused == [402]


def test_jacks_library_is_told_once_where_its_lines_go(joined, monkeypatch):
    """The binding frees the function before; libjack may be about to call it."""
    told = []
    monkeypatch.setattr(sys.modules["jack"], "set_error_function", told.append)
    for _ in range(3):
        with pytest.raises(PunchinError):
            jack_ports.join("punchin", lambda: None)
    assert len(told) == 1
