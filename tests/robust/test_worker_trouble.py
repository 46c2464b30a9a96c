"""Engines that crash, hang, stall or hand back rubbish: the job fails, the house goes on."""

import time

import pytest
from patience import PATIENCE_S
from real_house import Ear, samples, whole


@pytest.mark.parametrize(
    ("prompt", "code"),
    [("raise", 500), ("oom", 304), ("nan", 307), ("short", 307), ("nothing", 307), ("die", 305)],
)
def test_a_misbehaving_engine_fails_its_own_job_alone(house, source, prompt, code):
    with Ear(house) as ear:
        word, args = ear.run("repaint", prompt, source, "start", 0.2, "end", 0.6, "prompt", prompt)
        assert (word, args[0]) == ("failed", code)
        assert args[2].count("\n") == 0
        assert house.job(prompt)["error"]["code"] == code
        assert house.job(prompt)["_runs"] == (3 if prompt == "die" else 1)
        assert house.files(prompt) == []
        assert house.hidden(prompt) == []
        assert ear.run("generate", f"after-{prompt}", "seconds", 0.2)[0] == "done"


def test_a_killed_worker_is_replaced_and_the_take_is_the_same(house, source, tmp_path):
    go = tmp_path / "go"
    args = (source, "start", 0.2, "end", 0.6, "seed", 7, "takes", 3)
    with Ear(house) as ear:
        assert ear.run("repaint", "calm", *args)[0] == "done"
        ear.send("/punchin/repaint", "hurt", *args, "prompt", f"hold {go} after 7")
        ear.until("/punchin/file", about="hurt")
        first = house.files("hurt")[0]
        kept = first.stat()
        house.worker().kill()
        go.touch()
        assert ear.ended("hurt")[0] == "done"
        names = [p.name for p in house.files("calm")]
        assert [p.name for p in house.files("hurt")] == names
        for calm, hurt in zip(house.files("calm"), house.files("hurt"), strict=True):
            whole(hurt)
            assert (samples(calm) == samples(hurt)).all()
        now = first.stat()
        assert (now.st_ino, now.st_mtime_ns) == (kept.st_ino, kept.st_mtime_ns)
        files = [a for a in ear.heard if a[0] == "/punchin/file" and a[1][0] == "hurt"]
        assert len(files) == 6
        assert house.job("hurt")["_runs"] == 2


def test_fractions_never_go_down_across_a_death(house, source, tmp_path):
    prompt = f"wait 0.3 die once {tmp_path / 'mark'}"
    with Ear(house) as ear:
        args = ("repaint", "job", source, "start", 0.2, "end", 0.6, "prompt", prompt)
        assert ear.run(*args)[0] == "done"
        heard = [a[1][1] for a in ear.heard if a[0] == "/punchin/progress"]
        assert heard == sorted(heard)
        assert sum(a[0] == "/punchin/started" for a in ear.heard) == 2


def test_a_worker_that_is_killed_while_it_loads_is_started_again(open_house, source, tmp_path):
    house, mark = open_house(), tmp_path / "mark"
    with Ear(house) as ear:
        ear.send("/punchin/engine", "fake", f"falls {mark}")
        assert ear.ended("engine")[0] == "done"
        mark.unlink()
        house.worker().kill()
        word, _ = ear.run("repaint", "job", source, "start", 0.2, "end", 0.6)
        assert word == "done"
        assert mark.exists()


def test_a_load_that_fails_is_told_until_one_goes_well(open_house, tmp_path):
    def told():
        status = ear.ask("/punchin/status")
        return status["state"], next(e for e in status["engines"] if e["name"] == "fake")

    def changed(*engine):
        ear.send("/punchin/engine", *engine)
        return ear.ended("engine")[0]

    with Ear(open_house()) as ear:
        assert changed("fake", f"falls {tmp_path / 'nowhere' / 'mark'}") == "failed"
        state, row = told()
        assert (state, row["state"]) == ("broken", "broken")
        assert row["trouble"]
        assert changed("fake") == "done"
        assert told()[1]["trouble"] == ""
        assert changed("none") == "done"
        assert (told()[0], told()[1]["state"]) == ("idle", "available")


def test_a_worker_that_hangs_is_killed_after_a_cancel(open_house, source):
    house = open_house(jobs_cancel_s=0.5)
    with Ear(house) as ear:
        ear.send("/punchin/repaint", "stuck", source, "start", 0.2, "end", 0.6, "prompt", "hang")
        while ear.until("/punchin/progress", about="stuck")[2] != "thinking":
            pass
        first = house.worker()
        ear.send("/punchin/cancel", "stuck")
        assert ear.ended("stuck")[0] == "cancelled"
        first.wait(PATIENCE_S)
        assert house.job("stuck")["state"] == "cancelled"
        assert ear.run("generate", "next", "seconds", 0.2)[0] == "done"
        assert house.worker().pid != first.pid


def test_an_engine_that_goes_silent_stalls(open_house, source):
    house = open_house(jobs_stall_s=8)  # more than a busy machine stands still
    with Ear(house) as ear:
        word, args = ear.run("repaint", "still", source, "start", 0.2, "end", 0.6, "prompt", "hang")
        assert (word, args[0]) == ("failed", 306)
        assert ear.run("generate", "next", "seconds", 0.2)[0] == "done"


def test_a_cancel_keeps_a_worker_that_listens(open_house, capsys):
    house = open_house(jobs_cancel_s=PATIENCE_S)
    with Ear(house) as ear:
        took = []
        pid = None
        for n in range(5):
            ear.send("/punchin/generate", f"c{n}", "seconds", 0.2, "prompt", "wait 600")
            ear.until("/punchin/progress", about=f"c{n}")
            pid = pid or house.worker().pid
            start = time.perf_counter()
            ear.send("/punchin/cancel", f"c{n}")
            assert ear.ended(f"c{n}")[0] == "cancelled"
            took.append(1000 * (time.perf_counter() - start))
        assert house.worker().pid == pid
    with capsys.disabled():
        print(f"\n  cancel to event: {min(took):.1f} to {max(took):.1f} ms")
