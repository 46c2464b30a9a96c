"""Many clients, silent clients, and clients that never read."""

import contextlib
import socket
import time

from patience import PATIENCE_S
from real_house import Ear

from bridge.protocol.framing import sized
from bridge.protocol.packets import encode


def _status_ms(ear):
    start = time.perf_counter()
    ear.ask("/punchin/status")
    return 1000 * (time.perf_counter() - start)


def test_two_hundred_idle_connections(house, capsys):
    with Ear(house) as ear:
        assert ear.run("generate", "warm1", "seconds", 0.1)[0] == "done"
        before = house.memory_bytes()
        idle = [socket.create_connection(("127.0.0.1", house.port)) for _ in range(200)]
        for n, line in enumerate(idle):
            # Some have begun a frame that never ends.
            line.sendall(b"\0\0\x10\0" + bytes(100) if n % 2 else b"")
        took = sorted(_status_ms(ear) for _ in range(100))
        assert ear.run("generate", "among1", "seconds", 0.1)[0] == "done"
        grown = house.memory_bytes() - before
        assert grown < 32 << 20
        for line in idle:
            line.close()
        assert ear.run("generate", "after1", "seconds", 0.1)[0] == "done"
    with capsys.disabled():
        print(
            f"\n  200 idle connections: status {took[50]:.2f} ms median, {took[98]:.2f} ms p99, "
            f"memory +{grown / 2**20:.1f} MiB"
        )


def test_a_client_that_never_reads_is_cut_off_and_nobody_else_waits(house):
    with Ear(house) as ear, socket.socket() as deaf:
        assert ear.run("generate", "warm2", "seconds", 0.1)[0] == "done"
        before = house.memory_bytes()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", house.port))
        deaf.settimeout(PATIENCE_S)
        ear.send("/punchin/describe")
        reply_bytes = len(ear.until("/punchin/describe.reply")[0])
        asked = (64 << 20) // reply_bytes
        deaf.sendall(sized(encode("/punchin/describe", [])) * asked)
        got = 0
        with contextlib.suppress(ConnectionError):
            # Each answer shows that another round of the loop is over; only then is there reading.
            for _ in range(200):
                ear.ask("/punchin/status")
            while data := deaf.recv(1 << 20):
                got += len(data)
        assert got < asked * reply_bytes, "8 MiB may wait, and what the system holds, not 64"
        assert ear.ask("/punchin/status")["state"] == "idle"
        assert house.memory_bytes() - before < 64 << 20
        assert ear.run("generate", "after2", "seconds", 0.1)[0] == "done"


def test_a_subscriber_that_never_reads_does_not_hold_up_a_job(house, source):
    with Ear(house) as ear, socket.socket() as deaf:
        deaf.connect(("127.0.0.1", house.port))
        deaf.sendall(sized(encode("/punchin/notify", [1])))
        for n in range(3):
            args = (source, "start", 0.2, "end", 0.6, "prompt", "wait 0.3", "takes", 2)
            assert ear.run("repaint", f"job{n}", *args)[0] == "done"


def test_a_connection_that_closes_cancels_nothing(house):
    with Ear(house) as ear:
        ear.send("/punchin/generate", "mine", "seconds", 0.1, "prompt", "wait 0.5")
        ear.until("/punchin/accepted", about="mine")
    with Ear(house) as other:
        args = ("seconds", 0.1, "prompt", "wait 0.5")
        assert other.run("generate", "mine", *args)[0] == "done"
    assert house.job("mine")["_runs"] == 1


def test_clients_that_come_and_go_leave_nothing_behind(house):
    with Ear(house) as ear:
        assert ear.run("generate", "warm5", "seconds", 0.1)[0] == "done"
        for _ in range(200):
            with Ear(house, notify=True) as guest:
                guest.ask("/punchin/jobs")
        before = house.memory_bytes()
        for _ in range(500):
            with Ear(house, notify=True) as guest:
                guest.ask("/punchin/jobs")
        assert house.memory_bytes() - before < 8 << 20
