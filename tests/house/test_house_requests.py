"""Section 3 of the wire contract: how a job is asked for, resent and refused."""

import json

import pytest

WAIT = ("prompt", "wait 60")


@pytest.fixture
def song(make_wav):
    return make_wav(seconds=2.0)


def cancel(client, job_id):
    client.send("/punchin/cancel", job_id)
    client.until("cancelled", id=job_id)


# -- ids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        *(
            "",
            ".",
            "..",
            "../up",
            "a/b",
            "a\\b",
            "/etc",
            "-a",
            "_a",
            ".a",
            "a.",
            "a b",
            "a:b",
            "a*",
        ),
        *(
            "x" * 65,
            "ä",
            "a\n",
            "CON",
            "nul",
            "com1",
            "LPT9",
            "aux.wav",
            "prn.a.b",
            "Com7.x",
            "%2e",
        ),
    ],
)
def test_a_bad_id_is_an_error_and_leaves_nothing(house, tcp, song, bad):
    before = sorted(house.home.rglob("*")) if bad else None
    told = tcp.error("/punchin/bgm", bad, song)
    assert told[:3] == [104, "bad-id", "/punchin/bgm"]
    if before is not None:
        assert {p.name for p in (house.home / "jobs").iterdir()} <= {p.name for p in before}


@pytest.mark.parametrize("args", [(), (5,), (1.5,), (True,)])
def test_no_id_is_an_error(tcp, args):
    assert tcp.error("/punchin/bgm", *args)[0] == 104


@pytest.mark.parametrize("good", ["a", "7", "A.b_c-9", "x" * 64, "con1", "nul-x", "com", "a..b"])
def test_good_ids_name_the_folder(house, tcp, song, good):
    tcp.send("/punchin/bgm", good, song, *WAIT)
    assert tcp.until("accepted").args[0] == good
    assert house.job(good)["id"] == good
    cancel(tcp, good)


def test_ids_are_compared_without_regard_to_case(house, tcp, song):
    tcp.send("/punchin/bgm", "MiXed", song, *WAIT)
    tcp.until("accepted", id="MiXed")
    tcp.send("/punchin/bgm", "mIxED", song, *WAIT)
    assert tcp.until("accepted").args[0] == "MiXed"
    assert tcp.error("/punchin/bgm", "mixed", song)[0] == 105
    assert [p.name for p in (house.home / "jobs").iterdir() if p.name.lower() == "mixed"] == [
        "MiXed"
    ]
    assert tcp.ask("job", "MIXED")["id"] == "MiXed"
    tcp.send("/punchin/cancel", "MIXED")
    tcp.until("cancelled", id="MiXed")


def test_the_star_lets_the_daemon_choose_and_is_never_a_resend(house, tcp, song):
    ids = []
    for _ in range(3):
        tcp.send("/punchin/bgm", "*", song, *WAIT)
        ids.append(tcp.until("accepted").args[0])
    assert len(set(ids)) == 3
    assert all(house.job(i)["id"] == i for i in ids)


def test_a_refused_star_is_told_as_a_star(tcp):
    tcp.send("/punchin/bgm", "*", "/nowhere.wav")
    assert tcp.until("failed").args[:2] == ["*", 200]


def test_do_runs_an_op_on_the_context(house, udp, song):
    udp.send("/punchin/region", song, 0.5, 1.0)
    for value in ((), (1.0,), (0.5,), (True,)):
        udp.send("/punchin/do", "stems", *value)
        job_id = udp.until("accepted").args[0]
        assert house.job(job_id)["request"]["start"] == 0.5
        assert house.job(job_id)["op"] == "stems"


@pytest.mark.parametrize("released", [0.0, 0, False])
def test_a_released_button_does_nothing(udp, song, released):
    udp.send("/punchin/region", song, 0.5, 1.0)
    udp.send("/punchin/do", "stems", released)
    assert udp.quiet() == []


def test_do_tells_what_is_wrong(udp):
    assert udp.error("/punchin/do", "dance")[0] == 103
    assert udp.error("/punchin/do")[0] == 101
    udp.send("/punchin/do", "bgm", 1.0)
    assert udp.until("failed").args[:2] == ["*", 107]


# -- source and keys -------------------------------------------------------------------------------


def test_an_odd_count_begins_with_the_source(house, tcp, song, new_id, make_wav):
    other = make_wav("other.wav")
    tcp.send("/punchin/region", other, 0.0, 0.5)
    told, context = new_id(), new_id()
    tcp.send("/punchin/stems", told, song, "seed", 3)
    tcp.send("/punchin/stems", context, "seed", 3)
    tcp.until("accepted", id=context)
    assert house.job(told)["request"]["source"] == song
    assert house.job(context)["request"]["source"] == other


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("seed", 1, "seed", 2), 101),
        ((5, "seed"), 101),
        ((1, 2), 101),
        (("seed", 1, 2, 3), 101),
    ],
)
def test_pairs_must_be_pairs(tcp, song, new_id, args, code):
    assert tcp.refused("bgm", new_id(), song, *args) == code


@pytest.mark.parametrize("op", ["repaint", "extend", "bgm", "cover", "edit", "layer", "stems"])
def test_without_any_source_nothing_is_selected(tcp, new_id, op):
    keys = ["seconds", 1.0, "track", "bass", "prompt", "p", "start", 0.0, "end", 1.0]
    assert tcp.refused(op, new_id(), *keys) == 107


@pytest.mark.parametrize(
    ("op", "keys", "code"),
    [
        ("generate", (), 101),
        ("extend", (), 101),
        ("edit", (), 101),
        ("layer", (), 101),
        ("repaint", (), 107),
        ("repaint", ("start", 0.5), 101),
        ("repaint", ("end", 0.5), 101),
    ],
)
def test_what_an_op_needs(tcp, song, new_id, op, keys, code):
    source = () if op == "generate" else (song,)
    assert tcp.refused(op, new_id(), *source, *keys) == code


# -- the order of checks ---------------------------------------------------------------------------

UNKNOWN_KEY = ("promt", "x")  # 102
BAD_SHAPE = ("takes", "many")  # 101
BAD_RANGE = ("takes", 99)  # 103
NOWHERE = "/no/such/file.wav"  # 200
OUTSIDE = ("start", 50.0, "end", 60.0)  # 203


@pytest.mark.parametrize(
    ("source", "keys", "code"),
    [
        (NOWHERE, (*UNKNOWN_KEY, *BAD_SHAPE, *OUTSIDE), 102),
        (NOWHERE, (*BAD_SHAPE, *OUTSIDE, "seed", -1), 101),
        (NOWHERE, ("takes", 99, "start", 1.0), 101),  # lacks the end
        (NOWHERE, BAD_RANGE, 107),  # lacks the region
        (NOWHERE, (*BAD_RANGE, *OUTSIDE), 103),
        (NOWHERE, ("preset", "no such preset", *OUTSIDE), 103),
        (NOWHERE, ("preset", "no such preset", *BAD_SHAPE, *OUTSIDE), 101),
        (NOWHERE, ("preset", "no such preset"), 107),
        (NOWHERE, OUTSIDE, 200),
        ("song", (*BAD_RANGE, *OUTSIDE), 103),
        ("song", OUTSIDE, 203),
        (None, (*UNKNOWN_KEY, *BAD_RANGE), 102),
        (None, BAD_RANGE, 107),
        (None, BAD_SHAPE, 101),
        (5, (*UNKNOWN_KEY, *BAD_RANGE), 102),
    ],
)
def test_the_first_check_that_fails_is_told(tcp, song, new_id, source, keys, code):
    source = song if source == "song" else source
    first = () if source is None else (source,)
    assert tcp.refused("repaint", new_id(), *first, *keys) == code


def test_a_bad_id_goes_before_all_else(tcp):
    assert tcp.refused("repaint", "../x", NOWHERE, *UNKNOWN_KEY, *BAD_RANGE) == 104


def test_a_conflict_goes_before_what_else_is_wrong(tcp, song, new_id):
    job_id = new_id()
    tcp.done("bgm", job_id, song)
    for wrong in (UNKNOWN_KEY, BAD_SHAPE, BAD_RANGE, ("seed",)):
        assert tcp.error("/punchin/bgm", job_id, NOWHERE, *wrong)[0] == 105


def test_an_unknown_key_names_the_nearest(tcp, song, new_id):
    tcp.send("/punchin/bgm", new_id(), song, "promt", "x")
    assert "'prompt'" in tcp.until("failed").args[3]


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


def test_a_resend_of_a_running_job_brings_progress_and_files_so_far(house, tcp, song, new_id):
    job_id = new_id()
    keys = ("prompt", "wait 0.4", "takes", 3, "start", 0.5, "end", 1.0)
    tcp.send("/punchin/repaint", job_id, song, *keys)
    tcp.until("file", id=job_id)
    with house.udp() as other:
        other.send("/punchin/repaint", job_id, song, *keys)
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
    prompt = {"done": "fine", "failed": "raise", "cancelled": "wait 60"}[end]
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


def test_every_event_of_a_resender_comes_once(house, tcp, song, new_id):
    job_id = new_id()
    for _ in range(3):
        tcp.send("/punchin/bgm", job_id, song, "prompt", "wait 0.1")
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
