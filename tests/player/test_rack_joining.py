"""Two outputs, one of which was away when something was started: it joins the other one."""

import numpy as np
import pytest
from deck_material import FADE, RATE, noise, program
from patience import PATIENCE_S
from test_rack_resume import DATA, TOLD, Device

from daemon.player.rack import Begin, Rack
from daemon.player.transport import Line

OTHER = noise(4 * RATE, seed=2)
SONGS = {"a": DATA, "b": OTHER}
BOTH = ["preview", "jack"]


class Other(Device):
    """A device whose clock may yet have to be read."""

    has_time = True

    def clock(self):
        return super().clock() if self.has_time else None


class Studio:
    """A rack with two devices whose clocks are one."""

    def __init__(self):
        self.here, self.away = Other(), Other(there=False)
        devices = {"jack": self.here, "preview": self.away}

        def made(told, _rate, _start):
            data = SONGS[told["id"]]
            return program(data, told["id"], start=told["start"], loop=tuple(told["loop"]))

        self.rack = Rack(devices.__getitem__, made, lambda _trouble: None, 0.0)

    def play(self, told=TOLD, **how):
        return self.rack.play(told, BOTH, Begin(**how))

    def comes(self, after_s=0.0):
        """The one that is away comes back; from now on both are heard at the same time."""
        self.away.there = True
        assert self.away.opened.acquire(timeout=PATIENCE_S)
        self.away.time_s = self.here.time_s + after_s

    def goes(self):
        self.away.there = False
        self.away.alive.clear()
        while self.rack.bays["preview"].keeper.state.name != "waiting":
            self.rack.bays["preview"].settled.wait(0.01)


@pytest.fixture
def studio():
    made = Studio()
    yield made
    made.rack.close()


@pytest.mark.parametrize("after_s", [0.0, 0.25])
def test_it_joins_what_was_started_meanwhile(studio, after_s):
    assert "plug it in" in studio.play()
    studio.here.pull(FADE + 1000)
    studio.comes(after_s)
    heard = studio.away.pull(FADE + 500)
    at = 1000 + FADE + round(after_s * RATE)
    assert np.array_equal(heard[FADE:], DATA[at : at + 500])
    assert np.array_equal(studio.here.pull(500), DATA[1000:1500])


def test_it_joins_a_loop_in_its_next_round(studio):
    studio.rack.loop(True)
    studio.play()
    studio.here.pull(FADE + 2 * RATE - 1000)
    studio.comes(0.5)
    heard = studio.away.pull(FADE + 500)[FADE:]
    at = RATE // 2 - 1000 + FADE
    assert np.array_equal(heard, DATA[at : at + 500])


def test_it_waits_until_its_clock_is_known(studio):
    studio.play()
    studio.here.pull(FADE + 1000)
    studio.comes()
    studio.away.has_time = False
    assert not studio.away.pull(512).any()
    studio.away.has_time = True
    heard = studio.away.pull(FADE + 500)[FADE:]
    assert np.array_equal(heard, DATA[1512 + FADE :][:500])


def test_it_does_not_go_on_with_what_it_played_before(studio):
    studio.away.there = True
    studio.play()
    assert studio.away.opened.acquire(timeout=PATIENCE_S)
    for device in (studio.here, studio.away):
        device.pull(FADE + 1000)
    studio.goes()
    assert studio.play({**TOLD, "id": "b"})
    studio.here.pull(FADE + 2000)
    studio.comes()
    heard = studio.away.pull(FADE + 500)[FADE:]
    assert np.array_equal(heard, OTHER[2000 + FADE :][:500])


def test_what_it_fell_silent_in_has_moved_on(studio):
    studio.away.there = True
    studio.play()
    assert studio.away.opened.acquire(timeout=PATIENCE_S)
    for device in (studio.here, studio.away):
        device.pull(FADE + 1000)
    studio.goes()
    studio.here.pull(RATE)
    studio.comes()
    heard = studio.away.pull(FADE + 500)[FADE:]
    assert np.array_equal(heard, DATA[RATE + 1000 + FADE :][:500])


@pytest.mark.parametrize("has_begun", [True, False])
def test_it_keeps_to_the_song(studio, has_begun):
    studio.rack.line = Line(True, 0.0, 0.0, 120.0)
    studio.play(when="bar")  # the bar comes at 2 s
    studio.here.pull(3 * RATE if has_begun else RATE)
    studio.comes()
    heard = studio.away.pull(RATE + 500)
    if has_begun:
        assert np.array_equal(heard[FADE:], DATA[RATE + FADE : 2 * RATE + 500])
    else:
        assert not heard[: RATE - FADE].any()
        assert np.array_equal(heard[RATE:], DATA[:500])


@pytest.mark.parametrize("ends", ["by itself", "by a stop"])
def test_what_has_ended_meanwhile_is_not_begun_again(studio, ends):
    start = len(DATA) - 500 if ends == "by itself" else 0
    studio.play({**TOLD, "start": start})
    studio.here.pull(FADE + 1000)
    if ends == "by a stop":
        studio.rack.stop()
    studio.here.pull(FADE + 1000)
    studio.comes()
    assert not studio.away.pull(2000).any()
