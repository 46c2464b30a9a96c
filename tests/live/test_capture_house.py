"""`/punchin/capture` over the wire: a take of a real server becomes the source of the next job."""

import json
import sys
from pathlib import Path

import pytest
import soundfile
from patience import in_time
from rig import wait_for
from sounds import assert_sung

from daemon.core.capture import into_context
from daemon.core.context import Context

sys.path.append(str(Path(__file__).parents[1] / "house"))
from wire_house import House


@pytest.fixture(scope="module")
def house(server, tmp_path_factory):
    house = House(
        tmp_path_factory.mktemp("recording"),
        PUNCHIN_LIVE_CAPTURE="jack:singer:mix_*",
        PUNCHIN_LIVE_CAPTURE_PREROLL_S="0.25",
        **server.environment,
    )
    yield house
    house.stop()


@pytest.fixture
def tcp(house):
    with house.tcp() as client:
        yield client
        client.send("/punchin/reset")
        client.quiet()


def _captured(client):
    path, seconds, text = client.until("captured").args
    return path, seconds, json.loads(text)


def _recording(client):
    capture = client.ask("player").get("capture")
    return capture is not None and capture["state"] == "recording"


def test_a_take_becomes_the_source_of_the_next_job(house, tcp, singer, server):
    with house.tcp() as subscriber:
        subscriber.send("/punchin/notify", 1)
        subscriber.ask("status")
        tcp.send("/punchin/capture", 1)
        wait_for(lambda: _recording(tcp))
        enough = singer.health().frames + server.rate
        wait_for(lambda: singer.health().frames > enough)
        tcp.send("/punchin/capture", 0)
        path, seconds, told = _captured(tcp)
        assert _captured(subscriber)[0] == path
    heard, rate = soundfile.read(path, dtype="float32")
    assert rate == server.rate
    assert seconds == pytest.approx(len(heard) / rate)
    assert_sung(heard, told["lost_frames"], singer.health().underruns)
    assert Path(path).parent == house.home / "captures"
    context = tcp.ask("context")
    assert context["source"] == path
    assert (context["start_frame"], context["end_frame"]) == (told["start_frame"], len(heard))
    assert tcp.ask("player")["capture"] is None
    tcp.done("repaint", "of-a-take")
    assert (
        json.loads((house.folder("of-a-take") / "job.json").read_text())["request"]["source"]
        == path
    )


def test_a_take_on_the_bar_brings_tempo_and_downbeat(house, tcp, singer):
    def attempt(_number):
        tcp.send("/punchin/transport", 1, 2.5, 300.0, 2.5)
        tcp.send("/punchin/capture", 1, "bar", 1.0)
        _path, _seconds, told = _captured(tcp)
        bar = told["beat"] / 4  # the next one, or a later one where the input took long to open
        assert bar == pytest.approx(max(1, round(bar)), abs=0.0025)
        context = tcp.ask("context")
        assert context["bpm"] == pytest.approx(300, abs=0.5)
        assert context["downbeat"] == pytest.approx(told["start_frame"] / told["rate"])
        # Where the machine stands still the server does, and frames are no measure of time.
        assert told["frames"] - told["start_frame"] == pytest.approx(0.8 * told["rate"], abs=200)

    in_time(attempt)


def test_what_can_not_be_recorded_is_told(house, tcp, singer):
    for code, *args in ((101, 0), (402, 1, "now", 1.0, "jack:nobody:*")):
        told = tcp.error("/punchin/capture", *args)
        assert told[0] == code
    tcp.send("/punchin/transport", 0, 0.0, 120.0)
    tcp.send("/punchin/capture", 1, "bar")
    wait_for(lambda: tcp.ask("player").get("capture"))
    assert tcp.error("/punchin/capture", 1)[0] == 101
    told = tcp.error("/punchin/capture", 0)
    assert told[0] == 101
    assert "nothing was kept" in told[3]
    assert tcp.ask("context")["source"] is None


def test_only_a_take_on_the_bar_says_where_a_bar_starts():
    told = {"path": "/x.wav", "start_frame": 100, "frames": 900, "rate": 1000}
    context = Context()
    into_context(context, told)
    assert context.region == {"start_frame": 100, "end_frame": 900}
    assert context.music == {}
    into_context(context, {**told, "bpm": 97.5, "beat": 3.0, "on_bar": False})
    assert context.music == {"bpm": 97.5}
    into_context(context, {**told, "bpm": 97.5, "beat": 4.0, "on_bar": True})
    assert context.music == {"bpm": 97.5, "downbeat": 0.1}
