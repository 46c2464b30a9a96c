"""A full disk and a disk that can't be written: numbered errors, nothing half-written, and on."""

import contextlib
import ctypes
import os
import subprocess
import sys
import time

import pytest
from patience import PATIENCE_S
from real_house import RATE, Ear, House, make_source, whole

from daemon.sinks.tape import Budget, Tape

REGION = ("start", 0.2, "end", 0.6)
_BLOCK_BYTES = 4096


def _mount(*args):
    done = subprocess.run(["mount", *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"NOT TESTED, mounting a small disk needs root: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MiB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("NOT TESTED, mounting a small disk needs Linux and root")
    disk = tmp_path / "disk"
    disk.mkdir()
    _mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", disk)
    yield disk
    # Lazily: a daemon that is still ending may hold it.
    ctypes.CDLL(None).umount2(str(disk).encode(), 2)


@pytest.fixture
def small_house(small_disk):
    house = House(small_disk / "home").start()
    yield house
    house.close()


def _fill(disk, leave_bytes):
    """Take the free space but for `leave_bytes`; return the file that holds it.

    Whatever the daemon writes or removes meanwhile: all is taken, then given back.
    """
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(bytes(_BLOCK_BYTES)):
                pass
        file.truncate(max(0, file.tell() - leave_bytes))
    return filler


def _nothing_half_written(house, job_id):
    assert house.files(job_id) == []
    assert house.hidden(job_id) == []


def _warm(ear):
    """Have the worker loaded, so that only the job touches the disk from here on."""
    assert ear.run("generate", "warm", "seconds", 0.05)[0] == "done"


def test_a_full_disk_refuses_a_job_and_leaves_nothing(small_disk, small_house, source):
    with Ear(small_house) as ear:
        _warm(ear)
        filler = _fill(small_disk, 0)
        args = ("repaint", "refused", source, *REGION)
        word, (code, name, message) = ear.run(*args)
        assert (word, code, name) == ("failed", 400, "disk-full")
        assert "free" in message
        assert small_house.job_ids() == ["warm"]
        filler.unlink()
        assert ear.run(*args)[0] == "done"  # the refused id is free


def test_a_disk_that_fills_while_a_take_is_written(small_disk, small_house, tmp_path):
    source = str(make_source(tmp_path / "long.wav", seconds=10.0))
    small, go = str(make_source(tmp_path / "small.wav", seconds=1.0)), tmp_path / "go"
    with Ear(small_house) as ear:
        _warm(ear)
        args = ("prompt", f"hold {go}", "seed", 1)
        ear.send("/punchin/repaint", "burst", source, "start", 0.5, "end", 9.5, *args)
        ear.send("/punchin/repaint", "behind", small, *REGION)
        ear.until("/punchin/accepted", about="behind")
        ear.until("/punchin/progress", about="burst")
        filler = _fill(small_disk, 100_000)
        go.touch()
        word, (code, *_) = ear.ended("burst")
        assert (word, code) == ("failed", 400)
        job = small_house.job("burst")
        assert (job["state"], job["error"]["code"]) == ("failed", 400)
        _nothing_half_written(small_house, "burst")
        word, (code, *_) = ear.ended("behind")  # accepted before; its turn came on the full disk
        assert (word, code) == ("failed", 400)
        assert small_house.job("behind")["state"] == "failed"
        filler.unlink()
        assert ear.run("repaint", "next", small, *REGION)[0] == "done"
        whole(small_house.files("next")[0], RATE)
    small_house.kill()
    small_house.start()
    with Ear(small_house) as ear:
        assert {r["id"]: r["state"] for r in ear.ask("/punchin/jobs")} == {
            "warm": "done",
            "burst": "failed",
            "behind": "failed",
            "next": "done",
        }


def test_the_last_word_is_kept_even_on_a_disk_without_a_byte(small_disk, small_house, tmp_path):
    lyrics, go = "la " * 80_000, tmp_path / "go"
    with Ear(small_house) as ear:
        _warm(ear)
        args = ("prompt", f"hold {go} raise", "lyrics", lyrics)
        ear.send("/punchin/generate", "wordy", "seconds", 0.1, *args)
        ear.until("/punchin/progress", about="wordy")
        _fill(small_disk, 0)
        go.touch()
        word, (code, *_) = ear.ended("wordy")
        assert word == "failed"
        job = small_house.job("wordy")
        assert (job["state"], job["error"]["code"]) == ("failed", code)
        assert job["request"]["lyrics"] == lyrics


def test_a_full_folder_of_the_client_fails_the_job_and_keeps_the_take(house, small_disk, source):
    filler = _fill(small_disk, 20_000)
    with Ear(house) as ear:
        args = (source, *REGION, "folder", str(small_disk))
        word, (code, *_) = ear.run("repaint", "crowded", *args)
        assert (word, code) == ("failed", 400)
    assert [p for p in small_disk.iterdir() if p != filler] == []
    for path in house.files("crowded"):
        whole(path)


@contextlib.contextmanager
def _read_only(folder):
    """Nobody can write below `folder` inside."""
    _mount("--bind", folder, folder)
    try:
        command = ["mount", "-o", "remount,bind,ro", str(folder)]
        end_s = time.monotonic() + PATIENCE_S
        while True:  # refused while a file below is open for writing
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0 or time.monotonic() > end_s:
                break
        assert done.returncode == 0, done.stderr
        yield
    finally:
        ctypes.CDLL(None).umount2(str(folder).encode(), 2)


@pytest.fixture
def root():
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("NOT TESTED, a read-only mount needs Linux and root")


def test_a_home_that_becomes_read_only(root, house, source, tmp_path):
    go = tmp_path / "go"
    with Ear(house) as ear:
        ear.send("/punchin/repaint", "open", source, *REGION, "prompt", f"hold {go}")
        ear.send("/punchin/repaint", "queued", source, *REGION)
        ear.until("/punchin/accepted", about="queued")
        ear.until("/punchin/progress", about="open")
        with _read_only(house.home / "jobs"):
            go.touch()
            word, (code, *_) = ear.ended("open")
            assert (word, code) == ("failed", 401)
            word, (code, *_) = ear.ended("queued")
            assert (word, code) == ("failed", 401)
            word, (code, *_) = ear.run("repaint", "refused", source, *REGION)
            assert (word, code) == ("failed", 401)
            assert ear.ask("/punchin/status")["state"] == "idle"
        assert ear.run("repaint", "refused", source, *REGION)[0] == "done"
    # What could not be written then has been written since: nothing is done again.
    for name in ("open", "queued"):
        assert house.job(name)["error"]["code"] == 401


def test_a_job_folder_that_becomes_read_only(root, house, source, tmp_path):
    go = tmp_path / "go"
    with Ear(house) as ear:
        ear.send("/punchin/repaint", "locked", source, *REGION, "prompt", f"hold {go}")
        ear.until("/punchin/progress", about="locked")
        with _read_only(house.home / "jobs" / "locked"):
            go.touch()
            word, (code, *_) = ear.ended("locked")
            assert (word, code) == ("failed", 401)
            assert house.files("locked") == []
        assert ear.run("repaint", "unlocked", source, *REGION)[0] == "done"


def test_a_clients_folder_that_cannot_be_written(house, source, tmp_path):
    file = tmp_path / "file"
    file.write_text("no folder")
    with Ear(house) as ear:
        for n, folder in enumerate((file, file / "below", "/proc/nowhere")):
            word, (code, *_) = ear.run("repaint", f"f{n}", source, *REGION, "folder", str(folder))
            assert (word, code) == ("failed", 401)
        word, (code, *_) = ear.run("repaint", "rel", source, *REGION, "folder", "takes")
        assert (word, code) == ("failed", 101)
    assert not set(house.job_ids()) & {"f0", "f1", "f2", "rel"}


def _record_a_lot(tape):
    for n in range(1, 40):
        tape.record(10_000 * n, bytes(80_000))
        list(tape.blocks(tape.frames))


def test_a_tape_that_moves_to_a_full_disk_leaves_nothing(small_disk):
    """Tapes live in memory until they are large; a job's last word must not depend on them."""
    filler = _fill(small_disk, 100_000)
    tape = Tape(small_disk / ".region.tape.part", 2, Budget(80_000))
    tape.record(0, bytes(80_000))
    with pytest.raises(OSError, match="No space"):
        _record_a_lot(tape)
    tape.close()
    assert list(small_disk.iterdir()) == [filler]
