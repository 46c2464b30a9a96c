"""What `/punchin/player` tells while a device is away: what is so, not what last sounded there."""

import threading

import pytest
from deck_material import RATE, noise, program
from patience import PATIENCE_S

from bridge.protocol.errors import PunchinError, error
from daemon.player import state
from daemon.player.outputs.base import Format, Health
from daemon.player.rack import Begin, Rack

DATA = noise(2 * RATE)
TOLD = {"id": "a", "take": 1, "role": "mix", "rate": RATE, "frames": len(DATA), "start": 0,
        "loop": [0, len(DATA)], "origin_s": 0.0}  # fmt: skip


class Device:
    """An output that is there until it is pulled out."""

    def __init__(self, name):
        self.name, self.there, self.render = name, True, None
        self.refused = threading.Event()

    def open(self, start):
        if not self.there:
            self.refused.set()
            raise error(402, "no device: plug it in")
        fmt = Format(RATE, 2, 0.0, 256)
        self.render = start(fmt)
        return fmt

    def close(self):
        pass

    def health(self):
        return Health("open" if self.there else "lost", beat_s=float("inf"))

    def clock(self):
        return None

    def goes(self):
        self.there = False
        assert self.refused.wait(PATIENCE_S)


@pytest.fixture
def devices():
    return {name: Device(name) for name in ("jack", "reastream")}


@pytest.fixture
def rack(devices):
    def made(told, _rate, _start):
        return program(DATA, told["id"], start=told["start"], loop=tuple(told["loop"]))

    rack = Rack(devices.__getitem__, made, lambda _trouble: None, 0.0)
    yield rack
    rack.close()


def play(rack, devices, *names, told=TOLD):
    rack.play(told, list(names), Begin())
    for name in names:
        if devices[name].there:
            devices[name].render(1000)


def test_what_waits_for_a_device_that_was_never_there_is_told(rack, devices):
    devices["jack"].there = False
    with pytest.raises(PunchinError, match="plug it in"):
        rack.play({**TOLD, "start": RATE // 2}, ["jack"], Begin(later=True))
    told = state.of(rack)
    assert (told["state"], told["id"], told["position"]) == ("waiting", "a", 0.5)
    rack.stop()
    assert "state" not in state.of(rack)


def test_an_output_that_sounds_leads_before_one_whose_device_is_away(rack, devices):
    play(rack, devices, "jack", "reastream")
    devices["jack"].goes()
    play(rack, devices, "jack", "reastream", told={**TOLD, "id": "b"})
    told = state.of(rack)
    assert (told["state"], told["id"]) == ("playing", "b")
    assert [row["name"] for row in told["outputs"]] == ["reastream", "jack"]
    assert state.where(rack)["id"] == "b"
    rack.stop()
    devices["reastream"].render(1000)
    assert state.of(rack)["state"] == "stopped"


def test_what_plays_on_a_device_that_is_away_waits_for_it(rack, devices):
    play(rack, devices, "jack")
    devices["jack"].goes()
    told = state.of(rack)
    assert (told["state"], told["id"], told["level"]) == ("waiting", "a", None)
    assert told["position"] == state.where(rack)["position"] > 0


def test_what_was_stopped_while_its_device_is_away_plays_no_more(rack, devices):
    play(rack, devices, "jack")
    devices["jack"].goes()
    rack.stop()
    assert state.of(rack)["state"] == state.where(rack)["state"] == "stopped"
    assert state.of(rack)["position"] is None
