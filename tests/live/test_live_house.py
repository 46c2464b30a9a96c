"""A whole daemon, heard by another JACK client: what plays is the file, and on the bar."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rig
import soundfile
from patience import in_time
from rig import Listener

sys.path.append(str(Path(__file__).parents[1] / "house"))
from wire_house import House

RATE = rig.RATE


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a long period: both clients are Python, on a machine that is shared."""
    with rig.serving(tmp_path_factory.mktemp("jack"), period=4096) as started:
        yield started


@pytest.fixture(scope="module")
def house(server, tmp_path_factory):
    house = House(
        tmp_path_factory.mktemp("heard"),
        PUNCHIN_LIVE_PLAY="jack",
        PUNCHIN_LIVE_JACK_PAIRS="mix,drums,bass",
        PUNCHIN_LIVE_JACK_CONNECT="mix=listener:in_[12],drums=listener:in_[34]",
        **server.environment,
    )
    yield house
    house.stop()


@pytest.fixture(scope="module")
def ears(server):
    client = Listener(4)
    yield client
    client.close()


@pytest.fixture
def tcp(house, ears):
    with house.tcp() as client:
        yield client
        for message in (("stop",), ("loop", 0), ("launch", "now"), ("reset",)):
            client.send(f"/punchin/{message[0]}", *message[1:])
        wait_state(client, lambda p: p["state"] in ("off", "stopped"))


@pytest.fixture
def listener(ears, tcp):
    """Ears that hear nothing yet."""
    ears.until(lambda block: not block.any())
    ears.clear()
    return ears


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "song.wav"
    rng = np.random.Generator(np.random.PCG64(5))
    soundfile.write(path, rng.uniform(-0.5, 0.5, (12 * RATE, 2)), RATE, "PCM_24")
    return str(path)


def wait_state(client, wanted):
    found = []

    def there():
        found.append(client.ask("player"))
        return wanted(found[-1])

    rig.wait_for(there, step_s=0.05)
    return found[-1]


def undisturbed(client, play):
    """Play until the player was never late, and return what was heard; all else is checked once."""

    def attempt(number):
        before = client.ask("player").get("underruns", 0)
        heard = play(number)
        assert client.ask("player")["underruns"] == before
        return heard

    return in_time(attempt)


def silence(client, listener):
    """Stop, and have ears that hear nothing yet."""
    client.send("/punchin/stop")
    wait_state(client, lambda p: p["state"] in ("off", "stopped"))
    listener.until(lambda block: not block.any())
    listener.clear()


def found_in(heard, part):
    """Where a stretch of samples begins in what was heard."""
    starts = np.flatnonzero((heard[:, 0] == part[0, 0]) & (heard[:, 1] == part[0, 1]))
    for at in starts:
        if same(heard[at : at + len(part)], part[: len(heard) - at]).all():
            return int(at)
    raise AssertionError(f"not heard in {len(heard)} frames, {len(starts)} starts")


def same(heard, wanted):
    """Where frames are equal; those that the listener missed are left out, few as they are."""
    missed = np.isnan(heard).any(axis=1)
    assert missed.mean() <= 0.5
    return missed | (heard == wanted).all(axis=1)


def test_what_is_played_is_the_file_while_another_job_computes(
    house, tcp, song, listener, tmp_path
):
    tcp.done("repaint", "a", song, "start", 4.0, "end", 6.0)
    mix = soundfile.read(house.path("a"), dtype="float32")[0]
    tcp.send("/punchin/bgm", "busy", song, "prompt", f"hold {tmp_path / 'go'}")
    tcp.until("started", id="busy")

    def play(_number):
        silence(tcp, listener)
        tcp.send("/punchin/play", "a")
        told = wait_state(tcp, lambda p: p["state"] == "playing")
        wait_state(tcp, lambda p: p["state"] == "stopped")
        listener.until(lambda block: not block.any())
        return round(told["loop"][0] * RATE), listener.aligned()[:, :2]

    first, heard = undisturbed(tcp, play)
    tcp.send("/punchin/cancel", "busy")
    at = found_in(heard, mix[first : first + 4096])
    whole = heard[at : at + len(mix) - first]
    assert same(whole, mix[first:]).all()
    assert not np.nan_to_num(heard[at + len(mix) - first :]).any()


def test_loops_and_swaps_leave_no_other_sample(house, tcp, song, listener):
    """Every stretch between fades is the take's own, and the position goes on across a swap."""
    tcp.done("repaint", "b", song, "start", 2.0, "end", 3.0, "takes", 2, "bpm", 120.0,
             "meter", "4/4", "downbeat", 0.0)  # fmt: skip
    takes = [soundfile.read(house.path("b", take=k), dtype="float32")[0] for k in (1, 2)]

    def play(_number):
        silence(tcp, listener)
        tcp.send("/punchin/loop", 1)
        tcp.send("/punchin/play", "b", 1)
        told = wait_state(tcp, lambda p: p["state"] == "playing" and p["position"] > 1.0)
        assert told["loop"] == [0.0, 6.0]
        tcp.send("/punchin/swap", "b", 2)
        told = wait_state(tcp, lambda p: p["take"] == 2)
        assert told["loops"] == 0, "it was swapped too late"
        wait_state(tcp, lambda p: p["loops"] >= 1 and p["position"] > 0.7)
        return listener.aligned()[:, :2]

    heard = undisturbed(tcp, play)
    start = found_in(heard, takes[0][:4096])
    end, fade = 6 * RATE, round(0.008 * RATE)
    turn = heard[start : start + end]
    # Outside of its region a repaint is its source, so the swap changes nothing there.
    alike = [same(turn, take[: len(turn)]) for take in takes]
    other = ~(alike[0] | alike[1])
    assert other[: end - fade].sum() <= fade
    again = heard[start + end : start + 2 * end - fade]
    assert len(again) > RATE // 4
    assert same(again, takes[1][: len(again)]).all()


def test_a_stem_has_a_port_pair_of_its_own(house, tcp, song, listener):
    tcp.done("bgm", "c", song, "seed", 3)
    drums = soundfile.read(house.path("c", "stem:drums"), dtype="float32")[0]

    def play(_number):
        silence(tcp, listener)
        tcp.send("/punchin/play", "c")
        wait_state(tcp, lambda p: p["state"] == "playing" and p["position"] > 1.0)
        return listener.aligned()[:, 2:]

    heard = undisturbed(tcp, play)
    at = found_in(heard, drums[100:4196])
    assert same(heard[at : at + RATE // 2], drums[100 : 100 + RATE // 2]).all()


def test_a_job_is_heard_by_its_sink_before_it_is_done(house, tcp, song, listener, tmp_path):
    """Its second take waits for the cancel, however long the first takes to be heard."""
    prompt = ("prompt", f"hold {tmp_path / 'go'} after 9", "seed", 9)

    def play(number):
        job = f"d-{number}"
        silence(tcp, listener)
        tcp.send("/punchin/cover", job, song, "takes", 2, "sinks", "jack", *prompt)
        wait_state(
            tcp, lambda p: p.get("id") == job and p["state"] == "playing" and p["position"] > 0.5
        )
        assert house.job(job)["state"] == "running"
        rig.wait_for(lambda: house.job(job)["files"])
        tcp.send("/punchin/cancel", job)
        tcp.until("cancelled", id=job)
        heard = listener.aligned()[:, :2]
        assert not np.isnan(heard).any(), "the ears were too late"
        return soundfile.read(house.path(job), dtype="float32")[0], heard

    mix, heard = undisturbed(tcp, play)
    at = int(np.flatnonzero(heard.any(axis=1))[0]) - 1  # its first sample is 0
    n = min(len(heard) - at, RATE // 4)
    # What is heard is float; the file was dithered to the source's 24 bits.
    assert np.abs(heard[at : at + n] - mix[:n]).max() < 2**-21


@pytest.mark.parametrize("bpm", [120.0, 97.5])
def test_a_launch_lands_on_the_bar_that_the_transport_tells(
    server, house, tcp, song, listener, bpm
):
    job = f"e{bpm:g}".replace(".", "-")
    tcp.done("bgm", job, song, "seed", 4)
    mix = soundfile.read(house.path(job), dtype="float32")[0]
    tcp.send("/punchin/play", job)  # opens the output, so that its clock is known
    wait_state(tcp, lambda p: p["state"] == "playing")
    pause = rig.threading.Event()

    def attempt(_number):
        tcp.send("/punchin/transport", "")
        tcp.send("/punchin/launch", "bar")
        silence(tcp, listener)
        begin = time.monotonic()
        beat = lambda: (time.monotonic() - begin) * bpm / 60  # noqa: E731
        asked = False
        while (now := beat()) < 7:
            tcp.send("/punchin/transport", 1, now, bpm, now % 4)
            if now > 1 and not asked:
                tcp.send("/punchin/play", job)
                asked = True
            pause.wait(0.03)
        at = found_in(listener.aligned()[:, :2], mix[50:4146]) - 50
        # A port that leads to no output keeps step with those that do: they are heard a period
        # later.
        onset_s = listener.second_of(at) + server.period / RATE
        late_s = onset_s - begin - 4 * 60 / bpm
        assert abs(late_s) <= rig.PERIOD / RATE + 0.003
        return late_s

    print(f"launch at {bpm:g} bpm: {1e3 * in_time(attempt):+.2f} ms")
