"""Section 3 of the wire contract: events, takes, cancel, priority, slot, accept, forget, engine."""

import itertools
import time

import numpy as np
import pytest
from wire_house import native

WAIT = ("prompt", "wait 600")


# -- events ----------------------------------------------------------------------------------------


def test_events_come_in_their_order_with_their_arguments(house, tcp, song, new_id, tmp_path):
    job_id, go = new_id(), tmp_path / "go"
    keys = ("start", 0.5, "end", 1.0, "tag", "reaper:a:7", "prompt", f"hold {go}")
    tcp.send("/punchin/repaint", job_id, song, *keys)
    while tcp.until("progress", id=job_id).args[2] != "waiting":
        pass
    go.touch()
    events = tcp.events(job_id)
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
    for m in (m for m in events if m.name == "file"):
        assert m.args[1] in ("mix", "region")
        assert m.args[2] == 1
        assert len(native(m.args[3])) / 8000 == pytest.approx(m.args[4])


def test_progress_comes_at_most_ten_times_a_second(house, tcp, song, new_id, tmp_path):
    """The engine tells it a hundred times."""
    begin, count, go = time.monotonic(), 0, tmp_path / "go"
    tcp.send("/punchin/bgm", new_id(), song, "prompt", f"hold {go}")
    while tcp.until("progress", "done").name != "done":
        count += 1
        if count == 8:
            go.touch()
    assert 8 <= count <= (time.monotonic() - begin) * 10 + 2


def test_progress_comes_every_two_seconds_from_a_silent_engine(make_house, song):
    with make_house(PUNCHIN_JOBS_CANCEL_S="0.5").tcp() as tcp:
        tcp.send("/punchin/bgm", "silent", song, "prompt", "hang")
        at = []
        while len(at) < 20 and not any(b - a <= 2.2 for a, b in itertools.pairwise(at)):
            tcp.until("progress", id="silent")
            at.append(time.monotonic())
        assert min(b - a for a, b in itertools.pairwise(at)) <= 2.2
        tcp.send("/punchin/cancel", "silent")
        tcp.until("cancelled", id="silent")
        assert tcp.done("bgm", "next", song)


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
