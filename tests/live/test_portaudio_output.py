"""The interface plays what it is given; what is missing, refused or dead is told and survived."""

import contextlib
import json
import subprocess
import sys

import numpy as np
import pytest
import rig
from ears import Listener
from elsewhere import Room
from patience import PATIENCE_S, in_time
from rig import wait_for
from sounds import SCALE, Begin, Diary, Ramp, assert_sung, numbers

from bridge.protocol.errors import OutputError
from daemon.player.outputs.keeper import Keeper
from daemon.player.outputs.portaudio import PortAudioOutput


@pytest.fixture
def own_room(server):
    """PortAudio joins one server for the life of a process."""
    rig.need("sounddevice")
    room = Room()
    yield room
    room.close()


@pytest.fixture
def listener(server):
    client = Listener(2)
    yield client
    client.close()


@pytest.mark.parametrize("latency", ["safe", "low"])
def test_what_is_written_is_heard_without_a_break(server, own_room, listener, latency):
    out = own_room.make(PortAudioOutput, latency=latency)
    got = out.open(own_room.make(Begin))
    listener.connect("PortAudio:out_0", "PortAudio:out_1")
    listener.until(lambda block: np.all(np.any(block, axis=0)))
    listener.clear()  # what was heard while only one of them was connected
    listener.until(lambda block: np.any(block))
    begun = numbers(listener.heard())[0]
    heard = listener.until(lambda b: np.abs(b[-1, 0]) > (begun + server.rate) * SCALE)
    health = out.health()
    assert_sung(heard, listener.missed(), health.underruns)
    assert (got.rate, got.channels, got.device) == (server.rate, 2, "system")
    assert out.see("device").name == "system"
    assert health.state == "open"
    assert health.frames >= server.rate


def test_the_clock_runs_at_the_rate_of_the_device(server, own_room):
    out = own_room.make(PortAudioOutput)
    got = out.open(own_room.make(Begin))
    wait_for(lambda: out.clock() is not None)

    def attempt(_number):
        first = out.clock()
        wait_for(lambda: out.clock().frame >= first.frame + server.rate)
        later = out.clock()
        expected = first.heard_at(later.frame, got.rate)
        assert later.time_s == pytest.approx(expected, abs=0.1)

    in_time(attempt)


def test_a_render_function_that_comes_too_late_is_counted(server, own_room, listener):
    ramp = own_room.make(Ramp, 2, server.rate // 4)
    out = own_room.make(PortAudioOutput, latency="low")
    out.open(own_room.make(Begin, ramp))
    listener.connect("PortAudio:out_0", "PortAudio:out_1")
    listener.until(lambda block: np.any(block))
    listener.until(lambda block: not np.any(block))
    wait_for(lambda: out.health().underruns >= 3)
    ramp.go_on()
    listener.until(lambda block: np.abs(block[-1, 0]) > server.rate // 2 * SCALE)
    assert out.health().state == "open"


def test_a_rate_that_the_device_lacks_gives_its_own(server, own_room):
    out = own_room.make(PortAudioOutput, rate=44100)
    assert out.open(own_room.make(Begin)).rate == server.rate


def test_a_device_that_is_not_there_is_told_with_those_that_are(server, own_room):
    with pytest.raises(OutputError, match="there is system: see punchin devices") as told:
        own_room.make(PortAudioOutput, "no such").open(own_room.make(Begin))
    assert told.value.code == 402


def test_a_machine_without_devices_is_told(no_server):
    rig.need("sounddevice")
    room = Room()
    try:
        with pytest.raises(OutputError, match=r"no audio output device .*punchin devices"):
            room.make(PortAudioOutput, host_api="JACK").open(room.make(Begin))
    finally:
        room.close()


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


def test_a_device_that_is_not_there_yet_is_waited_for(own_server, own_studio):
    """The musician is told meanwhile."""
    rig.need("sounddevice")
    own_server.kill()
    diary = own_studio.make(Diary)
    output = own_studio.make(PortAudioOutput, host_api="JACK")
    keeper = own_studio.make(Keeper, output, own_studio.make(Begin), diary)
    keeper.begin()
    wait_for(lambda: keeper.see("state").name == "waiting")
    assert keeper.see("state").code == 402
    own_server.start()
    wait_for(lambda: keeper.see("state").name == "open")
    assert keeper.health()["rate"] == own_server.rate
    keeper.close()
    wait_for(lambda: keeper.see("state").name == "closed")
    states = [s.name for s in diary.see("states")]
    assert states[-2:] == ["open", "closed"]
    assert set(states[:-2]) == {"waiting"}


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


@pytest.fixture
def kept():
    """Start a process that keeps the interface open, and tells its states."""
    with contextlib.ExitStack() as stack:

        def start():
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _KEPT],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return process

        yield start


def _state(process):
    return json.loads(process.stdout.readline())


def test_a_server_that_dies_hangs_portaudio_and_not_its_keeper(own_server, kept):
    rig.need("sounddevice")
    first = kept()
    assert _state(first)[0] == "open"
    own_server.kill()
    name, trouble = _state(first)
    assert name == "waiting"
    assert "tried again" in trouble
    assert _state(first)[0] == "stuck"
    assert first.wait(PATIENCE_S) == 3
    own_server.start(rate=44100)
    second = kept()
    assert _state(second)[0] == "open"
    second.stdin.close()
    assert _state(second)[0] == "closed"
    assert second.wait(PATIENCE_S) == 3
