"""A device that goes and comes back: what played goes on where it was. The device is a fake one
that pulls only when the test says so, and keeps time by the frames it has pulled."""

import threading

import numpy as np
import pytest
from deck_material import FADE, RATE, noise, program
from patience import PATIENCE_S

from bridge.protocol.errors import PunchinError, error
from daemon.player.outputs.base import Clock, Format, Health
from daemon.player.rack import Begin, Rack
from daemon.player.transport import Line

DATA = noise(4 * RATE)
TOLD = {"id": "a", "take": 1, "role": "mix", "rate": RATE, "frames": len(DATA), "start": 0,
        "loop": [0, 2 * RATE], "origin_s": 0.0}  # fmt: skip


class Device:
    """An output that is there, or not, as the test says."""

    name = "preview"

    def __init__(self, there=True, rate=RATE):
        self.there, self.rate = there, rate
        self.alive, self.opened = threading.Event(), threading.Semaphore(0)
        self.render, self.pulled, self.time_s = None, 0, 0.0

    def open(self, start):
        if not self.there:
            raise error(402, "no device: plug it in")
        self.alive.set()
        self.pulled = 0
        fmt = Format(self.rate, 2, 0.0, 256)
        self.render = start(fmt)
        self.opened.release()
        return fmt

    def close(self):
        self.alive.clear()

    def health(self):
        return Health("open" if self.alive.is_set() else "lost", beat_s=float("inf"))

    def clock(self):
        return Clock(self.pulled, self.time_s)

    def pull(self, frames, block=256):
        blocks = []
        for at in range(0, frames, block):
            n = min(block, frames - at)
            blocks.append(self.render(n))
            self.pulled += n
            self.time_s += n / self.rate
        return np.concatenate(blocks)

    def goes_and_comes_back(self):
        self.alive.clear()
        assert self.opened.acquire(timeout=PATIENCE_S)


@pytest.fixture
def device():
    return Device()


@pytest.fixture
def rack(device):
    def made(told, rate, _start):
        return program(DATA, told["id"], start=told["start"], loop=tuple(told["loop"]))

    rack = Rack(lambda _name: device, made, lambda _trouble: None, 0.0)
    yield rack
    rack.close()


def begin(rack, device, told=TOLD, **how):
    trouble = rack.play(told, ["preview"], Begin(**how))
    assert device.opened.acquire(timeout=PATIENCE_S)
    return trouble


def test_a_take_goes_on_at_the_frame_where_its_device_went(rack, device):
    begin(rack, device)
    device.pull(FADE + 1000)
    device.goes_and_comes_back()
    heard = device.pull(FADE + 500)
    assert np.array_equal(heard[FADE:], DATA[1000:1500])


def test_a_loop_goes_on_looping(rack, device):
    rack.loop(True)
    begin(rack, device)
    device.pull(FADE + RATE)
    device.goes_and_comes_back()
    heard = device.pull(FADE + RATE + 500)[FADE:]
    assert np.array_equal(heard[: RATE - FADE], DATA[RATE : 2 * RATE - FADE])
    assert np.array_equal(heard[RATE:], DATA[:500])


def test_a_loop_that_kept_to_the_song_joins_it_where_it_would_be(rack, device):
    rack.loop(True)
    rack.line = Line(True, 0.0, 0.0, 120.0)
    begin(rack, device, when="bar")
    device.pull(3 * RATE)  # the bar comes at 2 s
    device.time_s += 0.75
    device.goes_and_comes_back()
    heard = device.pull(RATE)
    # 3.75 s after beat 0 the loop is 1.75 s old; its next turn begins at 4 s.
    at = round(1.75 * RATE)
    assert np.array_equal(heard[FADE : RATE // 4 - FADE], DATA[at + FADE : 2 * RATE - FADE])
    assert np.array_equal(heard[RATE // 4 :], DATA[: len(heard) - RATE // 4])


def test_what_waited_for_its_bar_still_waits_for_it(rack, device):
    rack.line = Line(True, 0.0, 0.0, 120.0)
    begin(rack, device, when="bar")
    device.pull(RATE)
    device.goes_and_comes_back()
    heard = device.pull(RATE + 500)
    assert not heard[: RATE - FADE].any()
    assert np.array_equal(heard[RATE:], DATA[:500])


def test_what_had_ended_does_not_begin_again(rack, device):
    begin(rack, device, told={**TOLD, "start": len(DATA) - 500})
    device.pull(FADE + 1000)
    device.goes_and_comes_back()
    assert not device.pull(2000).any()


def test_what_was_stopped_stays_silent(rack, device):
    begin(rack, device)
    device.pull(1000)
    rack.stop()
    device.goes_and_comes_back()
    assert not device.pull(2000).any()


def test_what_shall_go_on_later_does_so_when_the_device_is_there(rack, device):
    device.there = False
    with pytest.raises(PunchinError) as found:
        rack.play({**TOLD, "start": 700}, ["preview"], Begin(later=True))
    assert found.value.code == 402
    device.there = True
    assert device.opened.acquire(timeout=PATIENCE_S)
    assert np.array_equal(device.pull(FADE + 500)[FADE:], DATA[700:1200])


def test_a_play_that_was_refused_does_not_begin_by_surprise(rack, device):
    device.there = False
    with pytest.raises(PunchinError):
        rack.play(TOLD, ["preview"], Begin())
    device.there = True
    assert device.opened.acquire(timeout=PATIENCE_S)
    assert not device.pull(2000).any()
