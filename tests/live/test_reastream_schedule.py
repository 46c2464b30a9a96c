"""When packets are due, by a clock that the test turns, and where they go."""

import itertools

import numpy as np
import pytest
from reastream_plugin import parse
from sounds import Ramp, numbers

from daemon.player.destinations import Destination
from daemon.player.outputs.base import Format, Pulse
from daemon.player.outputs.reastream import Stream, pace

RATE = 48000


class Turned:
    """A clock that sleeping moves on, each time a little too far."""

    def __init__(self, late_s):
        self.now_s, self._late_s = 1000.0, itertools.cycle(late_s)

    def sleep(self, length_s):
        assert length_s > 0
        self.now_s += length_s + next(self._late_s)


def _sent(clock, seconds, streams, render, trouble=lambda frame, clock: None):
    fmt = Format(RATE, 2, 0.0125, 600)
    pulse, sent = Pulse(), []

    def counted(frames):
        trouble(pulse.frames, clock)
        if pulse.frames + frames >= seconds * RATE:
            pulse.ended.set()
        return render(frames)

    send = lambda data, address: sent.append((clock.now_s, data, address))  # noqa: E731
    pace(streams, counted, fmt, pulse, send, lambda: clock.now_s, clock.sleep)
    return sent, pulse


def test_ten_minutes_do_not_drift():
    late_s = np.random.Generator(np.random.PCG64(1)).exponential(2e-4, 1001)
    silence = np.zeros((600, 2), np.float32)
    streams = [Stream("x", ("127.0.0.1", 1), slice(0, 2))]
    sent, pulse = _sent(Turned(late_s), 600, streams, lambda _n: silence)
    at_s = np.array([s[0] for s in sent]) - 1000.0
    assert len(at_s) == 600 * 320
    late = at_s - np.arange(len(at_s)) * 150 / RATE
    assert np.min(late) > -1e-6
    assert np.percentile(late, 99) < 3e-3
    assert abs(np.median(late[-1000:]) - np.median(late[:1000])) < 1e-4
    assert pulse.underruns == 0


def test_after_a_pause_of_the_machine_the_schedule_starts_anew():
    def pause(frame, clock):
        if frame == 6000:
            clock.now_s += 2.0

    streams = [Stream("x", ("127.0.0.1", 1), slice(0, 2))]
    sent, pulse = _sent(Turned([0.0]), 1, streams, Ramp(), pause)
    at_s = np.array([s[0] for s in sent]) - 1000.0
    gaps = np.diff(at_s)
    assert np.max(gaps) == pytest.approx(2.0, abs=0.02)
    # No burst makes up for what was missed; and nothing is left out.
    assert np.sum(gaps < 1e-3) <= 4
    assert at_s[-1] == pytest.approx(3.0, abs=0.02)
    heard = np.concatenate([parse(data).samples for _, data, _ in sent])
    assert np.all(np.diff(numbers(heard)) == 1)
    assert pulse.underruns == 1


def test_streams_of_different_sizes_keep_one_clock():
    streams = [Stream("a", ("h", 1), slice(0, 1)), Stream("b", ("h", 2), slice(0, 2))]
    sent, _ = _sent(Turned([0.0]), 1, streams, Ramp())
    for port, frames in ((1, 300), (2, 150)):
        at_s = np.array([t for t, _, address in sent if address[1] == port]) - 1000.0
        assert np.allclose(at_s, np.arange(len(at_s)) * frames / RATE, atol=1e-6)


# -- destinations as the settings write them -------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", Destination("mix", "default", "127.0.0.1", 58710)),
        ("mixer.local:9000", Destination("mix", "default", "mixer.local", 9000)),
        (" live one@10.0.0.2 ", Destination("mix", "live one", "10.0.0.2", 58710)),
        ("vocals=vox@10.0.0.2:1", Destination("vocals", "vox", "10.0.0.2", 1)),
        ("*=all@h", Destination("*", "all", "h", 58710)),
    ],
)
def test_a_destination_is_read(text, expected):
    assert Destination.parse(text) == expected
    assert Destination.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@host",
        "a@b@c",
        "=x@h",
        " =x@h",
        "h:0",
        "h:65536",
        "h:x",
        f"{'x' * 32}@h",
        "ünï@h",
        "a@",
    ],
)
def test_a_destination_that_is_none_is_refused(text):
    with pytest.raises(ValueError):
        Destination.parse(text)
