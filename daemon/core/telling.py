"""Telling and writing progress: at most ten times a second and at least every two seconds.

`job.json` follows at most five times a second, `recent.json` soon after each change.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from daemon.core import announce
from daemon.core.bus import Bus
from daemon.core.jobs import ENGINE_JOB, Job, State
from daemon.core.journal import Journal
from daemon.core.roster import Roster

_HEARTBEAT_S = 2.0
_TELL_S = 0.1
_WRITE_S = 0.2
_LEAST_FOR_ETA = 0.02
_MOST_MOVED = 32
_log = logging.getLogger(__name__)


class Teller:
    """Sends a job's events and keeps the files that pollers read up to date."""

    def __init__(
        self, journal: Journal, roster: Roster, bus: Bus, clock: Callable[[], float]
    ) -> None:
        self._journal, self._roster, self._bus = journal, roster, bus
        self._clock = clock
        self._told_at = self._written_at = self._started_at = 0.0
        self._changed = asyncio.Event()
        self._moved: dict[str, Job] = {}

    def tell(self, job: Job, message: announce.Message) -> None:
        """Send one event to all who follow the job."""
        announce.publish(self._bus, job, message, self._journal.folder(job.id))

    def started(self, job: Job) -> None:
        """Tell that a job runs; its time starts now."""
        self._started_at = self._clock()
        self.tell(job, ("/punchin/started", (job.id, job.engine)))
        self.recent_changed()

    async def progress(self, job: Job, fraction: float, stage: str) -> None:
        """Take a worker's progress; tell and write it if its time has come."""
        spent = self._clock() - self._started_at
        known = fraction > _LEAST_FOR_ETA
        eta_s = spent * (1 - fraction) / fraction if known else -1.0
        job.advance(fraction, stage, round(eta_s, 2))
        now = self._clock()
        if now - self._told_at >= _TELL_S:
            self._tell_progress(job)
        if now - self._written_at >= _WRITE_S:
            self._written_at = now
            await self._journal.save_progress(job)
            self.recent_changed()

    def _tell_progress(self, job: Job) -> None:
        self._told_at = self._clock()
        self.tell(job, announce.progress(job))

    async def beat(self, running: Callable[[], Job | None]) -> None:
        """Repeat the last progress of a job that is silent, for ever."""
        while True:
            await asyncio.sleep(_HEARTBEAT_S / 4)
            job = running()
            late = self._clock() - self._told_at >= _HEARTBEAT_S * 0.75
            if job and job.state is State.RUNNING and late:
                self._tell_progress(job)

    def recent_changed(self) -> None:
        """Have `recent.json` rewritten soon."""
        self._changed.set()

    def moved(self, jobs: Sequence[Job]) -> None:
        """Have the new positions of waiting jobs written soon, of those next in line at least."""
        self._moved |= {job.id: job for job in jobs[:_MOST_MOVED] if job.op != ENGINE_JOB}
        if self._moved:
            self.recent_changed()

    async def keep_recent(self) -> None:
        """Rewrite `recent.json` and the positions of waiting jobs after changes, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            moved, self._moved = self._moved, {}
            for job in moved.values():
                await self._journal.save_progress(job)
            try:
                await self._journal.save_recent(self._roster.recent())
            except OSError as problem:
                _log.warning("recent.json could not be written: %s", problem)
            await asyncio.sleep(_WRITE_S)
