"""Sections 3 and 6 of the wire contract: cancel, order, accept, forget, the engine."""

import json

import pytest

WAIT = ("prompt", "wait 600")


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
    kept, other = (house.home / "cache" / "engine" / name for name in (job_id, "other"))
    for folder in (kept, other):
        folder.mkdir(parents=True)
        (folder / "latents").write_bytes(b"what an engine keeps")
    tcp.send("/punchin/forget", job_id)
    assert tcp.error("/punchin/job", job_id)[0] == 108
    assert not house.folder(job_id).exists()
    assert other.exists()
    assert not kept.exists()
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
    assert tcp.until("failed", "error").args[:2] == ["engine", 300]
    assert tcp.refused("bgm", new_id(), song, "engine", "nonesuch") == 300


@pytest.mark.parametrize("engine", ["unimportable", "bomb"])
def test_a_broken_engine_fails_its_own_job_alone(house, tcp, song, new_id, engine):
    tcp.send("/punchin/bgm", new_id(), song, "engine", engine)
    assert tcp.until("failed", "done").args[1] == 300
    assert tcp.done("bgm", new_id(), song)


def test_jobs_accepted_earlier_keep_their_engine(house, tcp, song, new_id, blocked):
    before, after = new_id(), new_id()
    tcp.send("/punchin/stems", before, song, "stems", "bass")
    tcp.send("/punchin/engine", "sketch")
    tcp.send("/punchin/stems", after, song)
    tcp.until("accepted", id=after)
    assert house.job(before)["engine"] == "fake"
    assert house.job(after)["engine"] == "sketch"
    assert tcp.ask("status")["engine"] == "sketch"
    tcp.send("/punchin/cancel", after)
    tcp.send("/punchin/engine", "fake")
    tcp.send("/punchin/sync", 1)
    tcp.send("/punchin/cancel", blocked)
    tcp.until("synced")
    assert tcp.events(before)[1].args == [before, "fake"]
    started = [m.args for m in tcp.seen if m.name == "started"]
    assert started[-2:] == [["engine", "sketch"], ["engine", "fake"]]
    assert tcp.ask("status")["engine"] == "fake"
