"""Sound that JACK went on without is counted."""

import numpy as np
import pytest
import rig
from ears import Listener
from elsewhere import Room
from rig import wait_for
from sounds import Begin

from daemon.player.outputs import jack_ports
from daemon.player.outputs.base import Pulse
from daemon.player.outputs.jack import JackOutput, _Run


@pytest.fixture
def hasty_server(tmp_path):
    """A server as musicians run it, which waits for no client."""
    yield from rig.running(tmp_path, waits=False)


def test_cycles_that_went_by_without_us_are_counted(hasty_server):
    room = Room()
    other = Listener(1)  # hears nothing of ours, so the server does not hold it up with us
    try:
        out = room.make(JackOutput)
        out.open(room.make(Begin))
        wait_for(lambda: out.health().frames > 0)
        before = out.health().underruns
        room.stop()
        cycles = len(other.arrivals())
        wait_for(lambda: len(other.arrivals()) > cycles + 10)
        room.go_on()
        wait_for(lambda: out.health().underruns > before)
        assert out.health().state == "open"
    finally:
        room.close()
        other.close()


@pytest.mark.parametrize(
    ("counts", "missed"),
    [
        ((0, 64, 128), [0, 0, 0]),
        ((0, 128, 192), [0, 64, 0]),
        ((0, 128, 128, 192), [0, 64, -64, 0]),  # a late client meets a cycle twice
        ((2**32 - 64, 0, 64), [0, 0, 0]),
        ((2**32 - 64, 64, 64, 128), [0, 64, -64, 0]),
    ],
)
def test_frames_that_went_by_are_counted_once(counts, missed):
    missing = jack_ports.missing_frames()
    assert [missing(count, 64) for count in counts] == missed


class Cycles:
    """A client of a server whose count of frames is told call by call."""

    samplerate, blocksize, frames_since_cycle_start = 48000, 64, 0

    def __init__(self, counts):
        self._counts = iter(counts)
        self.outports = self

    @property
    def last_frame_time(self):
        return next(self._counts)

    def register(self, _name):
        return self

    def get_array(self):
        return np.zeros(64, np.float32)

    def set_process_callback(self, callback):
        self.process = callback

    def set_blocksize_callback(self, callback):
        self.resize = callback


@pytest.mark.parametrize(
    ("counts", "late"),
    [
        ((0, 0, 64, 64, 128, 128), 0),
        ((0, 0, 64, 64, 192, 192), 1),  # a cycle without us
        ((0, 0, 64, 128, 128, 128), 1),  # a cycle that ended before we did
        ((2**32 - 64, 2**32 - 64, 0, 0, 64, 64), 0),
    ],
)
@pytest.mark.parametrize("idle", [False, True])
def test_being_late_is_counted_once_while_something_sounds(monkeypatch, counts, late, idle):
    monkeypatch.setattr(jack_ports, "latency_frames", lambda _port, playback: 64)
    pulse, client = Pulse(), Cycles(counts)
    run = _Run(client, ("mix",), pulse, lambda: idle)
    run.begin(lambda fmt: lambda frames: np.ones((frames, 2), np.float32))
    for _ in range(3):
        wait_for(lambda: run._feed._ring.filled >= 64)
        client.process(64)
    pulse.ended.set()
    assert pulse.underruns == (0 if idle else late)


def test_a_new_period_counts_from_the_moment_it_is_told(monkeypatch):
    frames_to_the_ear = [64]
    monkeypatch.setattr(jack_ports, "latency_frames", lambda _port, playback: frames_to_the_ear[0])
    pulse, client = Pulse(), Cycles([])
    run = _Run(client, ("mix",), pulse, lambda: True)
    fmt = run.begin(lambda fmt: lambda frames: np.zeros((frames, 2), np.float32))
    assert (fmt.latency_s, pulse.health().latency_s) == (3 * 64 / 48000, 3 * 64 / 48000)
    frames_to_the_ear[0] = 512
    client.resize(512)
    pulse.ended.set()
    assert pulse.health().latency_s == 3 * 512 / 48000
