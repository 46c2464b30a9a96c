"""Section 3 of the wire contract: how a job is asked for, resent and refused."""

import pytest

WAIT = ("prompt", "wait 600")


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
