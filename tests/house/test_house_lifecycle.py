"""Section 1 and `/punchin/quit`: daemon.json, one daemon a home, and how it stops."""

import json
import signal
import subprocess
import sys

from house_wire import Udp, bundle, packet
from wire_house import environment

from bridge.version import VERSION
from daemon.core.bus import Bus


def test_daemon_json_says_who_answers_where(house):
    facts = json.loads((house.home / "daemon.json").read_text())
    assert facts == {
        "pid": house.process.pid,
        "host": "127.0.0.1",
        "port": house.port,
        "protocol": 1,
        "version": VERSION,
    }
    with house.udp() as udp:
        udp.send("/punchin/version")
        assert udp.until("version.reply").args == [1, VERSION]


def test_a_second_daemon_names_the_first_and_leaves_it_alone(house):
    command = [sys.executable, "-m", "bridge", "serve", "--port", "0", "--engine", "fake"]
    env = environment(house.home)
    second = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert str(house.process.pid) in second.stderr
    assert str(house.port) in second.stderr
    assert house.facts()["pid"] == house.process.pid
    with house.udp() as udp:
        udp.send("/punchin/version")
        assert udp.until("version.reply")


def test_a_port_that_is_taken_is_told(house, tmp_path):
    command = [sys.executable, "-m", "bridge", "serve", "--port", str(house.port)]
    env = environment(tmp_path)
    second = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert str(house.port) in second.stderr
    assert not (tmp_path / "daemon.json").exists()


def test_quit_ends_every_job_with_its_event_and_then_the_daemon(make_house, make_wav):
    house = make_house()
    path = make_wav()
    with house.tcp() as asks, house.udp() as watch, house.tcp() as quits:
        watch.send("/punchin/notify", 1)
        watch.quiet()
        asks.send("/punchin/bgm", "runs", path, "prompt", "wait 60")
        asks.send("/punchin/bgm", "waits", path)
        asks.until("started", id="runs")
        quits.send("/punchin/quit")
        assert quits.until("done").args == ["quit", "{}"]
        for job_id in ("runs", "waits"):
            assert asks.events(job_id)[-1].name == "cancelled"
            assert watch.events(job_id)[-1].name == "cancelled"
            assert house.job(job_id)["state"] == "cancelled"
    assert house.process.wait(20) == 0
    assert not (house.home / "daemon.json").exists()


def test_quit_cancels_also_what_came_just_before_it(make_house, make_wav):
    house = make_house()
    with house.tcp() as tcp:
        job = packet("/punchin/bgm", "late", make_wav(), "prompt", "wait 60")
        tcp.put(bundle(job, packet("/punchin/quit")))
        order = [tcp.until("accepted", "cancelled", "done").name for _ in range(3)]
        assert order == ["accepted", "cancelled", "done"]
        assert tcp.seen[-1].args == ["quit", "{}"]
    assert house.process.wait(20) == 0
    assert house.job("late")["state"] == "cancelled"


def test_quit_by_mailbox_stops_once(make_house):
    house = make_house()
    message = {"address": "/punchin/quit", "args": []}
    part = house.home / "inbox" / "part"
    part.write_text(json.dumps(message))
    part.replace(house.home / "inbox" / "stop.json")
    assert house.process.wait(20) == 0
    assert not list((house.home / "inbox").iterdir())
    answer = json.loads((house.home / "outbox" / "stop.json").read_text())
    assert answer == [{"address": "/punchin/done", "args": ["quit", "{}"]}]


def test_sigterm_keeps_the_queue_for_the_next_start(make_house, make_wav):
    house = make_house()
    path = make_wav()
    with house.tcp() as tcp:
        tcp.send("/punchin/bgm", "runs", path, "prompt", "wait 0.5", "seed", 5)
        tcp.send("/punchin/bgm", "waits", path, "slot", "Main")
        tcp.until("started", id="runs")
        tcp.until("accepted", id="waits")
    house.process.send_signal(signal.SIGTERM)
    assert house.process.wait(20) == 0
    assert not (house.home / "daemon.json").exists()
    assert house.job("runs")["state"] == house.job("waits")["state"] == "queued"
    again = make_house()
    with again.tcp() as tcp:
        # Also after a restart a slot holds one job, and a resend is told how it stands.
        tcp.send("/punchin/bgm", "newer", path, "slot", "main")
        tcp.send("/punchin/bgm", "waits", path, "slot", "Main")
        assert tcp.events("newer")[-1].name == "done"
        assert tcp.events("waits")[-1].name == "cancelled"
        tcp.send("/punchin/bgm", "runs", path, "prompt", "wait 0.5", "seed", 5)
        assert tcp.events("runs")[-1].name == "done"


def test_a_killed_daemon_leaves_its_home_usable(make_house, make_wav):
    house = make_house()
    with house.tcp() as tcp:
        tcp.send("/punchin/bgm", "runs", make_wav(), "prompt", "wait 0.3")
        tcp.until("started", id="runs")
    house.process.kill()
    house.process.wait()
    assert (house.home / "daemon.json").exists()
    again = make_house()
    assert again.facts()["pid"] == again.process.pid
    with again.udp() as udp:
        udp.send("/punchin/notify", 1)
        udp.send("/punchin/cancel", "runs")
        udp.until("cancelled", "done", id="runs")


# -- the lease -------------------------------------------------------------------------------------


class Ear:
    """A listener that keeps what it is sent."""

    def __init__(self, key, leased=True):
        self.key, self.leased, self.heard = key, leased, []

    def send(self, address, *args, instead=None):
        self.heard.append((address, *args))


def test_a_udp_subscription_lapses_120_s_after_the_last_message():
    now = [0.0]
    bus, ear = Bus(lambda: now[0]), Ear("a")
    bus.subscribe("a", ear)
    now[0] = 119.9
    assert bus.audience("j") == [ear]
    bus.heard_from("a")
    now[0] = 239.8
    assert bus.audience("j") == [ear]
    now[0] = 240.0
    assert bus.audience("j") == []


def test_a_lease_at_another_port_lives_by_its_clients_messages():
    now = [0.0]
    bus, ear = Bus(lambda: now[0]), Ear("other port")
    bus.subscribe("client", ear)
    now[0] = 100.0
    bus.heard_from("client")
    now[0] = 210.0
    assert bus.audience("j") == [ear]
    bus.unsubscribe("client")
    assert bus.audience("j") == []


def test_a_sender_hears_its_job_without_a_lease_and_once():
    now = [0.0]
    bus, ear = Bus(lambda: now[0]), Ear("a")
    bus.subscribe("a", ear)
    bus.follow("J", Ear("a"))
    assert len(bus.audience("j")) == 1
    now[0] = 500.0
    assert [e.key for e in bus.audience("j")] == ["a"]
    bus.unfollow("j")
    assert bus.audience("j") == []


def test_a_tcp_subscription_has_no_lease():
    now = [0.0]
    bus, ear = Bus(lambda: now[0]), Ear("a", leased=False)
    bus.subscribe("a", ear)
    now[0] = 1e6
    assert bus.audience("j") == [ear]
    bus.forget("a")
    assert bus.audience("j") == []


def test_a_message_of_any_kind_keeps_the_lease(house):
    with Udp(house.port) as udp:
        udp.send("/punchin/notify", 1)
        udp.error("/punchin/nothing")
        udp.send("/punchin/notify", False)
        assert udp.quiet() == []
