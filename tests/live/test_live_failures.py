"""Sound systems that fail under a whole daemon: it says so, works on, and plays on when it can."""

import contextlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import rig
import soundfile
from ears import Listener
from reastream_plugin import Plugin
from rig import wait_for

sys.path.append(str(Path(__file__).parents[1] / "house"))
from wire_house import House


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    rng = np.random.Generator(np.random.PCG64(5))
    soundfile.write(path, rng.uniform(-0.5, 0.5, (4 * rig.RATE, 2)), rig.RATE, "PCM_24")
    return str(path)


@pytest.fixture
def house(own_server, tmp_path):
    """Start a daemon on a server of this test's own, which it may kill."""
    with contextlib.ExitStack() as stack:

        def start(**settings):
            started = House(tmp_path / "home", **settings, **own_server.environment)
            stack.callback(started.stop)
            return started

        yield start


def _row(tcp, name):
    return next((row for row in tcp.ask("player")["outputs"] if row["name"] == name), None)


def _player(house):
    """The player's process, None while there is none."""
    for child in psutil.Process(house.process.pid).children():
        with contextlib.suppress(psutil.Error):  # it may end at this moment
            if "daemon.player" in child.cmdline():
                return child
    return None


def _works(house, tcp, song):
    """The daemon does its jobs."""
    tcp.done("bgm", "meanwhile", song)
    assert house.job("meanwhile")["state"] == "done"


def test_jack_that_dies_comes_back_and_plays_on(house, own_server, song):
    house = house(
        PUNCHIN_LIVE_PLAY="jack", PUNCHIN_LIVE_JACK_CONNECT="mix=listener:in_[12]"
    )  # fmt: skip
    with house.tcp() as tcp:
        tcp.done("repaint", "a", song, "start", 1.0, "end", 2.0)
        tcp.send("/punchin/loop", 1)
        tcp.send("/punchin/play", "a")
        wait_for(lambda: tcp.ask("player")["state"] == "playing")
        first = _player(house)
        own_server.kill()
        wait_for(lambda: _row(tcp, "jack")["state"] == "waiting")
        wait_for(lambda: "no JACK server" in _row(tcp, "jack")["trouble"])
        assert _row(tcp, "jack")["code"] == 402
        _works(house, tcp, song)
        own_server.start()
        ears = Listener(2)
        try:
            ears.until(lambda block: np.all(np.any(block, axis=0)))
        finally:
            ears.close()
        wait_for(lambda: tcp.ask("player")["state"] == "playing")
        assert _row(tcp, "jack")["losses"] == 1
        assert _player(house) == first


def test_an_interface_that_dies_costs_a_player_and_plays_on(house, own_server, song):
    rig.need("sounddevice")
    house = house(PUNCHIN_LIVE_PLAY="preview", PUNCHIN_AUDIO_HOST_API="JACK")
    with house.tcp() as tcp:
        tcp.done("repaint", "a", song, "start", 1.0, "end", 2.0)
        tcp.send("/punchin/loop", 1)
        tcp.send("/punchin/play", "a")
        wait_for(lambda: tcp.ask("player")["state"] == "playing")
        first = _player(house)
        own_server.kill()
        wait_for(lambda: (now := _player(house)) is not None and now != first)
        _works(house, tcp, song)
        own_server.start()
        ears = Listener(2)
        try:
            wait_for(lambda: len(ears.ear.outputs("PortAudio:.*")) == 2)
            ears.connect(*ears.ear.outputs("PortAudio:.*"))
            ears.until(lambda block: np.all(np.any(block, axis=0)))
        finally:
            ears.close()


def test_without_any_device_jobs_go_on_and_the_next_play_finds_it(house, own_server, song):
    rig.need("sounddevice")
    own_server.kill()
    house = house(PUNCHIN_LIVE_PLAY="preview", PUNCHIN_AUDIO_HOST_API="JACK")
    with house.tcp() as tcp:
        tcp.done("repaint", "a", song, "start", 1.0, "end", 2.0, "sinks", "file,preview")
        tcp.send("/punchin/play", "a")
        code, _name, address, message = tcp.until("error").args
        assert (code, address) == (402, "/punchin/play")
        assert "no audio output device" in message
        assert "punchin devices" in message
        _works(house, tcp, song)
        own_server.start()
        wait_for(lambda: (_row(tcp, "preview") or {}).get("state") == "open")
        tcp.send("/punchin/play", "a")
        wait_for(lambda: tcp.ask("player")["state"] == "playing")


def test_the_port_of_reastream_may_be_taken_by_a_plug_in(house, song):
    """Send and receive side share a machine and the usual port, at an address of this process."""
    host = ".".join(map(str, (127, *os.getpid().to_bytes(4, "big")[-3:])))
    daw = Plugin((host, 58710))
    try:
        house = house(PUNCHIN_LIVE_PLAY="reastream", PUNCHIN_LIVE_REASTREAM=host)
        with house.tcp() as tcp:
            tcp.done("repaint", "a", song, "start", 1.0, "end", 2.0)
            tcp.send("/punchin/play", "a")
            wait_for(lambda: np.any(daw.receive(1)[0].samples), step_s=0)
    finally:
        daw.socket.close()


def _recording(house, tcp, server):
    """Record until two seconds are on the disk; return the folder of the takes."""
    captures = house.home / "captures"
    tcp.send("/punchin/capture", 1)
    wait_for(lambda: any(p.stat().st_size > 8 * 2 * server.rate for p in captures.glob(".*.part")))
    return captures


def test_a_take_is_kept_when_its_player_is_killed(house, own_server):
    house = house(PUNCHIN_LIVE_CAPTURE="jack:system:capture_*")
    with house.tcp() as tcp:
        captures = _recording(house, tcp, own_server)
        _player(house).kill()
        path, seconds, text = tcp.until("captured").args
        told = json.loads(text)
        assert soundfile.info(path).frames == told["frames"] == round(seconds * told["rate"])
        assert told["cut"]["code"] == 402
        code, _name, address, message = tcp.until("error").args
        assert (code, address) == (402, "/punchin/capture")
        assert "is kept" in message
        assert tcp.ask("context")["source"] == path
        assert list(captures.iterdir()) == [captures / Path(path).name]
        tcp.done("repaint", "of-a-cut-take")


def test_a_take_is_kept_when_punchin_ends(house, own_server):
    house = house(PUNCHIN_LIVE_CAPTURE="jack:system:capture_*")
    with house.tcp() as tcp:
        captures = _recording(house, tcp, own_server)
    assert house.stop() == 0
    (take,) = captures.iterdir()
    assert soundfile.info(take).duration > 1.9
