"""Preparation on selection: what the context tells is computed ahead, once the user pauses.

A preparation changes nothing but how soon a later job is done. What can't become a job yet (no
region, no such file) is not prepared, and nobody hears of it.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator

from bridge.protocol.check import JobCall
from bridge.protocol.errors import PunchinError
from daemon.core.admission import Admission, work_of
from daemon.core.context import Snapshot
from daemon.core.jobs import Job
from daemon.core.planner import Work
from daemon.core.ports import Workers
from daemon.core.roster import Roster
from daemon.core.stage import Stage

PAUSE_S = 0.150
"""A selection that moves on within this time is not worth preparing."""

_LIKELY = "repaint"  # what a region is told for, as long as no job says otherwise
_log = logging.getLogger(__name__)


class Preparation:
    """Has the idle worker prepare the job that the context makes likely."""

    def __init__(
        self, admission: Admission, roster: Roster, stage: Stage, workers: Workers
    ) -> None:
        self._admission, self._roster = admission, roster
        self._stage, self._workers = stage, workers
        self._task: asyncio.Task[None] | None = None

    def changed(self, snapshot: Snapshot) -> None:
        """Take the context as it is now; what was due for an earlier one is given up."""
        self.close()
        if snapshot.source is not None:
            self._task = asyncio.create_task(self._after_a_pause(snapshot))
            self._task.add_done_callback(_report)

    def close(self) -> None:
        """Give up what is due."""
        if self._task:
            self._task.cancel()
        self._task = None

    async def _after_a_pause(self, snapshot: Snapshot) -> None:
        await asyncio.sleep(PAUSE_S)
        await self._stage.idle()
        engine = snapshot.defaults.get("engine") or self._stage.engine_for_new_jobs
        for op in self._likely_ops(await self._workers.prepares(engine)):
            work = await self._work(op, snapshot)
            if work is not None:
                self._workers.prepare(engine, self._stage.models.get(engine), work)
                return

    def _likely_ops(self, able: frozenset[str]) -> Iterator[str]:
        """The op of the last job comes first: whoever made a cover may well make another."""
        last = [job.op for job in self._roster.recent()[:1]]
        yield from dict.fromkeys(op for op in (*last, _LIKELY) if op in able)

    async def _work(self, op: str, snapshot: Snapshot) -> Work | None:
        try:
            admitted = await self._admission.admit(JobCall(op, "*", None), snapshot)
        except PunchinError:
            return None
        return work_of(Job("*", op, admitted.request, "", admitted.facts, time.time()))


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        _log.error("a preparation failed", exc_info=task.exception())
