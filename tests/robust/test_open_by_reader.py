"""A poller on Windows that holds `job.json` open: renames are tried again, the loop goes on."""

import asyncio
import errno
import time
from pathlib import Path

import pytest

from daemon.core import durable
from daemon.core.jobs import Job, State
from daemon.core.journal import Journal


class Reader:
    """Holds a file open, as Windows sees it, for a number of renames."""

    def __init__(self, monkeypatch, name, refusals):
        self.refusals = refusals
        real = Path.replace

        def replace(part, target):
            if Path(target).name == name and self.refusals > 0:
                self.refusals -= 1
                raise PermissionError(errno.EACCES, "The process cannot access the file")
            return real(part, target)

        monkeypatch.setattr(Path, "replace", replace)


def _job(job_id="take"):
    return Job(job_id, "generate", {"seed": 1}, "sent", {}, time.time())


def test_a_rename_waits_until_the_reader_has_gone(monkeypatch, tmp_path):
    Reader(monkeypatch, "job.json", 10)
    part, target = tmp_path / "part", tmp_path / "job.json"
    part.write_text("new")
    target.write_text("old")
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        assert target.read_text() == "old"

    asyncio.run(durable.replace_patiently(part, target, sleep))
    assert target.read_text() == "new"
    assert len(slept) == 10
    assert not part.exists()


def test_a_rename_gives_up_after_two_seconds(monkeypatch, tmp_path):
    Reader(monkeypatch, "job.json", 10**9)
    part, target = tmp_path / "part", tmp_path / "job.json"
    part.write_text("new")
    target.write_text("old")
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    with pytest.raises(PermissionError):
        asyncio.run(durable.replace_patiently(part, target, sleep))
    assert sum(slept) == pytest.approx(durable.PATIENCE_S, abs=0.05)
    assert target.read_text() == "old"
    assert not part.exists()


def test_the_journal_waits_without_blocking_the_loop(monkeypatch, tmp_path):
    async def scene():
        journal = Journal(tmp_path)
        journal.open()
        job, other = _job(), _job("other")
        await journal.create(job)
        await journal.create(other)
        reader = Reader(monkeypatch, "job.json", 0)
        reader.refusals = 5
        turns = 0
        job.move(State.RUNNING)
        saving = asyncio.ensure_future(journal.save(job))
        while not saving.done():
            turns += 1  # the loop turns while the rename waits
            await asyncio.sleep(0)
        await saving
        journal.close()
        return turns, journal.load("take")

    turns, saved = asyncio.run(scene())
    assert turns > 100
    assert saved.state is State.RUNNING


def test_a_state_that_can_not_be_written_is_written_later(monkeypatch, tmp_path):
    async def scene():
        journal = Journal(tmp_path)
        journal.open()
        job, other = _job(), _job("other")
        await journal.create(job)
        await journal.create(other)
        reader = Reader(monkeypatch, "job.json", 10**9)
        monkeypatch.setattr(durable, "PATIENCE_S", 0.0)
        job.move(State.FAILED)
        with pytest.raises(Exception, match="could not be written"):
            await journal.save(job)
        assert journal.load("take").state is State.QUEUED
        reader.refusals = 0
        await journal.save(other)
        journal.close()
        return journal.load("take")

    assert asyncio.run(scene()).state is State.FAILED


def test_states_are_written_in_their_order(monkeypatch, tmp_path):
    async def scene():
        journal = Journal(tmp_path)
        journal.open()
        job = _job()
        await journal.create(job)
        Reader(monkeypatch, "job.json", 3)
        job.move(State.RUNNING)
        first = asyncio.ensure_future(journal.save(job))
        await asyncio.sleep(0)
        job.move(State.DONE)
        await asyncio.gather(first, journal.save(job))
        journal.close()
        return journal.load("take")

    assert asyncio.run(scene()).state is State.DONE
