"""Noise: 100,000 random and mutated packets over UDP and TCP, and streams that are no OSC at all.

The daemon goes on, its memory stays, nobody is flooded with replies, and no job comes of it.
"""

import contextlib
import random
import re
import select
import socket
import struct
import time

import pytest
from patience import PATIENCE_S
from real_house import Ear

from bridge.protocol.commands import COMMAND, COMMANDS
from bridge.protocol.errors import PunchinError
from bridge.protocol.framing import Framer, sized, slip
from bridge.protocol.ops import KEYS, OPS
from bridge.protocol.packets import decode, encode, encode_bundle

PACKETS = 100_000
BATCH = 250
NOISE_A_SECOND = 20
MOST_GROWTH_BYTES = 48 << 20
# These would end or slow down the test, not the daemon; each has tests of its own.
SPARED = ("/punchin/quit", "/punchin/dump")
CHOSEN_ID = re.compile(r"[a-z]+-\d{8}-\d{6}-[0-9a-f]{4}")
TEXTS = {
    "map": '[[0.0,120.0,4,4,0],[8.0,90.0,3,4,1]]',
    "name": "nobody",  # a change of engine takes its time
    "launch": "bar",
    "when": "bar",
    "meter": "4/4",
    "key": "C# minor",
    "format": "wav24",
    "side": "both",
    "track": "drums",
    "stems": "drums,bass",
    "sinks": "file",
    "of": "nobody:1",
    "engine": "fake",
    "preset": "no-drums",
    "tempomap": "[[0,120,4,4]]",
}  # fmt: skip


def _value(chance, name, osc):
    if osc in "fd":
        return round(chance.uniform(0.1, 1.0), 3)
    if osc in "ih":
        return chance.randint(1, 4)
    if name in ("source", "folder", "lyrics_file", "reference", "plan"):
        return "/nowhere/at all.wav"
    if name == "op":
        return chance.choice([op.name for op in OPS])
    if name == "id":
        return chance.choice(["*", "noise", f"n{chance.randrange(1000)}"])
    return TEXTS.get(name, "some words")


def _sound_packet(chance, row):
    """A packet that obeys a row of the table; its source does not exist, so no job comes of it."""
    args = [
        _value(chance, arg.name, arg.kind.osc)
        for arg in row.args
        if not arg.optional or row.op or chance.random() < 0.5
    ]
    if row.keys:
        for key in chance.sample(KEYS, chance.randint(0, 4)):
            if key.name not in ("folder", "lyrics_file"):
                args += [key.name, _value(chance, key.name, key.kind.osc)]
    return encode(row.address, args)


def _mutant(chance, packet):
    data = bytearray(packet)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data)) if data else 0
        way = chance.choice((0, 0, 0, 1, 1, 2, 3, 4, 5))
        if way == 0 and data:
            data[at] ^= 1 << chance.randrange(8)
        elif way == 1 and data:
            data[at] = chance.choice((0, 0x2C, 0x2F, 0x5B, 0x62, 0x7F, 0x80, 0xC0, 0xFF))
        elif way == 2:
            del data[at : at + 4 * chance.randint(1, 3)]
        elif way == 3:
            data[at:at] = chance.randbytes(4 * chance.randint(1, 3))
        elif way == 4:
            data = data[:at]
        else:
            data[at:at] = data[chance.randrange(len(data) + 1) :][:64]
    return bytes(data)


def _packets(seed, count):
    """Noise, mutants of every row, and bundles of mutants; never one that is spared."""
    chance = random.Random(seed)
    rows = [row for row in COMMANDS if row.address not in SPARED]
    made = 0
    while made < count:
        row = rows[made % len(rows)]
        kind = chance.random()
        if kind < 0.2:
            packet = chance.randbytes(chance.randint(0, 200))
        elif kind < 0.3:
            parts = [_sound_packet(chance, chance.choice(rows)) for _ in range(3)]
            packet = _mutant(chance, encode_bundle(parts))
        else:
            packet = _mutant(chance, _sound_packet(chance, row))
        heard = _heard(packet)
        if not any(address in SPARED for address, _ in heard):
            made += 1
            yield packet, heard


def _heard(packet):
    """The messages that a packet holds; none if it is not OSC."""
    try:
        return [message for group in decode(packet) for message in group.messages]
    except PunchinError:
        return []


class Tally:
    """What was sent that may have an answer, and what came back."""

    def __init__(self):
        self.messages = self.replies = self.packets = 0
        self.ids = set()
        self.chosen = 0

    def sent(self, heard):
        self.packets += 1
        self.messages += len(heard)
        for address, args in heard:
            row = COMMAND.get(address)
            if row and row.op and args:
                self.ids.add(str(args[0]).lower())
            self.chosen += bool(row and (row.op or address == "/punchin/do"))

    def answered(self, packet):
        for address, args in _heard(packet):
            self.replies += not (address == "/punchin/part" and args[1] > 0)


class Udp:
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.connect(("127.0.0.1", port))

    def send(self, packet):
        self.socket.send(packet)

    def receive(self):
        return [self.socket.recv(1 << 16)]


class Tcp:
    def __init__(self, port, slipped):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.framer = Framer()
        self.frame = slip if slipped else sized

    def send(self, packet):
        self.socket.sendall(self.frame(packet))

    def receive(self):
        data = self.socket.recv(1 << 16)
        assert data, "the daemon closed a connection whose frames were in order"
        return self.framer.feed(data)


def _catch_up(client, number, tally):
    """Read until the daemon has handled all that was sent so far."""
    mark = f"mark-{number}"
    client.send(encode("/punchin/job", [mark]))
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if not select.select([client.socket], [], [], 2.0)[0]:
            client.send(encode("/punchin/job", [mark]))  # a datagram may be lost
            continue
        packets = client.receive()
        for packet in packets:
            tally.answered(packet)
        if any(mark.encode() in packet for packet in packets):
            return
    raise AssertionError("the daemon does not answer any more")


def _pour(client, seed, count):
    tally = Tally()
    start = time.monotonic()
    for n, (packet, heard) in enumerate(_packets(seed, count)):
        client.send(packet)
        tally.sent(heard)
        if n % BATCH == BATCH - 1:
            _catch_up(client, n, tally)
    _catch_up(client, "end", tally)
    client.socket.close()
    return tally, time.monotonic() - start


def test_a_sound_packet_of_every_row_is_understood():
    """Otherwise the mutants below would test less than they seem to."""
    chance = random.Random(1)
    for row in COMMANDS:
        ((address, _args),) = _heard(_sound_packet(chance, row))
        assert address == row.address


def test_a_hundred_thousand_packets(open_house, capsys):
    house = open_house()
    with Ear(house) as ear:
        ear.run("generate", "before", "seconds", 0.1)
        # What is made once (tables, buffers) is made before the measurement.
        _pour(Udp(house.port), 1, 2 * BATCH)
        before = house.memory_bytes()
        lines = []
        ids, chosen, packets = {"before", "after"}, 0, 0
        ways = [
            ("UDP", Udp(house.port), PACKETS // 2),
            ("TCP, sized frames", Tcp(house.port, False), PACKETS // 4),
            ("TCP, SLIP", Tcp(house.port, True), PACKETS // 4),
        ]
        for seed, (name, client, count) in enumerate(ways):
            tally, took_s = _pour(client, seed, count)
            noise = NOISE_A_SECOND * (took_s + 2)
            marks = 2 * (count // BATCH + 1)
            # One answer to each message, and what follows a job that a mutant did start.
            assert tally.replies <= tally.messages + noise + marks + 20 * len(house.job_ids())
            ids |= tally.ids
            chosen += tally.chosen
            packets += tally.packets
            lines.append(
                f"{name}: {count:,} packets in {took_s:.1f} s, of them {tally.messages:,} "
                f"messages; {tally.replies:,} replies"
            )
        assert packets == PACKETS
        ear.send("/punchin/cancel", "*")
        ear.send("/punchin/reset")
        assert ear.run("generate", "after", "seconds", 0.1)[0] == "done"
        grown = house.memory_bytes() - before
        assert grown < MOST_GROWTH_BYTES, f"memory grew by {grown / 2**20:.0f} MiB"
        for job_id in house.job_ids():
            assert job_id.lower() in ids or (chosen and CHOSEN_ID.fullmatch(job_id)), job_id
    assert "Traceback" not in house.log()
    with capsys.disabled():
        print("".join(f"\n  {line}" for line in lines))
        print(f"  memory grew by {grown / 2**20:.1f} MiB; {len(house.job_ids())} job folders")


def test_streams_that_are_no_osc_at_all(house):
    chance = random.Random(3)
    for n in range(300):
        with socket.create_connection(("127.0.0.1", house.port)) as line:
            line.settimeout(PATIENCE_S)
            start = b"\xc0" if n % 3 == 0 else b""
            with contextlib.suppress(OSError):
                line.sendall(start + chance.randbytes(chance.randint(1, 5000)))
                line.shutdown(socket.SHUT_WR)
                while line.recv(1 << 16):
                    pass
    with Ear(house) as ear:
        assert ear.run("generate", "after-streams", "seconds", 0.1)[0] == "done"


@pytest.mark.parametrize("length", [(1 << 20) + 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_an_oversized_frame_closes_its_connection(house, length):
    with Ear(house) as ear:
        ear.socket.sendall(struct.pack(">I", length) + bytes(100))
        assert ear.until("/punchin/error")[0] == 106
        assert ear.next() is None
        assert select.select([ear.socket], [], [], PATIENCE_S)[0]
        with contextlib.suppress(ConnectionError):
            assert ear.socket.recv(1) == b""
    with Ear(house) as ear:
        assert ear.ask("/punchin/status")["state"] in ("idle", "starting")


def test_a_slip_frame_without_an_end_closes_its_connection(house):
    before = house.memory_bytes()
    with socket.create_connection(("127.0.0.1", house.port)) as line:
        line.settimeout(PATIENCE_S)
        endless = b"\xc0" + bytes([1]) * (64 << 20)
        with pytest.raises(ConnectionError):  # the daemon hangs up before all of it is sent
            line.sendall(endless)
    assert house.memory_bytes() - before < 32 << 20
    with Ear(house) as ear:
        assert ear.ask("/punchin/status")["state"] in ("idle", "starting")


def test_a_frame_of_a_mebibyte_arrives_whole(house):
    lyrics = "x" * (256 << 10)
    with Ear(house) as ear:
        ear.send("/punchin/lyrics", lyrics)
        ear.send("/punchin/prompt", lyrics)
        context = ear.ask("/punchin/context")
        assert context["lyrics"] == context["prompt"] == lyrics
        ear.send("/punchin/lyrics", lyrics + "x")
        assert ear.until("/punchin/error")[0] == 106
