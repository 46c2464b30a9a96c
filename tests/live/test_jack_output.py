"""What the JACK output is given is what another client hears, sample for sample."""

import subprocess
import threading
import time

import numpy as np
import pytest
import rig
from rig import Listener, Ramp, numbers, wait_for

from bridge.protocol.errors import OutputError
from daemon.player.outputs import keeper as keeper_module
from daemon.player.outputs.base import Format, Health
from daemon.player.outputs.jack import JackOutput
from daemon.player.outputs.jack_ports import Rule
from daemon.player.outputs.keeper import Keeper


@pytest.fixture
def listener(server):
    client = Listener(4)
    yield client
    client.close()


@pytest.fixture
def output():
    made = []

    def make(*args, **more):
        made.append(JackOutput(*args, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _heard_from_the_first_frame(listener, output, ramp_, frames):
    """Open the output, so that its rules connect it before its first frame; wait for `frames`."""
    got = output.open(lambda fmt: ramp_)
    heard = listener.until(lambda block: np.abs(block[-1, 0]) >= frames * rig.SCALE)
    return got, heard


def test_another_client_hears_every_sample_of_every_pair(server, listener, output):
    rules = [Rule.parse("mix=listener:in_[12]"), Rule.parse("vocals=listener:in_[34]")]
    render = Ramp(4)
    got, heard = _heard_from_the_first_frame(
        listener, output(("mix", "vocals"), rules), render, 2 * server.rate
    )
    found = numbers(heard)
    assert found[0] == 1
    assert np.all(np.diff(found) == 1)
    first = np.flatnonzero(heard[:, 0])[0]
    assert np.array_equal(heard[first : first + len(found)], rig.ramp(1, len(found), 4))
    assert (got.rate, got.channels, got.pairs) == (server.rate, 4, ("mix", "vocals"))
    assert got.latency_s == pytest.approx(2 * server.period / server.rate, abs=0.05)


def test_a_client_of_another_make_records_the_same_samples(server, output, tmp_path):
    rig.need("jack_capture")
    import soundfile

    render, out = Ramp(), output()
    out.open(lambda fmt: render)
    wav = tmp_path / "heard.wav"
    ports = ["-p", "punchin:mix_l", "-p", "punchin:mix_r"]
    command = ["jack_capture", "-c", "2", *ports, "-f", "wav", "-b", "FLOAT", "-d", "2", str(wav)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    heard, rate = soundfile.read(wav, dtype="float32")
    found = numbers(heard)
    assert rate == server.rate
    assert len(found) > 1.5 * rate
    assert np.all(np.diff(found) == 1)
    assert np.array_equal(heard[np.flatnonzero(heard[:, 0])][:, 1], -found * np.float32(rig.SCALE))


def test_ports_are_named_after_their_pairs(server, listener, output):
    output(("mix", "stem one"), client_name="studio").open(lambda fmt: Ramp(4))
    named = {p.name for p in listener.client.get_ports("studio:.*", is_output=True)}
    assert named == {"studio:mix_l", "studio:mix_r", "studio:stem_one_l", "studio:stem_one_r"}


def test_a_port_that_appears_later_is_connected_once(server, output):
    out = output(connect=[Rule.parse("mix=late:in_*")])
    out.open(lambda fmt: Ramp())
    late = Listener(2, "late")
    try:
        late.until(lambda block: np.any(block))
        late.client.disconnect("punchin:mix_l", "late:in_1")
        other = Listener(1, "other")  # any change of ports makes the rules look again
        try:
            late.until(lambda block: not np.any(block[:, 0]) and np.any(block[:, 1]))
            wait_for(lambda: len(late.client.get_all_connections("late:in_2")) == 1)
            assert late.client.get_all_connections("late:in_1") == []
        finally:
            other.close()
    finally:
        late.close()


def test_a_slow_render_function_is_heard_as_silence_and_counted(server, output):
    gate, render = threading.Event(), Ramp()

    def stuck(frames):
        if render.next > server.rate // 4:
            gate.wait(20)
        return render(frames)

    out = output()
    out.open(lambda fmt: stuck)
    wait_for(lambda: out.health().underruns >= 3)
    gate.set()
    before = out.health().frames
    wait_for(lambda: out.health().frames > before + server.rate // 4)
    assert out.health().state == "open"


def test_a_render_function_that_fails_ends_the_output(server, output):
    def broken(_frames):
        raise ValueError("no such sound")

    out = output()
    out.open(lambda fmt: broken)
    wait_for(lambda: out.health().state == "lost")
    assert "no such sound" in out.health().trouble


def test_the_end_of_the_server_is_noticed_and_another_one_joined(own_server, output):
    out, render = output(), Ramp()
    out.open(lambda fmt: render)
    wait_for(lambda: out.health().frames > 0)
    own_server.kill()
    wait_for(lambda: out.health().state == "lost")
    assert "server" in out.health().trouble
    out.close()
    with pytest.raises(OutputError, match=r"start one .*\(qjackctl"):
        out.open(lambda fmt: render)
    own_server.start(rate=44100, period=512)
    got = out.open(lambda fmt: render)
    assert (got.rate, got.block) == (44100, 512)
    wait_for(lambda: out.health().frames > 4410)


def test_the_clock_tells_when_a_frame_is_heard(server, listener, output):
    """The listener's blocks reach it in the cycle in which they are played."""
    arrived = {}

    def seen(block):
        found = numbers(block)
        if len(found) == len(block):
            arrived[int(found[0])] = time.monotonic()
        return len(arrived) > 20

    out = output(connect=[Rule.parse("mix=listener:in_[12]")])
    render = Ramp()
    got = out.open(lambda fmt: render)
    listener.until(seen)
    clock = out.clock()
    late = [at - clock.heard_at(number - 1, got.rate) for number, at in arrived.items()]
    assert np.median(np.abs(late)) <= got.block / got.rate


def test_no_server_is_told_with_the_mend(no_server):
    rig.need("jack")
    with pytest.raises(OutputError) as told:
        JackOutput().open(lambda fmt: Ramp())
    assert told.value.code == 402
    assert "\n" not in told.value.message


def test_a_missing_library_is_told_with_the_mend(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "jack", None)
    with pytest.raises(OutputError, match=r"pip install .punchin\[live\]"):
        JackOutput().open(lambda fmt: Ramp())


@pytest.mark.parametrize(
    ("text", "pair", "ports", "targets"),
    [
        ("system:playback_*", "mix", "system:playback_*", [(0, "system:playback_1"), (1, "system:playback_2")]),  # noqa: E501
        ("*=daw:{pair}/in*", "*", "daw:{pair}/in*", [(0, "daw:mix/in"), (1, "daw:mix/in")]),
        (" mix = nobody:x ", "mix", "nobody:x", []),
        ("vocals=system:*", "vocals", "system:*", []),
    ],
)  # fmt: skip
def test_a_rule_finds_its_ports(text, pair, ports, targets):
    inputs = ["system:playback_1", "system:playback_2", "system:playback_3", "daw:mix/in"]
    rule = Rule.parse(text)
    assert (rule.pair, rule.ports) == (pair, ports)
    assert rule.targets("mix", inputs) == targets


@pytest.mark.parametrize("text", ["", "=a:b", "mix=", "mix=nocolon"])
def test_a_rule_without_client_and_port_is_refused(text):
    with pytest.raises(ValueError, match="pair=client:port"):
        Rule.parse(text)


def test_a_keeper_goes_on_with_the_next_server(own_server):
    formats = []

    def start(fmt):
        formats.append((fmt.rate, fmt.block))
        return Ramp()

    states = []
    keeper = Keeper(JackOutput(), start, states.append)
    keeper.begin()
    try:
        wait_for(lambda: keeper.state.name == "open")
        own_server.kill()
        wait_for(
            lambda: keeper.state.name == "waiting" and "no JACK server" in keeper.state.trouble
        )
        own_server.start(rate=44100, period=2048)
        wait_for(lambda: keeper.state.name == "open" and keeper.health()["frames"] > 44100 // 4)
    finally:
        keeper.close()
    assert formats == [(rig.RATE, rig.PERIOD), (44100, 2048)]
    assert keeper.state.losses == 1
    assert "stuck" not in {s.name for s in states}
    assert keeper.state.name == "closed"


class Frozen:
    """An output whose device stands still and can't be closed."""

    name = "frozen"

    def open(self, start):
        fmt = Format(48000, 2, 0.0, 64)
        start(fmt)
        return fmt

    def close(self):
        threading.Event().wait(30)

    def health(self):
        return Health("open", beat_s=0.0)

    def clock(self):
        return None


def test_an_output_that_can_not_be_closed_is_given_up(monkeypatch):
    monkeypatch.setattr(keeper_module, "_CLOSE_S", 0.05)
    states = []
    keeper = Keeper(Frozen(), lambda fmt: Ramp(), states.append)
    keeper.begin()
    wait_for(lambda: keeper.state.name == "stuck")
    assert [s.name for s in states] == ["open", "waiting", "stuck"]
    assert keeper.state.code == 402
