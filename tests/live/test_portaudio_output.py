"""The interface plays what it is given; what is missing, refused or dead is told and survived."""

import json
import subprocess
import sys

import numpy as np
import pytest
import rig
from rig import Listener, Ramp, numbers

from bridge.protocol.errors import OutputError
from daemon.player.outputs.keeper import Keeper
from daemon.player.outputs.portaudio import PortAudioOutput


@pytest.fixture
def output():
    rig.need("sounddevice")
    made = []

    def make(*args, **more):
        made.append(PortAudioOutput(*args, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def listener(server):
    client = Listener(2)
    yield client
    client.close()


@pytest.mark.parametrize("latency", ["safe", "low"])
def test_what_is_written_is_heard_without_a_break(server, listener, output, latency):
    out, render = output(latency=latency), Ramp()
    got = out.open(lambda fmt: render)
    listener.connect("PortAudio:out_0", "PortAudio:out_1")
    listener.until(lambda block: np.any(block))
    begun = numbers(listener.heard())[0]
    heard = listener.until(lambda b: np.abs(b[-1, 0]) > (begun + server.rate) * rig.SCALE)
    found = numbers(heard)
    assert len(found) >= server.rate
    assert np.all(np.diff(found) == 1)
    sounding = heard[np.flatnonzero(heard[:, 0])]
    assert np.array_equal(sounding[:, 1], -sounding[:, 0])
    assert (got.rate, got.channels) == (server.rate, 2)
    assert out.device is not None
    assert out.device.name == "system"
    assert out.health().state == "open"
    assert out.health().frames >= server.rate


def test_the_clock_runs_at_the_rate_of_the_device(server, output):
    out = output()
    got = out.open(lambda fmt: Ramp())
    rig.wait_for(lambda: out.clock() is not None)
    first = out.clock()
    rig.wait_for(lambda: out.clock().frame >= first.frame + server.rate)
    later = out.clock()
    expected = first.heard_at(later.frame, got.rate)
    assert later.time_s == pytest.approx(expected, abs=0.1)


def test_a_rate_that_the_device_lacks_gives_its_own(server, output):
    assert output(rate=44100).open(lambda fmt: Ramp()).rate == server.rate


def test_a_device_that_is_not_there_is_told_with_those_that_are(server, output):
    with pytest.raises(OutputError, match="there is system: see punchin devices") as told:
        output("no such").open(lambda fmt: Ramp())
    assert told.value.code == 402


def test_a_machine_without_devices_is_told(no_server, output):
    with pytest.raises(OutputError, match=r"no audio output device .*punchin devices"):
        output(host_api="JACK").open(lambda fmt: Ramp())


@pytest.mark.parametrize(
    ("text", "mend"),
    [("raise ImportError", "pip install"), ("raise OSError('not found')", "apt install")],
)
def test_a_missing_library_is_told_with_the_mend(monkeypatch, tmp_path, text, mend):
    (tmp_path / "sounddevice.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    with pytest.raises(OutputError, match=mend):
        PortAudioOutput().open(lambda fmt: Ramp())


def test_the_device_that_comes_back_is_opened_again(server, output, monkeypatch):
    """What is not there at first is waited for, the musician told meanwhile."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "punchin-test-nobody")
    states = []
    keeper = Keeper(output(host_api="JACK"), lambda fmt: Ramp(), states.append)
    keeper.begin()
    rig.wait_for(lambda: keeper.state.name == "waiting")
    assert keeper.state.code == 402
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    rig.wait_for(lambda: keeper.state.name == "open")
    assert keeper.health()["rate"] == server.rate
    keeper.close()
    assert [s.name for s in states][-2:] == ["open", "closed"]
    assert "waiting" in [s.name for s in states]


_KEPT = """
import json, os, sys
import numpy as np
from daemon.player.outputs.keeper import Keeper
from daemon.player.outputs.portaudio import PortAudioOutput

def say(state):
    print(json.dumps([state.name, state.trouble]), flush=True)
    if state.name in ("stuck", "closed"):
        os._exit(3)

def silence(fmt):
    return lambda frames: np.zeros((frames, fmt.channels), np.float32)

keeper = Keeper(PortAudioOutput(host_api="JACK"), silence, say)
keeper.begin()
sys.stdin.read()
keeper.close()
"""


def _kept():
    return subprocess.Popen(
        [sys.executable, "-c", _KEPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _state(process):
    return json.loads(process.stdout.readline())


def test_a_server_that_dies_hangs_portaudio_and_not_its_keeper(own_server):
    rig.need("sounddevice")
    first = _kept()
    assert _state(first)[0] == "open"
    own_server.kill()
    name, trouble = _state(first)
    assert name == "waiting"
    assert "tried again" in trouble
    assert _state(first)[0] == "stuck"
    assert first.wait(20) == 3
    own_server.start(rate=44100)
    second = _kept()
    assert _state(second)[0] == "open"
    second.stdin.close()
    assert _state(second)[0] == "closed"
    assert second.wait(20) == 3
