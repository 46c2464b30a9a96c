"""Stops: SIGTERM keeps the queue and counts no run, quit ends it, no worker survives its daemon."""

import time

import filelock
import pytest
from patience import PATIENCE_S
from real_house import Ear

from daemon import home


@pytest.fixture
def house(open_house):
    return open_house()


def _three_jobs(ear):
    ear.send("/punchin/generate", "running", "seconds", 0.2, "prompt", "wait 600", "seed", 1)
    ear.until("/punchin/progress", about="running")
    for name in ("second", "third"):
        ear.send("/punchin/generate", name, "seconds", 0.2, "seed", 1)
        ear.until("/punchin/accepted", about=name)


def test_sigterm_keeps_the_queue_and_counts_no_run(open_house):
    house = open_house(jobs_attempts=1)  # a run that counted would be the last
    with Ear(house) as ear:
        _three_jobs(ear)
        assert house.terminate() == 0
    assert not (house.home / "daemon.json").exists()
    for name in ("running", "second", "third"):
        assert house.job(name)["state"] == "queued"
        assert house.job(name)["_runs"] == 0
        assert house.hidden(name) == []
    house.start()
    with Ear(house, notify=True) as ear:
        ear.until("/punchin/progress", about="running")
        ear.send("/punchin/cancel", "running")
        assert ear.ended("running")[0] == "cancelled"
        assert ear.ended("second")[0] == "done"
        assert ear.ended("third")[0] == "done"


def test_quit_ends_every_job_with_its_event(house):
    with Ear(house) as ear:
        _three_jobs(ear)
        ear.send("/punchin/quit")
        assert ear.until("/punchin/done", about="quit") == ["quit", "{}"]
        ends = [m[1][0] for m in ear.heard if m[0] == "/punchin/cancelled"]
        assert sorted(ends) == ["running", "second", "third"]
    assert house.process.wait(PATIENCE_S) == 0
    for name in ("running", "second", "third"):
        assert house.job(name)["state"] == "cancelled"


@pytest.mark.parametrize("how", ["kill", "terminate"])
@pytest.mark.parametrize("prompt", ["wait 600", "hang"])
def test_no_worker_survives_its_daemon(open_house, how, prompt):
    house = open_house(jobs_cancel_s=0.5)
    with Ear(house) as ear:
        ear.send("/punchin/generate", "job", "seconds", 0.2, "prompt", prompt)
        while ear.until("/punchin/progress", about="job")[2] not in ("thinking", "waiting"):
            pass
    assert house.workers_of("fake")
    getattr(house, how)()
    for process in house.workers:
        process.wait(PATIENCE_S)


def test_no_worker_survives_a_daemon_that_dies_while_it_loads(house):
    house.kill()
    house.start()
    deadline = time.monotonic() + PATIENCE_S
    while not (loading := house.workers_of()):
        assert time.monotonic() < deadline, "no worker was started"
    house.kill()
    assert set(loading) & set(house.workers)
    for process in house.workers:
        process.wait(PATIENCE_S)


def test_a_second_daemon_refuses_and_names_the_first(house):
    from real_house import House

    second = House(house.home)
    with pytest.raises(AssertionError) as refusal:
        second.start()
    assert f"pid {house.process.pid}, port {house.port}" in str(refusal.value)
    assert second.process.wait(PATIENCE_S) == 1
    second.process.stdout.close()


def test_a_daemon_that_still_ends_is_waited_for(tmp_path, monkeypatch):
    """It answers nobody any more and holds its home for a moment: `punchin quit`, then `start`."""
    ending = filelock.FileLock(tmp_path / ".daemon.lock")
    ending.acquire()

    def announced(_):
        ending.release()

    monkeypatch.setattr(home, "_DYING_S", 0.0)
    monkeypatch.setattr(home, "read_daemon", announced)
    with home.Home(tmp_path):
        assert not ending.is_locked
    ending.acquire()
    monkeypatch.setattr(home, "read_daemon", lambda _: {"pid": 7, "port": 9140})
    with pytest.raises(home.Occupied, match="pid 7, port 9140"), home.Home(tmp_path):
        pass
