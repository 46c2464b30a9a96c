"""Section 3 of the wire contract: refusals and resends."""

import json

import pytest

WAIT = ("prompt", "wait 600")
NOWHERE = "/no/such/file.wav"


def cancel(client, job_id):
    client.send("/punchin/cancel", job_id)
    client.until("cancelled", id=job_id)


# -- refusals --------------------------------------------------------------------------------------


def test_a_refused_id_stays_free_and_only_its_sender_hears(house, tcp, song, new_id):
    job_id = new_id()
    with house.udp() as watch:
        watch.send("/punchin/notify", 1)
        watch.quiet()
        assert tcp.refused("bgm", job_id, NOWHERE) == 200
        assert watch.quiet() == []
    assert not house.folder(job_id).exists()
    assert tcp.error("/punchin/job", job_id)[0] == 108
    tcp.seen.clear()
    assert tcp.done("bgm", job_id, song)


def test_conflicts_look_like_no_jobs_end(house, tcp, song, new_id):
    job_id = new_id()
    tcp.send("/punchin/bgm", job_id, song, *WAIT)
    tcp.until("accepted", id=job_id)
    with house.udp() as other:
        assert other.error("/punchin/bgm", job_id, song, "seed", 1)[0] == 105
        assert other.error("/punchin/cover", job_id, song, *WAIT)[0] == 105
        assert other.error("/punchin/bgm", job_id, *WAIT)[0] == 105
        assert not [m for m in other.seen if m.name == "failed"]
    assert house.job(job_id)["state"] in ("queued", "running")
    cancel(tcp, job_id)


# -- resends ---------------------------------------------------------------------------------------


def test_a_resend_of_a_waiting_job_is_answered_and_followed(house, tcp, song, new_id):
    block, job_id = new_id(), new_id()
    tcp.send("/punchin/bgm", block, song, *WAIT)
    tcp.send("/punchin/bgm", job_id, song, "seed", 4, "tag", "mine")
    tcp.until("accepted", id=job_id)
    with house.udp() as other:
        other.send("/punchin/bgm", job_id, song, "tag", "mine", "seed", 4.0)
        told = other.until("accepted", "error")
        assert told.args == [job_id, "bgm", 1, "mine"]
        cancel(tcp, block)
        names = [m.name for m in other.events(job_id)]
        assert names.count("accepted") == 1
        assert names[-1] == "done"
    assert house.job(job_id)["request"]["seed"] == 4


def test_a_resend_of_a_running_job_brings_progress_and_files_so_far(
    house, tcp, song, new_id, tmp_path
):
    job_id, go = new_id(), tmp_path / "go"
    keys = ("prompt", f"hold {go} after 7", "seed", 7, "takes", 3, "start", 0.5, "end", 1.0)
    tcp.send("/punchin/repaint", job_id, song, *keys)
    tcp.until("file", id=job_id)
    with house.udp() as other:
        other.send("/punchin/repaint", job_id, song, *keys)
        other.until("file", id=job_id)
        go.touch()
        events = other.events(job_id)
        names = [m.name for m in events]
        assert names[:3] == ["accepted", "progress", "file"]
        assert names.count("started") == 0
        files = [(m.args[1], m.args[2]) for m in events if m.name == "file"]
        assert sorted(files) == sorted((r, t) for t in (1, 2, 3) for r in ("mix", "region"))
        assert names[-1] == "done"
    assert sum(m.name == "accepted" for m in tcp.events(job_id)) == 1


@pytest.mark.parametrize("end", ["done", "failed", "cancelled"])
def test_a_resend_of_an_ended_job_runs_nothing(house, tcp, song, new_id, end):
    job_id = new_id()
    prompt = {"done": "fine", "failed": "raise", "cancelled": "wait 600"}[end]
    request = (job_id, song, "prompt", prompt, "start", 0.5, "end", 1.0)
    tcp.send("/punchin/repaint", *request)
    if end == "cancelled":
        tcp.send("/punchin/cancel", job_id)
    first = tcp.events(job_id)
    before = house.job(job_id)
    with house.udp() as other:
        other.send("/punchin/repaint", *request)
        again = other.events(job_id)
        assert [m for m in again if m.name == "file"] == [m for m in first if m.name == "file"]
        assert again[0].name == "accepted"
        assert again[-1] == first[-1]
        assert again[-1].name == end
        assert not [m for m in again if m.name == "started"]
        assert other.quiet() == []
    assert house.job(job_id) == before


def test_context_is_not_compared_in_a_resend(tcp, song, new_id):
    job_id = new_id()
    tcp.send("/punchin/prompt", "one")
    tcp.done("bgm", job_id, song)
    tcp.send("/punchin/prompt", "two")
    tcp.send("/punchin/bgm", job_id, song)
    assert tcp.until("accepted", "error").name == "accepted"
    assert tcp.until("done", "started").name == "done"


@pytest.mark.parametrize(
    ("sent", "again"),
    [
        (("seed", 4), ("seed", 4.0)),
        (("bpm", 120), ("bpm", 120.0)),
        (("takes", 1), ("takes", True)),
        (("key", "C#m"), ("key", "c# minor")),
        (("seed", 1, "bpm", 90.0), ("bpm", 90, "seed", 1)),
        (("tempomap", "[[0,90,4,4]]"), ("tempomap", "[[0.0, 90, 4, 4, 0]]")),
    ],
)
def test_arguments_are_compared_after_conversion(tcp, song, new_id, sent, again):
    job_id = new_id()
    tcp.send("/punchin/stems", job_id, song, *sent)
    tcp.until("accepted", id=job_id)
    tcp.send("/punchin/stems", job_id, song, *again)
    assert tcp.until("accepted", "error").name == "accepted"


def test_every_event_of_a_resender_comes_once(house, tcp, song, new_id, tmp_path):
    job_id, go = new_id(), tmp_path / "go"
    for _ in range(3):
        tcp.send("/punchin/bgm", job_id, song, "prompt", f"hold {go}")
        tcp.until("accepted", id=job_id)
    go.touch()
    tcp.events(job_id)
    tcp.quiet()
    names = [m.name for m in tcp.seen if m.args[0] == job_id]
    assert names.count("done") == 1
    assert names.count("started") == 1


def test_done_tells_what_job_json_holds(house, tcp, song, new_id):
    job_id = new_id()
    events = tcp.job("repaint", job_id, song, "start", 0.5, "end", 1.0, "tag", "t")
    kept = house.job(job_id)
    assert json.loads(events[-1].args[1]) == kept["result"]
    files = [m.args[1:] for m in events if m.name == "file"]
    assert files == [[f["role"], f["take"], f["path"], f["seconds"]] for f in kept["files"]]


def test_sync_waits_for_a_job_that_was_asked_for_again(house, tcp, song, new_id):
    job_id = new_id()
    tcp.send("/punchin/bgm", job_id, song, *WAIT)
    tcp.until("started", id=job_id)
    with house.udp() as other:
        other.send("/punchin/bgm", job_id, song, *WAIT)
        other.send("/punchin/sync", 4)
        assert "synced" not in [m.name for m in other.quiet()]
        cancel(tcp, job_id)
        assert other.until("synced").args == [4]
