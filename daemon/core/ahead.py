"""Preparation on selection: what the context tells is computed ahead, once the user pauses.

Where a region is selected, that is a job on it; where only a prompt or a preset is told, a new
piece. A preparation changes nothing but how soon a later job is done. What can't become a job yet
(no region, no such file) is not prepared, and nobody hears of it.

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
_NEW = "generate"  # what a prompt is told for without a source
_ASK_FOR_NEW = frozenset({"prompt", "preset"})
_LENGTH = frozenset({"seconds", "bars"})
_LENGTH_S = 16.0  # of a new piece whose length nobody has told yet
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
        if snapshot.source is not None or _ASK_FOR_NEW & _told(snapshot):
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
        able = await self._workers.prepares(engine)
        for op in self._likely_ops(able) if snapshot.source else able & {_NEW}:
            work = await self._work(op, snapshot)
            if work is not None:
                self._workers.prepare(engine, self._stage.models.get(engine), work)
                return

    def _likely_ops(self, able: frozenset[str]) -> Iterator[str]:
        """The op of the last job comes first: whoever made a cover may well make another."""
        last = [job.op for job in self._roster.recent()[:1]]
        likely = (op for op in (*last, _LIKELY) if op in able and op != _NEW)
        yield from dict.fromkeys(likely)

    async def _work(self, op: str, snapshot: Snapshot) -> Work | None:
        keys = {} if op != _NEW or _LENGTH & _told(snapshot) else {"seconds": _LENGTH_S}
        try:
            admitted = await self._admission.admit(JobCall(op, "*", None, keys), snapshot)
        except PunchinError:
            return None
        return work_of(Job("*", op, admitted.request, "", admitted.facts, time.time()))


def _told(snapshot: Snapshot) -> set[str]:
    return snapshot.values.keys() | snapshot.defaults.keys()


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        _log.error("a preparation failed", exc_info=task.exception())
