"""What the JACK output is given is what another client hears, sample for sample."""

import contextlib
import subprocess
import sys
import threading

import numpy as np
import pytest
import rig
import soundfile
from ears import Listener
from patience import PATIENCE_S, in_time
from rig import wait_for
from sounds import SCALE, Begin, Broken, Diary, Ramp, assert_sung, numbers

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
def output(studio):
    made = []

    def make(*args, **more):
        made.append(studio.make(JackOutput, *args, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_another_client_hears_every_sample_of_every_pair(server, studio, listener, output):
    rules = [Rule.parse("mix=listener:in_[12]"), Rule.parse("vocals=listener:in_[34]")]
    out = output(("mix", "vocals"), rules)
    # The rules connect it before its first frame.
    got = out.open(studio.make(Begin))
    heard = listener.until(lambda block: np.abs(block[-1, 0]) >= 2 * server.rate * SCALE)
    late = out.health().underruns
    first = np.flatnonzero(heard[:, 0])[0]
    assert_sung(heard[first:], listener.missed(), late)
    assert numbers(heard)[0] == 1 or late or listener.missed()
    assert (got.rate, got.channels, got.pairs) == (server.rate, 4, ("mix", "vocals"))
    assert got.latency_s == pytest.approx(2 * server.period / server.rate, abs=0.05)


def test_a_client_of_another_make_records_the_same_samples(server, studio, output, tmp_path):
    rig.need("jack_capture")
    out = output()
    out.open(studio.make(Begin))
    wav = tmp_path / "heard.wav"
    ports = ["-p", "punchin:mix_l", "-p", "punchin:mix_r"]
    command = ["jack_capture", "-c", "2", *ports, "-f", "wav", "-b", "FLOAT", "-d", "2", str(wav)]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
    heard, rate = soundfile.read(wav, dtype="float32")
    assert rate == server.rate
    assert len(heard) > 1.5 * rate
    sounding = np.flatnonzero(heard[:, 0])
    assert_sung(heard[sounding[0] :], 0, out.health().underruns)


def test_ports_are_named_after_their_pairs(studio, listener, output):
    output(("mix", "stem one"), client_name="another").open(studio.make(Begin))
    assert set(listener.ear.outputs("another:.*")) == {
        f"another:{name}" for name in ("mix_l", "mix_r", "stem_one_l", "stem_one_r")
    }


def test_a_port_that_appears_later_is_connected_once(server, studio, output):
    out = output(connect=[Rule.parse("mix=late:in_*")])
    out.open(studio.make(Begin))
    late = Listener(2, "late")
    try:
        late.until(lambda block: np.all(np.any(block, axis=0)))
        late.ear.disconnect("punchin:mix_l", "late:in_1")
        other = Listener(2, "late-too")  # any change of ports makes the rules look again
        try:
            late.until(lambda block: not np.any(block[:, 0]) and np.any(block[:, 1]))
            frames = out.health().frames
            wait_for(lambda: out.health().frames > frames + server.rate)
            assert late.ear.sources(1) == ["punchin:mix_r"]
            assert late.ear.sources(0) == []
        finally:
            other.close()
    finally:
        late.close()


def test_a_port_of_a_client_that_is_still_starting_is_connected_when_it_runs(
    server, studio, output
):
    out = output(connect=[Rule.parse("mix=late:in_*")])
    out.open(studio.make(Begin))
    late = Listener(2, "late", active=False)
    try:
        frames = out.health().frames
        wait_for(lambda: out.health().frames > frames + server.rate)
        late.ear.activate()
        late.until(lambda block: np.all(np.any(block, axis=0)))
    finally:
        late.close()


def test_a_slow_render_function_is_heard_as_silence_and_counted(server, studio, listener):
    """From a quarter of a second on nothing comes for a while, then it goes on where it was."""

    def attempt(_number):
        listener.until(lambda block: not np.any(block))
        listener.clear()
        ramp = studio.make(Ramp, 2, server.rate // 4)
        out = studio.make(JackOutput, connect=[Rule.parse("mix=listener:in_[12]")])
        out.open(studio.make(Begin, ramp))
        try:
            listener.until(lambda block: np.any(block))
            listener.until(lambda block: not np.any(block))
            wait_for(lambda: out.health().underruns >= 3)
            ramp.go_on()
            heard = listener.until(lambda block: np.abs(block[-1, 0]) > server.rate // 2 * SCALE)
            late = out.health().underruns
        finally:
            ramp.go_on()
            out.close()
        first = np.flatnonzero(heard[:, 0])[0]
        silent = np.count_nonzero(heard[first:, 0] == 0)
        assert silent >= server.period
        assert abs(silent - late * server.period) <= server.period
        assert_sung(heard[first:, :2], listener.missed(), late)

    in_time(attempt)


def test_a_render_function_that_fails_ends_the_output(studio, output):
    out = output()
    out.open(studio.make(Begin, studio.make(Broken)))
    wait_for(lambda: out.health().state == "lost")
    assert "no such sound" in out.health().trouble


def _opened(out, begin):
    """Open an output on a server that has just begun, which may be too busy to answer at first."""
    got = []

    def attempt():
        with contextlib.suppress(OutputError):
            got.append(out.open(begin))
        return got

    wait_for(attempt)
    return got[0]


def test_the_end_of_the_server_is_noticed_and_another_one_joined(own_server, own_studio):
    out, begin = own_studio.make(JackOutput), own_studio.make(Begin)
    _opened(out, begin)
    wait_for(lambda: out.health().frames > 0)
    own_server.kill()
    wait_for(lambda: out.health().state == "lost")
    assert "server" in out.health().trouble
    out.close()
    with pytest.raises(OutputError, match=r"start one .*\(qjackctl"):
        out.open(begin)
    own_server.start(rate=44100, period=512)
    got = _opened(out, begin)
    assert (got.rate, got.block) == (44100, 512)
    wait_for(lambda: out.health().frames > 4410)


def test_the_clock_tells_when_a_frame_is_heard(server, studio, listener, output):
    """The listener's blocks reach it in the cycle in which they are played."""
    out = output(connect=[Rule.parse("mix=listener:in_[12]")])
    got = out.open(studio.make(Begin))
    listener.until(np.any)

    def attempt(_number):
        """Of half a second: where the machine stands still the server does."""
        listener.clear()
        enough = out.health().frames + server.rate // 2
        wait_for(lambda: out.health().frames > enough)
        clock = out.clock()
        late_s = [
            at_s - clock.heard_at(int(found[0]) - 1, got.rate)
            for at_s, block in listener.arrivals()
            if len(found := numbers(block)) == len(block)
        ]
        assert len(late_s) > 20
        assert np.median(np.abs(late_s)) <= got.block / got.rate

    in_time(attempt)


_SET_PERIOD = "import jack, sys; jack.Client('setter').blocksize = int(sys.argv[1])"


def test_latency_follows_the_period_of_the_server(own_server, own_studio):
    """Unconnected ports keep step with the outputs, which are a period away on this driver."""
    begin = own_studio.make(Begin)
    keeper = own_studio.make(Keeper, own_studio.make(JackOutput), begin)
    keeper.begin()
    wait_for(lambda: keeper.see("state").name == "open" and keeper.health()["frames"] > 0)
    latency_s = lambda: keeper.health()["latency_s"]  # noqa: E731
    assert latency_s() == 3 * rig.PERIOD / rig.RATE
    for period in (256, 2048):
        command = [sys.executable, "-c", _SET_PERIOD, str(period)]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
        wait_for(lambda period=period: latency_s() == 3 * period / rig.RATE)
        frames = keeper.health()["frames"]
        wait_for(lambda frames=frames: keeper.health()["frames"] > frames + rig.RATE // 4)
    keeper.close()
    assert len(begin.see("formats")) == 1


def test_no_server_is_told_with_the_mend(no_server):
    rig.need("jack")
    with pytest.raises(OutputError) as told:
        JackOutput().open(lambda fmt: Ramp())
    assert told.value.code == 402
    assert "\n" not in told.value.message


def test_a_missing_library_is_told_with_the_mend(monkeypatch):
    monkeypatch.setitem(sys.modules, "jack", None)
    with pytest.raises(OutputError, match=r"pip install .punchin\[live\]"):
        JackOutput().open(lambda fmt: Ramp())


def test_a_keeper_goes_on_with_the_next_server(own_server, own_studio):
    begin, diary = own_studio.make(Begin), own_studio.make(Diary)
    keeper = own_studio.make(Keeper, own_studio.make(JackOutput), begin, diary)
    keeper.begin()
    state = lambda: keeper.see("state")  # noqa: E731
    wait_for(lambda: state().name == "open")
    own_server.kill()
    wait_for(lambda: state().name == "waiting" and "no JACK server" in state().trouble)
    own_server.start(rate=44100, period=2048)
    wait_for(lambda: state().name == "open" and keeper.health()["frames"] > 44100 // 4)
    keeper.close()
    formats = [(fmt.rate, fmt.block) for fmt in begin.see("formats")]
    assert formats == [(rig.RATE, rig.PERIOD), (44100, 2048)]
    assert state().losses == 1
    assert "stuck" not in {s.name for s in diary.see("states")}
    assert state().name == "closed"


class Frozen:
    """An output whose device stands still and can't be closed."""

    name = "frozen"

    def open(self, start):
        fmt = Format(48000, 2, 0.0, 64)
        start(fmt)
        return fmt

    def close(self):
        threading.Event().wait(PATIENCE_S)

    def health(self):
        return Health("open", beat_s=0.0)

    def clock(self):
        return None


class Shy(Frozen):
    """An output that refuses at first, with an error of its library."""

    def __init__(self):
        self._tries = 0

    def open(self, start):
        self._tries += 1
        if self._tries < 3:
            raise RuntimeError("'mix_l': port registration failed")
        return super().open(start)

    def close(self):
        pass

    def health(self):
        return Health("open", beat_s=float("inf"))


def test_a_library_that_refuses_is_told_and_asked_again():
    states = []
    keeper = Keeper(Shy(), lambda fmt: Ramp(), states.append)
    keeper.begin()
    wait_for(lambda: keeper.state.name == "open")
    keeper.close()
    assert [s.name for s in states] == ["waiting", "waiting", "open", "closed"]
    assert states[0].code == 402
    assert "port registration failed" in states[0].trouble
    assert states[2].trouble == ""


def test_an_output_that_can_not_be_closed_is_given_up(monkeypatch):
    monkeypatch.setattr(keeper_module, "_CLOSE_S", 0.05)
    states = []
    keeper = Keeper(Frozen(), lambda fmt: Ramp(), states.append)
    keeper.begin()
    wait_for(lambda: keeper.state.name == "stuck")
    assert [s.name for s in states] == ["open", "waiting", "stuck"]
    assert keeper.state.code == 402
