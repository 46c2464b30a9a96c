"""ReaStream packets, read by a parser that shares nothing with the sender."""

import itertools
import socket
import struct
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pytest
import rig
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import Ramp, numbers, ramp, wait_for

from bridge.protocol.errors import OutputError
from daemon.player.destinations import Destination
from daemon.player.outputs import reastream
from daemon.player.outputs.base import Format, Pulse
from daemon.player.outputs.reastream import ReaStreamOutput, Stream, pace
from daemon.player.outputs.reastream_packets import packets

RATE = 48000


@dataclass
class Seen:
    """One packet as a ReaStream plug-in reads it. `samples`: `(frames, channels)`."""

    identifier: str
    rate: int
    samples: np.ndarray
    at_ns: int = 0


def parse(data, at_ns=0):
    """Read a packet by offsets, as the format's description has them."""
    assert len(data) <= 1247
    assert data[0:4] == b"MRSR"
    assert int.from_bytes(data[4:8], "little", signed=True) == len(data)
    name = data[8:40]
    assert name[31] == 0
    text = name[: name.index(0)]
    assert not any(name[len(text) :])
    channels = data[40]
    assert 1 <= channels <= 64
    rate = int.from_bytes(data[41:45], "little", signed=True)
    size = int.from_bytes(data[45:47], "little", signed=True)
    assert 0 < size <= 1200
    assert size == len(data) - 47
    assert size % (4 * channels) == 0
    floats = struct.unpack(f"<{size // 4}f", data[47:])
    frames = size // 4 // channels
    planes = [floats[c * frames : (c + 1) * frames] for c in range(channels)]
    samples = np.array(planes, np.float32).T
    return Seen(text.decode("ascii"), rate, samples, at_ns)


class Plugin:
    """A socket on this machine that keeps every packet, with the kernel's time of arrival."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.stamped = sys.platform == "linux"
        if self.stamped:
            self.socket.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.socket.settimeout(10)

    def receive(self, count):
        return [self._one() for _ in range(count)]

    def _one(self):
        data, extra, _, _ = self.socket.recvmsg(2048, 64)
        seconds, nanoseconds = struct.unpack("ll", extra[0][2]) if extra else (0, 0)
        return parse(data, seconds * 10**9 + nanoseconds)


@pytest.fixture
def plugin():
    made = []

    def make():
        made.append(Plugin())
        return made[-1]

    yield make
    for one in made:
        one.socket.close()


@pytest.fixture
def output():
    made = []

    def make(texts, rate=RATE, pairs=("mix",)):
        made.append(ReaStreamOutput([Destination.parse(t) for t in texts], rate, pairs))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _joined(seen, identifier):
    return np.concatenate([s.samples for s in seen if s.identifier == identifier])


# -- packets ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    channels=st.integers(1, 64),
    frames=st.integers(1, 2000),
    rate=st.sampled_from([8000, 44100, 48000, 192000]),
    identifier=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=31),
)
def test_packets_say_exactly_the_block(channels, frames, rate, identifier):
    samples = np.random.Generator(np.random.PCG64(frames)).standard_normal(
        (frames, channels), np.float32
    )
    seen = [(first, parse(data)) for first, data in packets(identifier, rate, samples)]
    assert {(s.identifier, s.rate) for _, s in seen} == {(identifier, rate)}
    assert np.array_equal(np.concatenate([s.samples for _, s in seen]), samples)
    lengths = [len(s.samples) for _, s in seen]
    assert [first for first, _ in seen] == [0, *itertools.accumulate(lengths)][:-1]
    assert all(n == 1200 // (4 * channels) for n in lengths[:-1])


# -- on the wire -----------------------------------------------------------------------------------


def test_a_plugin_gets_every_sample_in_order(plugin, output):
    daw = plugin()
    out = output([f"studio@127.0.0.1:{daw.port}"], rate=44100)
    got = out.open(lambda fmt: Ramp())
    seen = daw.receive(300)
    assert (got.rate, got.channels) == (44100, 2)
    assert {(s.identifier, s.rate, s.samples.shape) for s in seen} == {("studio", 44100, (150, 2))}
    assert np.array_equal(_joined(seen, "studio"), ramp(1, 300 * 150))
    assert out.health().state == "open"


def test_each_destination_gets_its_pair_and_one_gets_all(plugin, output):
    here, there = plugin(), plugin()
    texts = [
        f"127.0.0.1:{here.port}",
        f"vocals=vox@127.0.0.1:{here.port}",
        f"*=all@127.0.0.1:{there.port}",
    ]
    pairs = Destination.pairs(map(Destination.parse, texts), ("vocals", "bass"))
    assert pairs == ("mix", "vocals", "bass")
    output(texts, pairs=pairs).open(lambda fmt: Ramp(6))
    apart, together = here.receive(100), there.receive(150)
    whole = ramp(1, 7500, 6)
    mix, vocals = _joined(apart, "default"), _joined(apart, "vox")
    assert np.array_equal(mix, whole[: len(mix), :2])
    assert np.array_equal(vocals, whole[: len(vocals), 2:4])
    assert abs(len(mix) - len(vocals)) <= 150
    assert np.array_equal(_joined(together, "all"), whole)
    assert {s.samples.shape for s in together} == {(50, 6)}


def test_nobody_listening_stops_nothing(plugin, output):
    daw = plugin()
    gone = daw.port
    daw.socket.close()
    other = plugin()
    out = output([f"127.0.0.1:{gone}", f"127.0.0.1:{other.port}"])
    out.open(lambda fmt: Ramp())
    assert np.array_equal(_joined(other.receive(100), "default"), ramp(1, 15000))
    assert out.health().state == "open"


def test_what_can_not_be_sent_to_is_told(output):
    with pytest.raises(OutputError, match=r"no.such.host.* check the setting live.reastream"):
        output(["no.such.host.invalid"]).open(lambda fmt: Ramp())
    with pytest.raises(OutputError, match=r"no destination: name one"):
        output([]).open(lambda fmt: Ramp())


def test_a_render_function_that_fails_ends_the_stream(plugin, output):
    def broken(_frames):
        raise ValueError("no such sound")

    out = output([f"127.0.0.1:{plugin().port}"])
    out.open(lambda fmt: broken)
    wait_for(lambda: out.health().state == "lost")
    assert "no such sound" in out.health().trouble


def test_packets_leave_on_time(plugin, output):
    """By the kernel's clock; the best of some tries, because this machine has other work, too."""
    daw = plugin()
    if not daw.stamped:
        rig.skip("Linux: time stamps of packets")
    worst_ms = []
    for _ in range(6):
        out = output([f"127.0.0.1:{daw.port}"])
        out.open(lambda fmt: Ramp())
        seen = daw.receive(320)
        out.close()
        at_s = np.array([s.at_ns - seen[0].at_ns for s in seen]) / 1e9
        due_s = np.arange(len(seen)) * 150 / RATE
        late_ms = (at_s - due_s - np.min(at_s - due_s)) * 1000
        worst_ms.append(np.percentile(late_ms, 99))
        if worst_ms[-1] <= 3:
            break
        daw.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            daw.receive(10**6)
        daw.socket.settimeout(10)
    assert min(worst_ms) <= 3, worst_ms


# -- the schedule, by a clock that the test turns --------------------------------------------------


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


def test_the_sender_ends_with_its_output(output, plugin):
    out = output([f"127.0.0.1:{plugin().port}"])
    out.open(lambda fmt: Ramp())
    out.close()
    assert not any(t.name == "reastream" for t in threading.enumerate())
    assert out.health().state == "closed"
    assert reastream.ReaStreamOutput.name == "reastream"
