"""JACK's transport leads: a whole daemon follows it, and what is launched lands on its bar."""

import sys
from pathlib import Path

import numpy as np
import pytest
import rig
import soundfile
from ears import Listener
from elsewhere import Room
from patience import in_time
from timebase import Leader

sys.path.append(str(Path(__file__).parents[1] / "house"))
from wire_house import House

RATE = rig.RATE


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that keeps time by the clock, whatever its clients do."""
    with rig.serving(tmp_path_factory.mktemp("jack"), waits=False) as started:
        yield started


@pytest.fixture(scope="module")
def house(server, tmp_path_factory):
    house = House(
        tmp_path_factory.mktemp("following"),
        PUNCHIN_LIVE_PLAY="jack",
        PUNCHIN_LIVE_JACK_CONNECT="mix=listener:in_*,mix=system:playback_*",
        PUNCHIN_AUDIO_TRANSPORT="jack",
        **server.environment,
    )
    yield house
    house.stop()


@pytest.fixture
def tcp(house):
    with house.tcp() as client:
        song_of(client, lambda s: not s["playing"])
        yield client
        client.send("/punchin/stop")
        client.send("/punchin/launch", "now")


@pytest.fixture
def leads(server):
    room, made = Room(), []

    def lead(*args):
        made.append(room.make(Leader, *args))
        return made[-1]

    yield lead
    for leader in made:
        leader.stop()
    room.close()


def song_of(tcp, wanted):
    found = []

    def there():
        found.append(tcp.ask("player")["transport"])
        return wanted(found[-1])

    rig.wait_for(there, step_s=0.05)
    return found[-1]


def test_it_is_followed_from_the_start_on_and_stops_with_it(tcp, leads):
    leader = leads(97.5, (3, 4))
    leader.roll(round(30.0 * RATE))
    told = song_of(tcp, lambda s: s["playing"] and s["source"] == "jack")
    assert told["bpm"] == pytest.approx(97.5, abs=0.06)
    assert told["bar_beats"] == 3.0
    assert told["beat"] > 30.0 * 97.5 / 60 - 0.1  # what is heard lags behind the server
    bars = told["bar_beat"] / 3
    assert bars == pytest.approx(round(bars), abs=0.01)
    leader.tempo(120.0)
    song_of(tcp, lambda s: s["bpm"] == pytest.approx(120.0, abs=0.06))
    leader.stop()
    song_of(tcp, lambda s: not s["playing"])


def test_a_leader_without_bars_tells_the_position(tcp, leads):
    leader = leads()
    leader.roll(20 * RATE)
    song_of(tcp, lambda s: s["playing"])
    tcp.send("/punchin/tempo", 90.0, 4, 4)
    beat = lambda: leader.state()[0] / RATE * 90 / 60  # noqa: E731
    before = beat() - 0.3  # what is heard lags behind the server
    song_of(tcp, lambda s: s["bpm"] == 90.0 and before <= s["beat"] <= beat())
    leader.stop()
    song_of(tcp, lambda s: not s["playing"])


def test_another_source_is_not_heard(tcp):
    tcp.send("/punchin/transport", 1, 8.0, 120.0)
    assert not tcp.ask("player")["transport"]["playing"]


def test_a_launch_lands_on_its_bar(house, tcp, leads, tmp_path):
    path = tmp_path / "song.wav"
    noise = np.random.Generator(np.random.PCG64(5)).uniform(-0.5, 0.5, (4 * RATE, 2))
    soundfile.write(path, noise, RATE, "PCM_24")
    tcp.done("bgm", "a", str(path), "seed", 4)
    mix = soundfile.read(house.path("a"), dtype="float32")[0]
    ears, leader = Listener(2), leads(120.0)

    def attempt(_number):
        tcp.send("/punchin/launch", "now")
        tcp.send("/punchin/play", "a")
        ears.until(lambda block: block.any())
        tcp.send("/punchin/stop")
        ears.until(lambda block: not block.any())
        ears.clear()
        leader.stop()
        song_of(tcp, lambda s: not s["playing"])
        tcp.send("/punchin/launch", "bar")
        leader.roll()
        song_of(tcp, lambda s: s["playing"] and s["beat"] > 0.5)
        tcp.send("/punchin/play", "a")
        rig.wait_for(lambda: (tcp.ask("player").get("position") or 0) > 0.3)
        frame, cycle_s = leader.state()
        found = np.flatnonzero((ears.aligned() == mix[50]).all(axis=1))
        assert len(found), "these ears missed its beginning, or it came late"
        onset_frame = frame + (ears.second_of(int(found[0]) - 50) - cycle_s) * RATE
        bars = onset_frame / (2 * RATE)
        assert abs(bars - round(bars)) * 2 <= rig.PERIOD / RATE + 0.003
        return bars

    try:
        bars = in_time(attempt)
    finally:
        ears.close()
    print(f"launch: {(bars - round(bars)) * 2e3:+.2f} ms")
