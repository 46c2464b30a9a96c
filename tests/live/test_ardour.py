"""Ardour leads, Punchin plays into its track; opt-in: `make test-ardour`, or `pytest -m ardour`."""

import sys
from pathlib import Path

import numpy as np
import pytest
import rig
import soundfile
from ardour import TRACK, Ardour
from rig import wait_for

sys.path.append(str(Path(__file__).parents[1] / "house"))
from wire_house import House

BPM = 97.5
BAR_FRAMES = 4 * 60 / BPM * rig.RATE
pytestmark = pytest.mark.ardour


@pytest.fixture
def daw(server, tmp_path):
    ardour = Ardour(tmp_path, BPM)
    try:
        ardour.start()
        ardour.halt()
        yield ardour
    finally:
        ardour.stop()


@pytest.fixture
def house(server, daw, tmp_path):
    house = House(
        tmp_path / "home",
        PUNCHIN_LIVE_PLAY="jack",
        PUNCHIN_LIVE_JACK_CONNECT=f"mix=ardour:{TRACK}/audio_in*",
        PUNCHIN_AUDIO_TRANSPORT="jack",
        **server.environment,
    )
    yield house
    house.stop()


@pytest.fixture
def tcp(house):
    with house.tcp() as client:
        yield client


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    rng = np.random.Generator(np.random.PCG64(5))
    soundfile.write(path, rng.uniform(-0.5, 0.5, (6 * rig.RATE, 2)), rig.RATE, "PCM_24")
    return str(path)


def _song(tcp):
    return tcp.ask("player")["transport"]


def _ready(tcp, song):
    """Have a result, and the output open and connected; return the result's samples."""
    tcp.done("repaint", "a", song, "start", 2.0, "end", 3.0)
    tcp.send("/punchin/play", "a")
    wait_for(lambda: tcp.ask("player")["state"] == "playing")
    tcp.send("/punchin/stop")
    wait_for(lambda: tcp.ask("player")["state"] == "stopped")


def test_its_transport_and_tempo_are_read(daw, tcp, song):
    _ready(tcp, song)
    wait_for(lambda: _song(tcp)["bpm"] == pytest.approx(BPM, abs=0.001))
    assert not _song(tcp)["playing"]
    daw.send("/transport_play")
    wait_for(lambda: _song(tcp)["playing"] and _song(tcp)["beat"] > 4)
    before = daw.ask("/transport_frame")
    beat = _song(tcp)["beat"]
    after = daw.ask("/transport_frame")
    # What is heard now was at Ardour's play head up to two periods ago, and it counts by periods.
    first, last = before - 3 * rig.PERIOD, after + rig.PERIOD
    assert first <= beat * 60 / BPM * rig.RATE <= last
    assert _song(tcp)["bpm"] == pytest.approx(BPM, abs=0.5)
    daw.send("/transport_stop")
    wait_for(lambda: not _song(tcp)["playing"])


def test_what_is_launched_on_its_bar_is_recorded_on_its_track_bit_for_bit(house, daw, tcp, song):
    _ready(tcp, song)
    mix = soundfile.read(house.path("a"), dtype="float32")[0]
    daw.send("/strip/recenable", daw.strip(TRACK), 1)
    daw.send("/rec_enable_toggle")
    tcp.send("/punchin/launch", "bar")
    daw.send("/transport_play")
    wait_for(lambda: _song(tcp)["playing"] and _song(tcp)["beat"] > 1)
    tcp.send("/punchin/play", "a")
    told = []
    wait_for(lambda: told.append(tcp.ask("player")) or told[-1]["state"] == "playing")
    first = round(told[-1]["loop"][0] * rig.RATE)
    wait_for(lambda: tcp.ask("player")["state"] == "stopped")
    assert tcp.ask("player")["underruns"] == 0
    rendered = daw.ask("/transport_frame")
    wait_for(lambda: daw.ask("/transport_frame") > rendered + rig.RATE // 2)
    daw.send("/transport_stop")
    wait_for(lambda: daw.ask("/transport_speed") == 0)
    heard, begin = daw.recorded()
    at = int(np.flatnonzero(heard[:, 0] == mix[first, 0])[0])
    sounding = len(mix) - first
    assert np.array_equal(heard[at : at + sounding], mix[first:])
    assert not heard[at + sounding :].any()
    bars = (begin + at) / BAR_FRAMES
    off_s = (bars - round(bars)) * BAR_FRAMES / rig.RATE
    print(f"on Ardour's bar {round(bars) + 1}: {off_s * 1e3:+.2f} ms")
    assert abs(off_s) <= rig.PERIOD / rig.RATE + 0.003
