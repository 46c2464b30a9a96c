"""Section 1 and `/punchin/quit`: daemon.json, one daemon a home, and how it stops."""

import json
import signal
import subprocess
import sys

from house_wire import bundle, packet
from patience import PATIENCE_S
from wire_house import environment

from bridge.version import VERSION


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
    second = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE_S)
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
    second = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE_S)
    assert second.returncode == 1
    assert str(house.port) in second.stderr
    assert not (tmp_path / "daemon.json").exists()


def test_quit_by_mailbox_stops_once(make_house):
    house = make_house()
    message = {"address": "/punchin/quit", "args": []}
    part = house.home / "inbox" / "part"
    part.write_text(json.dumps(message))
    part.replace(house.home / "inbox" / "stop.json")
    assert house.process.wait(PATIENCE_S) == 0
    assert not list((house.home / "inbox").iterdir())
    answer = json.loads((house.home / "outbox" / "stop.json").read_text())
    assert answer == [{"address": "/punchin/done", "args": ["quit", "{}"]}]


def test_quit_ends_every_job_with_its_event_and_then_the_daemon(make_house, make_wav):
    house = make_house()
    path = make_wav()
    with house.tcp() as asks, house.udp() as watch, house.tcp() as quits:
        watch.send("/punchin/notify", 1)
        watch.quiet()
        asks.send("/punchin/bgm", "runs", path, "prompt", "wait 600")
        asks.send("/punchin/bgm", "waits", path)
        asks.until("started", id="runs")
        late = packet("/punchin/bgm", "late", path, "prompt", "wait 600")
        quits.put(bundle(late, packet("/punchin/quit")))
        order = [quits.until("accepted", "cancelled", "done").name for _ in range(3)]
        assert order == ["accepted", "cancelled", "done"]
        assert quits.seen[-1].args == ["quit", "{}"]
        for client, job_id in ((asks, "runs"), (asks, "waits"), (quits, "late")):
            assert client.events(job_id)[-1].name == "cancelled"
            assert watch.events(job_id)[-1].name == "cancelled"
            assert house.job(job_id)["state"] == "cancelled"
    assert house.process.wait(PATIENCE_S) == 0
    assert not (house.home / "daemon.json").exists()


def test_sigterm_and_a_crash_keep_the_queue_but_not_the_context(make_house, make_wav, tmp_path):
    house = make_house()
    path, go = make_wav(), tmp_path / "go"
    again = ("/punchin/bgm", "runs", path, "prompt", f"hold {go}", "seed", 5)
    with house.tcp() as tcp:
        tcp.send("/punchin/prompt", "gone soon")
        tcp.send(*again)
        tcp.send("/punchin/bgm", "waits", path, "slot", "Main")
        tcp.until("started", id="runs")
        tcp.until("accepted", id="waits")
    house.process.send_signal(signal.SIGTERM)
    assert house.process.wait(PATIENCE_S) == 0
    assert not (house.home / "daemon.json").exists()
    assert house.job("runs")["state"] == house.job("waits")["state"] == "queued"

    house = make_house()
    with house.tcp() as tcp:
        assert tcp.ask("context")["prompt"] is None
        # Also after a restart a slot holds one job, and a resend is told how it stands.
        tcp.send("/punchin/bgm", "newer", path, "slot", "main", "prompt", "wait 600")
        tcp.send("/punchin/bgm", "waits", path, "slot", "Main")
        assert tcp.events("waits")[-1].name == "cancelled"
        go.touch()
        tcp.send(*again)
        assert tcp.events("runs")[-1].name == "done"
        tcp.until("started", id="newer")
    house.process.kill()
    house.process.wait()
    assert (house.home / "daemon.json").exists()

    house = make_house()
    assert house.facts()["pid"] == house.process.pid
    with house.tcp() as tcp:
        tcp.send("/punchin/cancel", "newer")
        assert tcp.events("newer")[-1].name == "cancelled"
        tcp.send(*again)
        assert tcp.events("runs")[-1].name == "done"
