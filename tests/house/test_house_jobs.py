"""Section 3 of the wire contract: events, takes, cancel, priority, slot, accept, forget, engine."""

import json
import time

import numpy as np
import pytest
from wire_house import native

WAIT = ("prompt", "wait 60")


@pytest.fixture
def song(make_wav):
    return make_wav(seconds=2.0)


@pytest.fixture
def blocked(tcp, song, new_id):
    """A job that runs until it is cancelled; its id."""
    job_id = new_id("block")
    tcp.send("/punchin/bgm", job_id, song, *WAIT)
    tcp.until("started", id=job_id)
    return job_id


# -- events ----------------------------------------------------------------------------------------


def test_events_come_in_their_order_with_their_arguments(house, tcp, song, new_id):
    job_id = new_id()
    keys = ("start", 0.5, "end", 1.0, "tag", "reaper:a:7", "prompt", "wait 0.3")
    events = tcp.job("repaint", job_id, song, *keys)
    names = [m.name for m in events]
    assert names[:2] == ["accepted", "started"]
    assert events[0].args == [job_id, "repaint", 0, "reaper:a:7"]
    assert events[1].args == [job_id, "fake"]
    first_file = names.index("file")
    assert set(names[2:first_file]) == {"progress"}
    assert names[first_file:] == ["file", "file", "done"]
    progress = [m.args[1] for m in events if m.name == "progress"]
    assert progress == sorted(progress)
    assert all(0 <= f <= 1 for f in progress)
    stages = [m.args[2] for m in events if m.name == "progress"]
    assert "waiting" in stages
    for m in (m for m in events if m.name == "file"):
        assert m.args[1] in ("mix", "region")
        assert m.args[2] == 1
        assert len(native(m.args[3])) / 8000 == pytest.approx(m.args[4])


def test_progress_comes_at_most_ten_times_a_second(house, tcp, song, new_id):
    tcp.send("/punchin/bgm", new_id(), song, "prompt", "wait 0.8")
    at = []
    while (message := tcp.next()).name != "done":
        if message.name == "progress":
            at.append(time.monotonic())
    assert 3 <= len(at) <= 0.8 * 10 + 3


def test_progress_comes_every_two_seconds_from_a_silent_engine(house, tcp, song, new_id):
    job_id = new_id()
    tcp.send("/punchin/bgm", job_id, song, "prompt", "hang")
    tcp.until("progress", id=job_id)
    for _ in range(2):
        tcp.until("progress", id=job_id, timeout=2.2)
    house_pid = house.process.pid
    tcp.send("/punchin/cancel", job_id)
    tcp.until("cancelled", id=job_id, timeout=8)
    assert house.process.pid == house_pid
    assert tcp.done("bgm", new_id(), song)


def test_after_a_workers_death_the_fraction_holds(house, tcp, song, new_id, tmp_path):
    job_id = new_id()
    events = tcp.job("bgm", job_id, song, "prompt", f"wait 0.3 die once {tmp_path / 'died'}")
    names = [m.name for m in events]
    assert names.count("accepted") == 1
    assert names.count("started") == 2
    assert names[-1] == "done"
    fractions = [m.args[1] for m in events if m.name == "progress"]
    assert fractions == sorted(fractions)


def test_a_job_that_outlives_three_workers_fails_as_305(tcp, song, new_id):
    events = tcp.job("bgm", new_id(), song, "prompt", "die")
    assert events[-1].args[1:3] == [305, "worker-died"]
    assert [m.name for m in events].count("started") <= 3


@pytest.mark.parametrize(
    ("prompt", "code"),
    [("raise", 500), ("oom", 304), ("nan", 307), ("short", 307), ("nothing", 307)],
)
def test_an_engines_trouble_has_its_number(house, tcp, song, new_id, prompt, code):
    job_id = new_id()
    last = tcp.job("cover", job_id, song, "prompt", prompt)[-1]
    assert last.name == "failed"
    kept = house.job(job_id)
    assert (kept["state"], kept["error"]["code"], kept["files"]) == ("failed", code, [])
    assert last.args == [job_id, *(kept["error"][k] for k in ("code", "name", "message"))]
    assert [p.name for p in house.folder(job_id).iterdir()] == ["job.json"]


# -- takes and seeds -------------------------------------------------------------------------------


def test_take_k_is_the_take_of_seed_plus_k_minus_1(house, tcp, song, new_id):
    many, alone = new_id(), [new_id() for _ in range(3)]
    keys = (song, "start", 0.5, "end", 1.5)
    tcp.done("repaint", many, *keys, "takes", 3, "seed", 40)
    for k, job_id in enumerate(alone, 1):
        tcp.done("repaint", job_id, *keys, "seed", 40 + k - 1)
        for role in ("mix", "region"):
            assert np.array_equal(
                native(house.path(many, role, k)), native(house.path(job_id, role))
            )
    seeds = {f["take"]: f["seed"] for f in house.job(many)["files"]}
    assert seeds == {1: 40, 2: 41, 3: 42}
    assert not np.array_equal(
        native(house.path(many, "region", 1)), native(house.path(many, "region", 2))
    )


def test_seeds_wrap_at_two_to_the_31(house, tcp, song, new_id):
    high, zero = new_id(), new_id()
    tcp.done("stems", high, song, "takes", 2, "seed", 2**31 - 1)
    tcp.done("stems", zero, song, "seed", 0)
    assert {f["take"]: f["seed"] for f in house.job(high)["files"]} == {1: 2**31 - 1, 2: 0}
    one, other = house.path(high, "stem:bass", 2), house.path(zero, "stem:bass")
    assert np.array_equal(native(one), native(other))


def test_an_absent_seed_is_chosen_and_reported(house, tcp, song, new_id):
    first, second, again = new_id(), new_id(), new_id()
    keys = (song, "start", 0.5, "end", 1.0)
    seeds = [tcp.done("repaint", j, *keys)["seed"] for j in (first, second)]
    assert seeds[0] != seeds[1]
    assert house.job(first)["request"]["seed"] == seeds[0]
    tcp.done("repaint", again, *keys, "seed", seeds[0])
    assert np.array_equal(native(house.path(first)), native(house.path(again)))


# -- cancel ----------------------------------------------------------------------------------------


def test_cancel_of_a_waiting_a_running_and_an_ended_job(house, tcp, song, new_id, blocked):
    waits = new_id()
    tcp.send("/punchin/bgm", waits, song)
    with house.udp() as other:
        other.send("/punchin/cancel", waits)
        assert other.events(waits)[-1].name == "cancelled"  # whoever cancels is told
        assert tcp.events(waits)[-1].name == "cancelled"
        assert [m.name for m in tcp.events(waits)] == ["accepted", "cancelled"]
        other.send("/punchin/cancel", blocked)
        assert other.events(blocked)[-1].name == "cancelled"
        assert tcp.events(blocked)[-1].name == "cancelled"
        for job_id in (waits, blocked):
            assert house.job(job_id)["state"] == "cancelled"
            other.send("/punchin/cancel", job_id)
            other.until("cancelled", id=job_id)
        assert other.quiet() == []
    done = new_id()
    ended = tcp.job("bgm", done, song)[-1]
    tcp.send("/punchin/cancel", done)
    assert tcp.until("done", "cancelled", id=done) == ended


def test_cancel_star_ends_every_clients_jobs(house, tcp, song, new_id, blocked):
    mine, theirs = new_id(), new_id()
    with house.udp() as other:
        tcp.send("/punchin/bgm", mine, song)
        other.send("/punchin/bgm", theirs, song)
        other.until("accepted", id=theirs)
        other.send("/punchin/cancel", "*")
        assert other.events(theirs)[-1].name == "cancelled"
    for job_id in (blocked, mine):
        assert tcp.events(job_id)[-1].name == "cancelled"


def test_cancel_after_a_request_finds_its_job(tcp, song, new_id):
    job_id = new_id()
    tcp.send("/punchin/bgm", job_id, song, *WAIT)
    tcp.send("/punchin/cancel", job_id)
    assert [m.name for m in tcp.events(job_id)][-1] == "cancelled"


@pytest.mark.parametrize("command", ["cancel", "job", "accept", "forget"])
def test_commands_on_unknown_and_bad_ids(tcp, command):
    more = (1,) if command == "accept" else ()
    assert tcp.error(f"/punchin/{command}", "never-was", *more)[:2] == [108, "unknown-job"]
    assert tcp.error(f"/punchin/{command}", "../x", *more)[0] == 104
    assert tcp.error(f"/punchin/{command}")[0] == 101


# -- order -----------------------------------------------------------------------------------------


def test_priority_goes_before_and_never_interrupts(house, tcp, song, new_id, blocked):
    low, normal, high = new_id("low"), new_id("normal"), new_id("high")
    later = new_id("later")
    for job_id, keys in (
        (low, ("priority", 0)),
        (normal, ()),
        (high, ("priority", 2)),
        (later, ("priority", 2)),
    ):
        tcp.send("/punchin/stems", job_id, song, *keys)
    positions = {m.args[0]: m.args[2] for m in (tcp.until("accepted") for _ in range(4))}
    assert positions == {low: 1, normal: 2 - 1, high: 1, later: 2}
    assert house.job(blocked)["state"] == "running"
    rows = {r["id"]: r for r in tcp.ask("jobs")}
    assert [rows[j]["position"] for j in (high, later, normal, low)] == [1, 2, 3, 4]
    tcp.send("/punchin/cancel", blocked)
    started = [tcp.until("started").args[0] for _ in range(4)]
    assert started == [high, later, normal, low]


def test_a_new_job_takes_its_slot(house, tcp, song, new_id, blocked):
    runs, waits, free, newest = new_id(), new_id(), new_id(), new_id()
    tcp.send("/punchin/bgm", runs, song, *WAIT, "slot", "One", "priority", 2)
    tcp.send("/punchin/cancel", blocked)
    tcp.until("started", id=runs)
    tcp.send("/punchin/bgm", free, song, "slot", "two")
    tcp.send("/punchin/bgm", newest, song, "slot", "One")
    order = [m.name for m in (tcp.until("accepted", "cancelled", id=i) for i in (newest, runs))]
    assert order == ["accepted", "cancelled"]
    assert tcp.events(newest)[-1].name == "done"
    assert tcp.events(free)[-1].name == "done"
    # What is refused takes nobody's place.
    tcp.send("/punchin/bgm", waits, song, *WAIT, "slot", "One")
    tcp.until("started", id=waits)
    assert tcp.refused("bgm", new_id(), "/nowhere.wav", "slot", "One") == 200
    assert house.job(waits)["state"] == "running"


def test_sync_waits_for_this_clients_jobs_alone(house, tcp, song, new_id):
    mine, theirs = new_id(), new_id()
    with house.udp() as other:
        tcp.send("/punchin/bgm", mine, song, "prompt", "wait 0.3")
        tcp.send("/punchin/sync", -7)
        other.send("/punchin/bgm", theirs, song, *WAIT)
        other.send("/punchin/sync", 8)
        tcp.until("synced")
        assert tcp.seen[-1].args == [-7]
        ends = [m.name for m in tcp.seen if m.name in ("done", "synced")]
        assert ends == ["done", "synced"]
        assert [m for m in other.quiet() if m.name == "synced"] == []
        other.send("/punchin/cancel", theirs)
        other.until("synced")
        assert [m.name for m in other.events(theirs)][-1] == "cancelled"
    tcp.send("/punchin/sync", 9)
    assert tcp.until("synced").args == [9]


# -- accept and forget -----------------------------------------------------------------------------


def test_accept_tells_all_subscribers_and_is_noted(house, tcp, song, new_id):
    job_id = new_id()
    tcp.done("repaint", job_id, song, "start", 0.5, "end", 1.0, "takes", 2, "tag", "item 7")
    assert house.job(job_id)["chosen"] is None
    with house.udp() as watch, house.udp() as pad:
        watch.send("/punchin/notify", 1)
        watch.quiet()
        for take in (2, 1):
            pad.send("/punchin/accept", job_id, take)
            assert watch.until("chosen").args == [job_id, take, "item 7"]
            assert house.job(job_id)["chosen"] == take
        assert pad.error("/punchin/accept", job_id, 3)[0] == 103
        assert pad.error("/punchin/accept", job_id, 0)[0] == 103
        assert house.job(job_id)["chosen"] == 1


def test_of_means_the_chosen_take_or_the_one_it_names(house, tcp, song, new_id):
    job_id = new_id()
    tcp.done("repaint", job_id, song, "start", 0.5, "end", 1.0, "takes", 3)
    for of, take in ((job_id, 1), (f"{job_id}:3", 3)):
        retake = new_id()
        result = tcp.done("retake", retake, "of", of)
        assert house.job(retake)["request"]["source"] == house.path(job_id, "mix", take)
        assert result["ignored"] == []
    tcp.send("/punchin/accept", job_id, 2)
    retake = new_id()
    tcp.done("retake", retake, "of", job_id)
    assert house.job(retake)["request"]["source"] == house.path(job_id, "mix", 2)
    assert tcp.refused("retake", new_id(), "of", f"{job_id}:9") == 103
    assert tcp.refused("retake", new_id(), "of", f"{job_id}:8") == 101
    assert tcp.refused("retake", new_id(), "of", "never-was") == 108


def test_forget_removes_an_ended_job_and_frees_its_id(house, tcp, song, new_id):
    job_id = new_id()
    tcp.send("/punchin/bgm", job_id, song, *WAIT)
    tcp.until("accepted", id=job_id)
    assert tcp.error("/punchin/forget", job_id)[0] == 101
    tcp.send("/punchin/cancel", job_id)
    tcp.until("cancelled", id=job_id)
    tcp.send("/punchin/forget", job_id)
    assert tcp.error("/punchin/job", job_id)[0] == 108
    assert not house.folder(job_id).exists()
    tcp.send("/punchin/bgm", job_id, song, "seed", 9)
    assert tcp.until("done", "failed", "error").name == "done"


# -- the engine ------------------------------------------------------------------------------------


def test_an_engine_change_queues_like_a_job(house, tcp, song, new_id, blocked):
    before = new_id()
    tcp.send("/punchin/bgm", before, song)
    for _ in range(2):
        tcp.send("/punchin/engine", "fake")
        assert tcp.until("accepted", id="engine").args[1] == "engine"
    tcp.send("/punchin/sync", 1)
    tcp.send("/punchin/cancel", blocked)
    tcp.until("synced")
    order = [(m.args[0], m.name) for m in tcp.seen if m.name in ("started", "done")]
    own = [(blocked, "started"), (before, "started"), (before, "done")]
    assert order == own + [("engine", "started"), ("engine", "done")] * 2
    assert json.loads(tcp.seen[-2].args[1])["engine"] == "fake"


def test_engine_none_frees_the_worker_and_the_next_job_loads_it_again(house, tcp, song, new_id):
    tcp.done("bgm", new_id(), song)
    tcp.send("/punchin/engine", "none")
    assert tcp.until("done", "failed", id="engine").name == "done"
    assert tcp.ask("status")["device"] == ""
    assert tcp.done("bgm", new_id(), song)
    assert tcp.ask("status")["device"] == "cpu"


def test_an_unknown_engine_is_300(tcp, song, new_id):
    tcp.send("/punchin/engine", "nonesuch")
    told = tcp.until("failed", "error")
    assert 300 in told.args
    assert tcp.refused("bgm", new_id(), song, "engine", "nonesuch") == 300


@pytest.mark.parametrize("engine", ["unimportable", "bomb"])
def test_a_broken_engine_fails_its_own_job_alone(house, tcp, song, new_id, engine):
    tcp.send("/punchin/bgm", new_id(), song, "engine", engine)
    assert tcp.until("failed", "done").args[1] == 300
    assert tcp.done("bgm", new_id(), song)


def test_jobs_accepted_earlier_keep_their_engine(make_house, make_wav):
    house = make_house(engine="fake")
    song = make_wav(seconds=2.0)
    with house.tcp() as tcp:
        tcp.send("/punchin/bgm", "block", song, *WAIT)
        tcp.send("/punchin/stems", "before", song, "stems", "bass")
        tcp.send("/punchin/engine", "sketch")
        tcp.send("/punchin/analyze", "after", song)
        tcp.until("accepted", id="after")
        assert house.job("before")["engine"] == "fake"
        assert house.job("after")["engine"] == "sketch"
        tcp.send("/punchin/cancel", "block")
        assert tcp.events("before")[1].args == ["before", "fake"]
        assert tcp.events("engine")[-1].name == "done"
        assert tcp.events("after")[-1].name == "done"
        assert tcp.ask("status")["engine"] == "sketch"
