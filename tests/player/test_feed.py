"""How far a device's callback is fed ahead: a little while nothing sounds, then all of it."""

import threading
import time

import numpy as np
import pytest
from patience import PATIENCE_S

from daemon.player.outputs.base import Format, Pulse
from daemon.player.outputs.feed import Feed

AHEAD, BLOCK, CALLBACK = 4096, 1024, 128
FORMAT = Format(48_000, 2, 0.0, BLOCK)


class Band:
    """Renders ones, and tells how many frames it has been asked for."""

    def __init__(self):
        self.idle, self.frames, self.last = True, 0, 0
        self.changed = threading.Condition()

    def render(self, frames):
        with self.changed:
            self.frames += frames
            self.last = frames
            self.changed.notify_all()
        return np.ones((frames, 2), np.float32)

    def until(self, frames):
        with self.changed:
            assert self.changed.wait_for(lambda: self.frames >= frames, timeout=PATIENCE_S), (
                self.frames
            )


@pytest.fixture
def band():
    return Band()


@pytest.fixture
def pulse():
    pulse = Pulse()
    yield pulse
    pulse.end()


@pytest.fixture
def feed(band, pulse):
    feed = Feed(FORMAT, AHEAD, pulse, lambda: band.idle)
    feed.begin(band.render)
    return feed


def take(feed, frames=CALLBACK):
    out = np.empty((frames, 2), np.float32)
    feed.take(out)
    return out


def test_what_is_asked_for_is_heard_after_little_more_than_a_callback(band, feed, pulse):
    for _ in range(50):
        take(feed)
        band.until(pulse.frames + CALLBACK + 256)
        assert band.frames <= pulse.frames + CALLBACK + 2 * 256


def test_what_sounds_is_fed_far_ahead(band, feed):
    take(feed)
    band.idle = False
    band.until(AHEAD)


def test_silence_that_comes_late_is_no_gap_but_sound_is(band, feed, pulse):
    band.idle = False
    band.until(AHEAD)
    while take(feed, 8192)[-1].any():
        pass
    late = pulse.underruns
    assert late >= 1
    band.idle = True
    for _ in range(5):
        take(feed, 8192)
    assert pulse.underruns == late


class Naps(threading.Event):
    """Tells how long the filler rests at a time, in seconds."""

    def __init__(self):
        super().__init__()
        self.last_s, self.changed = 0.0, threading.Condition()

    def wait(self, timeout=None):
        with self.changed:
            self.last_s = timeout
            self.changed.notify_all()
        return super().wait(timeout)

    def until(self, holds):
        with self.changed:
            assert self.changed.wait_for(lambda: holds(self.last_s), timeout=PATIENCE_S)


def test_a_shorter_period_is_fed_in_smaller_steps(band):
    """Less is kept ahead then, so it is looked after sooner and comes in smaller blocks."""
    band.idle, pulse = False, Pulse()
    pulse.ended = naps = Naps()
    feed = Feed(FORMAT, 2 * BLOCK, pulse, lambda: band.idle)
    feed.begin(band.render)
    try:
        band.until(2 * BLOCK)
        feed.resize(64, 128)
        naps.until(lambda nap_s: 0 < nap_s < 128 / FORMAT.rate)
        deadline = time.monotonic() + PATIENCE_S
        while band.last != 64:
            assert time.monotonic() < deadline
            take(feed, 64)
    finally:
        pulse.end()
