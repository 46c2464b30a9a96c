"""The process that holds the ports, played by a small program; and ports that come and go."""

import asyncio
import sys

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE_S

from bridge.midi import backends
from bridge.midi.arrival import Arrival
from bridge.midi.porter import HEAD, MESSAGE, STATE, Frames, framed
from bridge.midi.ports import Ports
from bridge.protocol.errors import PunchinError
from daemon.frontends.midi_porter import PorterLink

# It imports nothing that takes long to load: a process that is silent for long is replaced.
PLAYED = f"""
import json, struct, sys, threading
MESSAGE, STATE, HEAD = {MESSAGE}, {STATE}, struct.Struct({HEAD.format!r})
out = sys.stdout.buffer
told = json.loads(sys.stdin.buffer.readline())
state = {{"inputs": ["pad"], "open": ["pad"], "outputs": ["lamp"], "problem": None}}

def framed(kind, port, came_s, body):
    return HEAD.pack(kind, port, came_s, len(body)) + body

out.write(framed(STATE, 0, 0.0, json.dumps(state).encode()))
out.write(framed(MESSAGE, 0, 12.5, bytes((0x90, 36, told["key"]))))
out.flush()
if told["dies"]:
    sys.exit(1)
if told["hangs"]:
    threading.Event().wait()
for line in sys.stdin.buffer:
    order = json.loads(line)
    out.write(framed(MESSAGE, 0, 0.0, bytes.fromhex(order["send"])))
    out.flush()
"""


async def play(work, hung_s=PATIENCE_S, **told):
    heard, news = asyncio.Queue(), asyncio.Event()
    link = PorterLink(
        {"key": 77, "dies": False, "hangs": False, **told},
        lambda *row: heard.put_nowait(row),
        news.set,
        (sys.executable, "-S", "-c", PLAYED),
        hung_s,
    )
    running = asyncio.ensure_future(link.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await work(link, heard)
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert link._process is None


def test_messages_cross_with_port_and_time_and_back():
    async def work(link, heard):
        assert await heard.get() == ("pad", b"\x90\x24\x4d", 12.5)
        assert (link.names("in"), link.names("out"), link.problem()) == (["pad"], ["lamp"], None)
        link.send(b"\x90\x24\x15")
        return await heard.get()

    assert asyncio.run(play(work)) == ("pad", b"\x90\x24\x15", 0.0)


def test_a_process_that_dies_is_started_again():
    async def work(link, heard):
        await heard.get()
        await heard.get()
        return link.starts

    assert asyncio.run(play(work, dies=True)) == 2


def test_a_process_that_hangs_is_killed_and_replaced(caplog):
    async def work(link, heard):
        found = []
        while len(set(found)) < 2:
            await heard.get()
            if link._process:
                found.append(link._process.pid)
        return found[0]

    first = asyncio.run(play(work, hung_s=1.0, hangs=True))
    assert not psutil.pid_exists(first)
    assert "hangs" in caplog.text


@given(
    st.lists(
        st.tuples(st.integers(0, 255), st.floats(0, 1e9), st.binary(max_size=50)), max_size=20
    ),
    st.integers(1, 40),
)
@settings(deadline=None, max_examples=60)
def test_frames_come_whole_however_the_pipe_cuts_them(rows, size):
    data = b"".join(framed(MESSAGE, port, t, body) for port, t, body in rows)
    frames, found = Frames(), []
    for at in range(0, len(data), size):
        found += [(f.port, f.came_s, f.body) for f in frames.feed(data[at : at + size])]
    assert found == rows


# -- ports that come and go ------------------------------------------------------------------------


class System:
    """A MIDI system that is a list of names; stands for the module rtmidi."""

    API_LINUX_ALSA, API_UNIX_JACK = 1, 2

    def __init__(self):
        self.names, self.open, self.sent, self.queues = [], [], [], {}
        self.missing = False
        system = self

        class Client:
            def __init__(self, api, name, queue_size_limit=0):
                if system.missing:
                    raise SystemError("error creating ALSA sequencer client object.")
                self.port = None

            def ignore_types(self, **wanted):
                assert not wanted["timing"]
                assert not wanted["sysex"]

            def get_ports(self):
                return list(system.names)

            def open_port(self, index, label):
                self.port = system.names[index]
                system.open.append(self.port)

            def open_virtual_port(self, label):
                self.port = "virtual"
                system.open.append("virtual")

            def get_message(self):
                waiting = system.queues.get(self.port)
                return waiting.pop(0) if waiting else None

            def send_message(self, data):
                system.sent.append((self.port, bytes(data)))

            def delete(self):
                if self.port in system.open:
                    system.open.remove(self.port)

        self.MidiIn = self.MidiOut = Client

    def get_compiled_api(self):
        return [self.API_LINUX_ALSA]


@pytest.fixture
def system(monkeypatch):
    made = System()
    monkeypatch.setitem(sys.modules, "rtmidi", made)
    return made


def make(inputs=(), outputs=(), heard=None):
    return Ports(inputs, outputs, "auto", lambda p, m: heard.append((p, m)), clock=lambda: 5.0)


def test_where_any_input_will_do_none_is_told_as_none(system):
    ports = make(("",))
    ports.look()
    assert ports.problem().message.startswith("no MIDI input: connect it")


def test_ports_are_found_by_a_part_of_their_name_when_they_appear(system):
    ports = make(("launch",), ())
    assert ports.look() is None
    assert "no MIDI input named like 'launch'" in ports.problem().message
    assert ports.problem().code == 403
    system.names = ["Through", "Launchpad X 20:0"]
    ports.look()
    assert (system.open, ports.problem()) == (["Launchpad X 20:0"], None)
    ports.look()
    assert len(system.open) == 1
    system.names = ["Through"]
    ports.look()
    assert (system.open, ports.names("in")) == ([], [])
    assert ports.problem().code == 403


def test_an_own_port_is_made_on_request(system):
    ports = make(("virtual",), ())
    ports.look()
    assert system.open == ["virtual"]
    assert ports.problem() is None


def test_messages_are_cut_and_timed_and_lights_go_to_their_port(system):
    heard = []
    system.names = ["pad", "desk"]
    ports = make(("pad",), ("pad", "desk"), heard)
    ports.look()
    system.queues["pad"] = [([0x90, 1, 2, 3, 4], 0.0), ([0xF8], 0.25)]
    ports.read()
    ((port, messages),) = heard
    assert port == "pad"
    assert [m.hex() for m, _ in messages] == ["900102", "900304", "f8"]
    assert messages[1][1] <= messages[2][1] == 5.0
    assert ports.send(b"\x90\x01\x02", "DESK") == 1
    assert ports.send(b"\x90\x01\x02", "DESK", ["pad"]) == 0
    assert system.sent == [("desk", b"\x90\x01\x02")]


def test_a_machine_without_a_sequencer_is_told_how_to_mend_it(system):
    system.missing = True
    told = make(("pad",)).look()
    assert told.code == 403
    assert "modprobe snd-seq" in told.message
    system.missing, system.names = False, ["pad"]
    ports = make(("pad",))
    assert ports.look() is None
    assert system.open == ["pad"]


def test_a_system_that_is_not_built_in_is_named(system):
    with pytest.raises(PunchinError, match=r"set midi\.backend to alsa") as told:
        backends.available("coremidi")
    assert told.value.code == 403


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(PunchinError, match=r"punchin\[live\]") as told:
        backends.listing()
    assert told.value.code == 403


def test_stamps_put_late_reading_right():
    arrival, came = Arrival(), []
    read_late = (0.0, 0.0019, 0.0003, 0.05, 0.0, 0.001)
    for i, late_s in enumerate(read_late):
        came.append(arrival.at(0.0 if i == 0 else 0.02, 10 + 0.02 * i + late_s))
    assert came == pytest.approx([10 + 0.02 * i for i in range(6)])


def test_lost_stamps_are_made_good_within_two_seconds():
    arrival = Arrival()
    for i in range(50):
        arrival.at(0.02 if i else 0.0, 10 + 0.02 * i)
    for i in range(150):  # half a second of stamps never came
        last = arrival.at(0.02, 11.5 + 0.02 * i)
    assert last == pytest.approx(11.5 + 0.02 * 149)
