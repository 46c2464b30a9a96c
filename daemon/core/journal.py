"""The journal is the job folder: `<home>/jobs/<id>/job.json`, rewritten atomically at each change.

A change of state is on the disk before anyone hears of it; progress is written without flushing.
A small ballast file keeps room for the last word when the disk is full.

Threads: the async methods belong to the control loop; the file work runs on one thread, in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from bridge.protocol.errors import PunchinError, error
from daemon.core import durable
from daemon.core.jobs import Job, State
from daemon.disk import flush_folder

RECENT = 50
_BALLAST_BYTES = 2 << 20  # the largest job.json: texts of 256 KiB, held twice, as JSON
_HEAD_BYTES = 2048
_FORGOTTEN = ".forgotten"
_STATE = re.compile(rb'"state": ?"(\w+)"')
_log = logging.getLogger(__name__)


class Journal:
    """All job folders of one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.jobs = home / "jobs"
        self._ballast = home / ".ballast"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._writing: set[str] = set()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._folders: dict[str, Path] = {}
        self._late: dict[str, Job] = {}

    def open(self) -> None:
        """Make the folders and learn which jobs exist. Raises OSError."""
        self.jobs.mkdir(parents=True, exist_ok=True)
        for forgotten in self.jobs.glob(f".*{_FORGOTTEN}"):
            shutil.rmtree(forgotten, True)
        self._folders = {p.name.lower(): p for p in self.jobs.iterdir() if p.is_dir()}
        _sweep(self.home)
        with contextlib.suppress(OSError):
            self._put_ballast()

    def close(self) -> None:
        """Finish what is being written."""
        self._thread.shutdown(wait=True)

    def folder(self, job_id: str) -> Path:
        """Return a job's folder; ids differ by more than case."""
        return self._folders.get(job_id.lower(), self.jobs / job_id)

    def exists(self, job_id: str) -> bool:
        """Whether this id, in whatever case, has a folder."""
        return job_id.lower() in self._folders

    # -- writing -----------------------------------------------------------------------------------

    async def create(self, job: Job) -> None:
        """Make the job's folder and write its first state. Raises 105, 400, 401, leaving nothing.

        A folder that is there already is somebody's music, whatever it holds, and is not touched.
        """
        folder = self.jobs / job.id
        try:
            if self.exists(job.id):
                raise FileExistsError
            await self._call(folder.mkdir)
        except FileExistsError:
            raise error(105, f"{folder} is there already: choose a new id") from None
        except OSError as problem:
            raise durable.as_punchin(problem, "the job") from None
        try:
            await self._call(self._prepare)
            self._folders[job.id.lower()] = folder
            await self._write(job, True)
        except OSError as problem:
            await self._call(shutil.rmtree, folder, True)
            self._folders.pop(job.id.lower(), None)
            raise durable.as_punchin(problem, "the job") from None

    async def save(self, job: Job) -> None:
        """Write a change of state, durably. On a full disk the ballast makes room.

        Raises 400, 401. An end that could not be written is written when the disk takes one again.
        """
        await self._save(job)
        while self._late:
            late = self._late.pop(next(iter(self._late)))
            try:
                await self._save(late)
            except PunchinError:
                break

    async def _save(self, job: Job) -> None:
        try:
            try:
                await self._write(job, True)
            except OSError as problem:
                if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                await self._call(self._ballast.unlink, True)
                await self._write(job, True)
        except OSError as problem:
            if job.ended:
                self._late[job.id] = job
            raise durable.as_punchin(problem, "the job's state") from None

    async def save_progress(self, job: Job) -> None:
        """Write progress, unless the last one is still under way."""
        if job.id in self._writing or job.ended:
            return
        self._writing.add(job.id)
        try:
            with contextlib.suppress(OSError):
                await self._write(job, False)
        finally:
            self._writing.discard(job.id)

    async def save_recent(self, jobs: list[Job]) -> None:
        """Write `recent.json`."""
        data = json.dumps([j.brief() for j in jobs], ensure_ascii=False).encode()
        target = self.home / "recent.json"
        part = await self._call(durable.write_part, target, data, False)
        await durable.replace_patiently(part, target)

    async def remove(self, job: Job) -> None:
        """Remove an ended job's folder: at once, then what is in it. Raises OSError.

        What engines keep of the job, `cache/<engine>/<job>`, goes with it.
        """
        folder = self.folder(job.id)
        hidden = folder.with_name(f".{folder.name}{_FORGOTTEN}")
        self._late.pop(job.id, None)
        await self._call(folder.rename, hidden)
        self._folders.pop(job.id.lower(), None)
        await self._call(shutil.rmtree, hidden, True)
        for kept in await self._call(list, (self.jobs.parent / "cache").glob(f"*/{job.id}")):
            await self._call(shutil.rmtree, kept, True)

    async def _write(self, job: Job, flush: bool) -> None:
        lock = self._locks.setdefault(job.id.lower(), asyncio.Lock())
        async with lock:
            data = json.dumps(job.as_dict(), ensure_ascii=False).encode("utf-8", "replace")
            target = self.folder(job.id) / "job.json"
            part = await self._call(durable.write_part, target, data, flush)
            await durable.replace_patiently(part, target)
            if flush:
                await self._call(flush_folder, target.parent)

    def _prepare(self) -> None:
        """Make the new folder durable; no job is accepted without room for its last word."""
        flush_folder(self.jobs)
        self._put_ballast()

    def _put_ballast(self) -> None:
        if not self._ballast.exists():
            # Random bytes, because some file systems store zeros in no space at all.
            part = durable.write_part(self._ballast, os.urandom(_BALLAST_BYTES), True)
            part.replace(self._ballast)

    async def _call(self, work: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    # -- reading -----------------------------------------------------------------------------------

    def load(self, job_id: str) -> Job | None:
        """Read one job back, None when there is none or its file is not ours."""
        try:
            data = json.loads((self.folder(job_id) / "job.json").read_bytes())
            return Job.from_dict(data)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def unfinished(self) -> list[Job]:
        """Return the jobs that a stop or a crash left open, oldest first; sweep half-written files.

        Ended jobs are told by the head of their file, without reading the whole.
        """
        found = [self._unfinished(folder) for folder in list(self._folders.values())]
        return sorted((job for job in found if job), key=lambda job: (job.created, job.order))

    def _unfinished(self, folder: Path) -> Job | None:
        try:
            with (folder / "job.json").open("rb") as file:
                head = _STATE.search(file.read(_HEAD_BYTES))
        except OSError:
            head = None
            if self._never_accepted(folder):
                return None
        if head and head[1].decode() in (State.DONE, State.FAILED, State.CANCELLED):
            return None
        _sweep(folder)
        job = self.load(folder.name)
        if job is None:
            _log.warning("%s holds no readable job.json; left alone", folder)
        return job if job and not job.ended else None

    def _never_accepted(self, folder: Path) -> bool:
        """Remove what a crash left of a job before its first state was on the disk."""
        try:
            _sweep(folder)
            folder.rmdir()
        except OSError:
            return False
        del self._folders[folder.name.lower()]
        return True

    def recent(self) -> Iterator[Job]:
        """Yield the jobs that were touched last, newest first."""
        by_time = sorted(self._folders.values(), key=_touched, reverse=True)
        for folder in by_time[:RECENT]:
            job = self.load(folder.name)
            if job:
                yield job


def _sweep(folder: Path) -> None:
    """Remove half-written files."""
    for part in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _touched(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
