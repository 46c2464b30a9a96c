"""ReaStream packets, read by a parser that shares nothing with the sender."""

import itertools
import threading

import numpy as np
import pytest
import rig
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import in_time
from reastream_plugin import Plugin, parse
from rig import wait_for
from sounds import Ramp, ramp

from bridge.protocol.errors import OutputError
from daemon.player.destinations import Destination
from daemon.player.outputs import reastream
from daemon.player.outputs.reastream import ReaStreamOutput
from daemon.player.outputs.reastream_packets import packets

RATE = 48000


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


# -- on the wire: in several tries, because a packet that nobody takes in time is lost -------------


def test_a_plugin_gets_every_sample_in_order(plugin, output):
    def attempt(_number):
        daw = plugin()
        out = output([f"studio@127.0.0.1:{daw.port}"], rate=44100)
        got = out.open(lambda fmt: Ramp())
        seen = daw.receive(300)
        assert (got.rate, got.channels) == (44100, 2)
        told = {(s.identifier, s.rate, s.samples.shape) for s in seen}
        assert told == {("studio", 44100, (150, 2))}
        assert np.array_equal(_joined(seen, "studio"), ramp(1, 300 * 150))
        assert out.health().state == "open"

    in_time(attempt)


def test_each_destination_gets_its_pair_and_one_gets_all(plugin, output):
    def attempt(_number):
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

    in_time(attempt)


def test_nobody_listening_stops_nothing(plugin, output):
    def attempt(_number):
        other, daw = plugin(), plugin()
        gone = daw.port
        daw.socket.close()
        out = output([f"127.0.0.1:{gone}", f"127.0.0.1:{other.port}"])
        out.open(lambda fmt: Ramp())
        assert np.array_equal(_joined(other.receive(100), "default"), ramp(1, 15000))
        assert out.health().state == "open"

    in_time(attempt)


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
    if not plugin().stamped:
        rig.skip("Linux: time stamps of packets")

    def attempt(_number):
        daw = plugin()
        out = output([f"127.0.0.1:{daw.port}"])
        out.open(lambda fmt: Ramp())
        seen = daw.receive(320)
        out.close()
        at_s = np.array([s.at_ns - seen[0].at_ns for s in seen]) / 1e9
        due_s = np.arange(len(seen)) * 150 / RATE
        late_ms = (at_s - due_s - np.min(at_s - due_s)) * 1000
        assert np.percentile(late_ms, 99) <= 3

    in_time(attempt)


def test_the_sender_ends_with_its_output(output, plugin):
    out = output([f"127.0.0.1:{plugin().port}"])
    out.open(lambda fmt: Ramp())
    out.close()
    assert not any(t.name == "reastream" for t in threading.enumerate())
    assert out.health().state == "closed"
    assert reastream.ReaStreamOutput.name == "reastream"
