"""Daemons that are away, die, come back, or speak another tongue; answers that are lost."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from stage import takes, with_clip
from wire_house import House

from bridge.ableton.Punchin import link, osc, sending, udp


class Clock:
    """Seconds that pass as told; a tick is 100 ms."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class SlowUdp:
    """Nobody answers; what was sent is kept."""

    sent: list[bytes]

    def __init__(self, host, port):
        type(self).sent = getattr(type(self), "sent", [])

    def send(self, packet):
        self.sent.append(packet)
        return True

    def receive(self):
        return []

    def close(self):
        pass


def pass_time(stage, clock, seconds):
    for _ in range(round(seconds * 10)):
        clock.now += 0.1
        stage.tick()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lone(make_stage, tmp_path, clock):
    """Live without a daemon, with a clock of its own."""
    stage = make_stage(tmp_path / "home", clock=clock)
    with_clip(stage)
    return stage


def test_without_a_daemon_there_is_one_message_and_nothing_is_left_behind(lone, clock):
    lone.script.press("repaint")
    pass_time(lone, clock, 60)
    assert lone.live.log == [
        "Punchin: the daemon does not answer: run `punchin start`, then try again"
    ]
    assert not lone.script.memory.open
    assert not list(lone.home.glob("inbox/*"))
    assert "not running" in says(lone, clock, "status")


def says(stage, clock, action):
    said = len(stage.live.log)
    stage.script.press(action)
    pass_time(stage, clock, 15)
    assert len(stage.live.log) == said + 1
    return stage.live.log[-1]


def write_daemon(home, port=9, protocol=1):
    home.mkdir(parents=True, exist_ok=True)
    facts = {"pid": 1, "host": "127.0.0.1", "port": port, "protocol": protocol, "version": "9"}
    (home / "daemon.json").write_text(json.dumps(facts))


def test_a_daemon_that_does_not_answer_is_asked_a_bounded_number_of_times(
    make_stage, tmp_path, clock
):
    home = tmp_path / "home"
    write_daemon(home)
    SlowUdp.sent = []
    stage = make_stage(home, clock=clock, open_udp=SlowUdp)
    pass_time(stage, clock, 300)
    assert stage.script.link.state == "silent"
    asked = len(SlowUdp.sent)
    assert 2 <= asked <= 10
    pass_time(stage, clock, 300)
    assert len(SlowUdp.sent) == asked
    assert not list(home.glob("inbox/*")), "questions that nobody took are taken back"
    write_daemon(home, port=10)
    pass_time(stage, clock, 2)
    assert len(SlowUdp.sent) > asked, "a daemon that was started again is asked again"


def test_the_pauses_between_questions_grow(make_stage, tmp_path, clock):
    home = tmp_path / "home"
    write_daemon(home)
    SlowUdp.sent = []
    stage = make_stage(home, clock=clock, open_udp=SlowUdp)
    times, before = [], 0
    for _ in range(3000):
        clock.now += 0.1
        stage.tick()
        if len(SlowUdp.sent) > before:
            before = len(SlowUdp.sent)
            times.append(clock.now)
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert all(b > a for a, b in itertools.pairwise(gaps))


def test_another_protocol_is_said_once_and_nothing_is_sent(make_stage, tmp_path, clock):
    class Newer(SlowUdp):
        def receive(self):
            asked, self.sent[:] = list(self.sent), []
            return [osc.encode("/punchin/version.reply", [2, "7.0"]) for _ in asked]

    home = tmp_path / "home"
    write_daemon(home, protocol=2)
    stage = make_stage(home, clock=clock, open_udp=Newer)
    pass_time(stage, clock, 5)
    with_clip(stage)
    stage.script.press("repaint")
    pass_time(stage, clock, 20)
    assert [line for line in stage.live.log if "another protocol" in line] == stage.live.log
    assert 1 <= len(stage.live.log) <= 2
    assert takes(stage) == []


def test_the_mailbox_works_where_udp_is_not_answered(make_stage, live_house, monkeypatch):
    monkeypatch.setattr(link, "UDP_ANSWER_S", 0.1)
    stage = make_stage(live_house.home, open_udp=SlowUdp)
    with_clip(stage)
    stage.until(lambda: stage.script.link.state == "mailbox")
    job_id = stage.delivered("repaint")
    assert len(takes(stage)) == 1
    assert live_house.job(job_id)["state"] == "done"


class Ahead:
    """Time as it is, and then some."""

    def __init__(self):
        self.ahead_s = 0.0

    def __call__(self):
        return time.monotonic() + self.ahead_s


def test_an_answer_that_was_lost_is_read_from_the_disk(make_stage, live_house):
    sent, time_s = [], Ahead()

    class Deaf(udp.Udp):
        """Hears who is there, and no answer after it."""

        def send(self, packet):
            sent.append(osc.decode(packet)[0][0])
            return super().send(packet)

        def receive(self):
            return [p for p in super().receive() if b"version.reply" in p]

    stage = make_stage(live_house.home, open_udp=Deaf, clock=time_s)
    clip, go = with_clip(stage), stage.folder / "go"
    clip.name = f"repaint: hold {go}"
    stage.until(lambda: stage.script.link.state == "udp")
    stage.script.press("repaint")
    stage.until(lambda: stage.script.sending.ids)
    (job_id,) = stage.script.sending.ids
    stage.until(lambda: (live_house.folder(job_id) / "job.json").exists())
    time_s.ahead_s = sending.TRY_S
    stage.until(lambda: stage.live.log)
    go.touch()
    stage.until(lambda: not stage.script.memory.open)
    assert len(takes(stage)) == 1
    assert sent.count("/punchin/repaint") == 1
    assert [line.split(" is ")[1] for line in stage.live.log] == [
        "on its way",
        "in the set (1 new)",
    ]


def test_a_result_that_comes_before_its_answer_is_said_last(make_stage, live_house):
    class Deaf(udp.Udp):
        def receive(self):
            return [p for p in super().receive() if b"version.reply" in p]

    stage = make_stage(live_house.home, open_udp=Deaf)
    with_clip(stage)
    stage.script.press("repaint")
    stage.until(lambda: takes(stage))
    assert stage.script.sending.ids == [], "nothing is asked for again"
    assert [line.split(" is ")[1] for line in stage.live.log] == ["in the set (1 new)"]


def test_a_firewall_error_is_no_error(make_stage, live_house, monkeypatch):
    monkeypatch.setattr(link, "UDP_ANSWER_S", 0.1)

    def refuse(host, port):
        raise OSError("not permitted")

    stage = make_stage(live_house.home, open_udp=refuse)
    with_clip(stage)
    stage.delivered("repaint")
    assert len(takes(stage)) == 1


@pytest.fixture
def own_house(tmp_path):
    house = House(tmp_path / "own")
    yield house
    house.stop()


def test_a_daemon_killed_during_a_job_and_started_again_brings_the_result(
    make_stage, own_house, tmp_path
):
    stage = make_stage(own_house.home)
    clip = with_clip(stage)
    go = tmp_path / "go"
    clip.name = f"repaint: hold {go}"
    job_id = stage.press("repaint")
    stage.until(lambda: own_house.job(job_id)["state"] == "running")
    own_house.process.kill()
    own_house.process.wait()
    stage.looks()
    assert job_id in stage.script.memory.open
    go.touch()
    again = House(own_house.home)
    try:
        stage.until(lambda: job_id not in stage.script.memory.open)
    finally:
        again.stop()
    assert len(takes(stage)) == 1
