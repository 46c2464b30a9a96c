"""`kill -9` of the daemon: nothing half-written shows, no accepted job is lost or done twice."""

import json
import random
from pathlib import Path

import pytest
from patience import in_time
from real_house import RATE, Ear, make_source, samples, whole

REGION = ("start", 0.2, "end", 0.6)


_LENGTHS = {"mix": 10 * RATE, "reg": 9 * RATE}


def _long_source(tmp_path):
    """A file that takes a while to write."""
    return str(make_source(tmp_path / "long.wav", seconds=10.0))


def _is_caught_writing(ear, house, job_id, mark):
    """Whether a half-written file with `mark` in its name is seen before take 4 is told."""
    ear.until("/punchin/accepted", about=job_id)
    while not any(mark in name for name in house.hidden(job_id)):
        message = ear.next(0.0005)
        if message and message[0] == "/punchin/file" and message[1][2] == 4:
            return False
    return True


def test_queued_jobs_survive_in_their_order(house, source):
    with Ear(house) as ear:
        ear.send("/punchin/generate", "first", "seconds", 0.2, "prompt", "wait 600")
        ear.until("/punchin/progress", about="first")
        for n in range(3):
            ear.send("/punchin/repaint", f"q{n}", source, *REGION, "seed", n, "tag", f"t{n}")
            ear.until("/punchin/accepted", about=f"q{n}")
        assert house.job("first")["state"] == "running"
        house.kill()
    assert [house.job(f"q{n}")["state"] for n in range(3)] == ["queued"] * 3
    house.start()
    with Ear(house, notify=True) as ear:
        rows = ear.ask("/punchin/jobs")
        assert [r["id"] for r in rows][:4] == ["first", "q0", "q1", "q2"]
        ear.send("/punchin/cancel", "first")
        assert ear.ended("first")[0] == "cancelled"
        assert [ear.ended(f"q{n}")[0] for n in range(3)] == ["done"] * 3
    for n in range(3):
        assert house.job(f"q{n}")["_runs"] == 1
        assert house.job(f"q{n}")["tag"] == f"t{n}"


def test_a_running_job_runs_again_with_the_same_samples(house, source, tmp_path):
    go = tmp_path / "go"
    args = (source, *REGION, "takes", 2)  # without a seed: the one that was chosen must hold
    request = ("cut", *args, "prompt", f"hold {go} after one")
    with Ear(house) as ear:
        ear.send("/punchin/repaint", *request)
        ear.until("/punchin/file", about="cut")
        seed = house.job("cut")["request"]["seed"]
        first = house.files("cut")[0]
        before = (first.stat().st_ino, first.stat().st_mtime_ns)
        house.kill()
    go.touch()
    house.start()
    with Ear(house) as ear:
        assert ear.run("repaint", *request)[0] == "done"
        assert ear.run("repaint", "reference", *args, "seed", seed)[0] == "done"
    assert house.job("cut")["_runs"] == 2
    assert (first.stat().st_ino, first.stat().st_mtime_ns) == before
    for a, b in zip(house.files("cut"), house.files("reference"), strict=True):
        assert a.name == b.name
        assert (samples(a) == samples(b)).all()


@pytest.mark.parametrize("mark", [".mix-", ".region-"])
def test_no_half_written_file_is_visible(house, tmp_path, mark):
    source, go = _long_source(tmp_path), tmp_path / "go"
    keys = ("start", 0.5, "end", 9.5, "takes", 8, "seed", 1, "prompt", f"hold {go} after 4")

    def attempt(number):  # this test may sleep through four takes
        job_id = f"writing{mark.strip('.-')}{number}"
        ear.send("/punchin/cancel", "*")
        ear.send("/punchin/repaint", job_id, source, *keys)
        assert _is_caught_writing(ear, house, job_id, mark)
        return job_id

    with Ear(house) as ear:
        job_id = in_time(attempt)
        house.kill()
    for path in house.files(job_id):
        whole(path, _LENGTHS[path.name[:3]])
    assert house.job(job_id)["state"] == "running"
    go.touch()
    house.start()
    with Ear(house, notify=True) as ear:
        assert ear.run("repaint", job_id, source, *keys)[0] == "done"
    assert house.hidden(job_id) == []
    names = [f"{role}-{take}.wav" for role in ("mix", "region") for take in range(1, 9)]
    assert [p.name for p in house.files(job_id)] == names
    for path in house.files(job_id):
        whole(path, _LENGTHS[path.name[:3]])


def test_copies_in_a_clients_folder_have_no_twin(house, source, tmp_path):
    folder, go = tmp_path / "media", tmp_path / "go"
    keys = ("seed", 3, "folder", str(folder), "takes", 2, "prompt", f"hold {go} after 3")
    request = ("copied", source, *REGION, *keys)
    with Ear(house) as ear:
        ear.send("/punchin/repaint", *request)
        ear.until("/punchin/file", about="copied")
        # As if the crash had come before the take was noted.
        house.kill()
        told = house.home / "jobs" / "copied" / "job.json"
        job = house.job("copied")
        told.write_text(told.read_text().replace(_rows(job["files"]), '"files": []'))
        assert house.job("copied")["files"] == []
    go.touch()
    house.start()
    with Ear(house) as ear:
        assert ear.run("repaint", *request)[0] == "done"
    names = [f"copied-{role}-{take}.wav" for role in ("mix", "region") for take in (1, 2)]
    assert sorted(p.name for p in folder.iterdir()) == names


def _rows(files):
    return f'"files": {json.dumps(files, ensure_ascii=False)}'


def test_the_third_death_ends_a_job(open_house, source):
    house = open_house()
    for run in range(3):
        with Ear(house, notify=True) as ear:
            if run == 0:
                ear.send("/punchin/repaint", "fatal", source, *REGION, "prompt", "wait 600")
            ear.until("/punchin/progress", about="fatal")
            assert house.job("fatal")["_runs"] == run + 1
            house.kill()
        house.start()
    with Ear(house) as ear:
        # A resend is told the end, and runs nothing.
        word, args = ear.run("repaint", "fatal", source, *REGION, "prompt", "wait 600")
        assert (word, args[0]) == ("failed", 305)
        assert ear.run("generate", "next", "seconds", 0.2)[0] == "done"
    assert house.job("fatal")["state"] == "failed"
    assert house.job("fatal")["_runs"] == 3


def test_an_ended_job_is_never_run_again(house, source):
    with Ear(house) as ear:
        assert ear.run("repaint", "once", source, *REGION, "seed", 1)[0] == "done"
        assert ear.run("generate", "broke", "seconds", 0.2, "prompt", "raise")[0] == "failed"
        before = [(p.name, p.stat().st_mtime_ns) for p in house.files("once")]
        house.kill()
    house.start()
    with Ear(house) as ear:
        assert ear.run("repaint", "once", source, *REGION, "seed", 1)[0] == "done"
        assert ear.run("generate", "broke", "seconds", 0.2, "prompt", "raise")[0] == "failed"
        assert not any(m[0] == "/punchin/started" for m in ear.heard)
    assert [(p.name, p.stat().st_mtime_ns) for p in house.files("once")] == before
    assert house.job("once")["_runs"] == 1


def test_a_job_that_was_never_accepted_leaves_its_id_free(house):
    house.kill()
    (house.home / "jobs" / "unborn").mkdir()
    (house.home / "jobs" / "unborn" / ".job.json.1.2.part").write_text('{"id": "unb')
    house.start()
    assert "unborn" not in house.job_ids()
    with Ear(house) as ear:
        assert ear.run("generate", "unborn", "seconds", 0.2)[0] == "done"


def test_a_folder_that_is_no_job_is_left_alone(house):
    house.kill()
    takes = house.home / "jobs" / "Keep.me"
    takes.mkdir()
    (takes / "mix-1.wav").write_bytes(b"music")
    (takes / "job.json").write_text("{ damaged")
    house.start()
    with Ear(house) as ear:
        ear.send("/punchin/generate", "keep.ME", "seconds", 0.2)
        assert ear.until("/punchin/error", "/punchin/failed")[0] == 105
        assert (takes / "mix-1.wav").read_bytes() == b"music"
        assert ear.run("generate", "other", "seconds", 0.2)[0] == "done"


def test_kills_at_random_moments(open_house, source, capsys):
    chance = random.Random(2604)
    house = open_house()
    told, ends, seen = set(), {}, {}
    rounds, made = 15, 0
    for _ in range(rounds):
        with Ear(house, notify=True) as ear:
            for _ in range(chance.randint(1, 3)):
                prompt = f"wait {chance.choice([0, 0, 0.05])}"
                seed = made % 4
                args = (source, *REGION, "seed", seed, "takes", 1 + made % 2, "prompt", prompt)
                ear.send("/punchin/repaint", f"j{made}", *args)
                made += 1
            for _ in range(chance.randint(0, 14)):
                if ear.next(0.5) is None:
                    break
            ear.next(chance.uniform(0, 0.03))
            house.kill()
            while ear.next(0.2):
                pass
            _note(ear, told, ends, seen)
        _look(house)
        house.start()
    with Ear(house, notify=True) as ear:
        ear.send("/punchin/repaint", "last", source, *REGION, "seed", 0)
        ear.ended("last")
        _note(ear, told, ends, seen)
    _look(house)
    jobs = {job_id: house.job(job_id) for job_id in house.job_ids()}
    assert told <= jobs.keys(), "an accepted job was forgotten"
    for job_id, job in jobs.items():
        _check_end(job, ends.get(job_id, []))
    for path, mark in seen.items():
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == mark, f"{path} was changed"
    _check_same_samples(house, jobs)
    states = [job["state"] for job in jobs.values()]
    runs = [job["_runs"] for job in jobs.values()]
    with capsys.disabled():
        print(
            f"\n  {rounds} kills, {made} jobs sent, {len(told)} heard accepted: "
            f"{states.count('done')} done, {states.count('failed')} failed as 305, "
            f"{sum(r > 1 for r in runs)} run more than once"
        )


def _note(ear, told, ends, seen):
    """Keep which jobs were accepted, how they ended, and what their announced files were."""
    for address, args in ear.heard:
        if address == "/punchin/accepted":
            told.add(args[0])
        elif address in ("/punchin/done", "/punchin/failed", "/punchin/cancelled"):
            ends.setdefault(args[0], []).append(address)
        elif address == "/punchin/file":
            path = Path(args[3])
            mark = (path.stat().st_ino, path.stat().st_mtime_ns)
            assert seen.setdefault(path, mark) == mark, f"{path} was written twice"


def _look(house):
    """Every visible file is whole, at any moment."""
    for job_id in house.job_ids():
        if (house.home / "jobs" / job_id / "job.json").exists():
            house.job(job_id)
        else:
            assert house.files(job_id) == []
        for path in house.files(job_id):
            whole(path, RATE if path.name.startswith("mix") else round(0.4 * RATE))


def _check_end(job, ends):
    assert len(ends) <= 1, f"{job['id']} ended {len(ends)} times"
    assert 1 <= job["_runs"] <= 3
    if job["state"] == "failed":
        assert job["error"]["code"] == 305
        assert job["_runs"] == 3
    else:
        assert job["state"] == "done"
        assert {f["take"] for f in job["files"]} == set(
            range(1, job["request"].get("takes", 1) + 1)
        )


def _check_same_samples(house, jobs):
    """A job that was cut off and run again sounds like one that was not."""
    first = {}
    for job_id, job in jobs.items():
        for f in job["files"] if job["op"] == "repaint" else ():
            key = (f["role"], f["seed"])
            found = samples(f["path"])
            assert (first.setdefault(key, found) == found).all(), job_id
