"""The studio: what clients can ask of jobs. Frontends call it, `stage` runs what it has accepted.

Threads: the control loop's thread only. The methods that touch the disk are coroutines and are
called one after the other, in the order in which clients asked.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bridge.protocol.check import JobCall, as_sent, job_call
from bridge.protocol.commands import Command
from bridge.protocol.errors import PunchinError, error
from bridge.protocol.ops import SINKS
from daemon.core import announce, durable
from daemon.core.admission import Admission, Admitted
from daemon.core.barriers import Barriers
from daemon.core.bus import Bus, Listener
from daemon.core.context import Snapshot
from daemon.core.jobs import Job, State
from daemon.core.journal import Journal
from daemon.core.ports import Workers
from daemon.core.roster import Roster
from daemon.core.stage import Stage

_READY_SINKS = frozenset(SINKS)


class Studio:
    """Accepts, cancels, shows and forgets jobs."""

    def __init__(
        self,
        journal: Journal,
        roster: Roster,
        bus: Bus,
        stage: Stage,
        workers: Workers,
        admission: Admission,
        queue: int,
    ) -> None:
        self._journal = journal
        self.roster = roster
        self.bus = bus
        self._stage = stage
        self._workers = workers
        self._admission = admission
        self._queue = queue
        self._order = 0
        self.barriers: Barriers = stage.barriers

    def recover(self) -> None:
        """Take up what a stop or a crash left: waiting jobs wait again, running ones run again."""
        for job in self._journal.recent():
            if job.ended:
                self.roster.add(job)
        for job in self._journal.unfinished():
            self._order += 1
            job.order = self._order
            self.roster.add(job)
            self._stage.recover(job)

    # -- starting ----------------------------------------------------------------------------------

    async def submit(
        self, row: Command, args: Sequence[Any], snapshot: Snapshot, listener: Listener
    ) -> None:
        """Take a job call. Raises 104, 105; every other refusal is sent as `failed`."""
        job_id = row.args[0].kind.convert(args[0]) if args else ""
        known = self.roster.find(job_id) if job_id not in ("", "*") else None
        try:
            call = job_call(row, args)
            if known:
                return self._resend(known, call, listener)
            job = await self._accept(call, snapshot, listener)
        except PunchinError as e:
            if known:
                raise error(105, _conflict(known.id)) from None
            if e.code in (104, 105):
                raise
            return listener.send("/punchin/failed", job_id, e.code, e.name, e.message)
        for other in self.roster.unfinished():
            if job.slot and other.slot == job.slot and other is not job:
                await self._cancel(other)
        return None

    async def _accept(self, call: JobCall, snapshot: Snapshot, listener: Listener) -> Job:
        self._check_room()
        admitted = await self._admission.admit(call, snapshot)
        engine = self._engine(call.op, admitted)
        if call.id == "*":
            call = replace(call, id=self.roster.new_id(call.op))
        job = self._job(call, admitted, engine)
        job.position = self._stage.ahead_of(job)
        await self._journal.create(job)
        self.roster.add(job)
        self.bus.follow(job.id, listener)
        self.barriers.asked(listener, job.id)
        announce.publish(self.bus, job, announce.accepted(job), self._journal.folder(job.id))
        self._stage.add(job)
        return job

    def _check_room(self) -> None:
        if len(self._stage.line) >= self._queue:
            raise error(109, f"{self._queue} jobs are waiting: cancel some, or wait")

    def _job(self, call: JobCall, admitted: Admitted, engine: str) -> Job:
        self._order += 1
        request = admitted.request
        facts = {**admitted.facts, "told": sorted(admitted.told)}
        return Job(
            id=call.id,
            op=call.op,
            request=request,
            sent=as_sent(call),
            facts=facts,
            created=time.time(),
            engine=engine,
            tag=request.get("tag", ""),
            priority=request.get("priority", 1),
            slot=request.get("slot", "").lower(),
            order=self._order,
        )

    def _engine(self, op: str, admitted: Admitted) -> str:
        """Return the engine of a new job. Raises 300, 301."""
        for sink in admitted.request.get("sinks", "file").split(","):
            if sink not in _READY_SINKS:
                known = ", ".join(s for s in SINKS if s in _READY_SINKS)
                raise error(301, f"the sink {sink} is not in this version: use sinks {known}")
        name = admitted.request.get("engine") or self._stage.engine_for_new_jobs
        if name not in self._workers.known():
            names = ", ".join(self._workers.known())
            raise error(300, f"no engine is called {name}: choose one of {names}")
        ops = self._workers.ops(name)
        if ops is not None and op not in ops:
            raise error(301, f"{name} does no {op}: {self._who_does(op)}")
        return name

    def _who_does(self, op: str) -> str:
        able = [n for n in self._workers.known() if op in (self._workers.ops(n) or ())]
        if able:
            return f"send engine {able[0]} with the job"
        return "no engine that is installed does; punchin status lists them"

    def _resend(self, job: Job, call: JobCall, listener: Listener) -> None:
        if job.sent != as_sent(call):
            raise error(105, _conflict(job.id))
        for message in announce.so_far(job):
            announce.tell(listener, message, self._journal.folder(job.id))
        if not job.ended:
            self.bus.follow(job.id, listener)
            self.barriers.asked(listener, job.id)

    # -- control -----------------------------------------------------------------------------------

    async def cancel(self, job_id: str, listener: Listener) -> None:
        """End a job, `*` for all; an ended one's terminal event is sent again. Raises 108."""
        if job_id == "*":
            return await self.cancel_all()
        job = self.roster.get(job_id)
        if job.ended:
            folder = self._journal.folder(job.id)
            return announce.tell(listener, announce.terminal(job), folder)
        self.bus.follow(job.id, listener)
        return await self._cancel(job)

    async def cancel_all(self) -> None:
        """End every open job of every client, and changes of engine that wait."""
        for job in [*self.roster.unfinished(), *self._stage.line]:
            await self._cancel(job)

    async def _cancel(self, job: Job) -> None:
        if self._stage.running is job:
            self._stage.cancel_running(job)
        elif not job.ended:
            await self._stage.finish(job, State.CANCELLED)

    async def accept(self, job_id: str, take: int, listener: Listener) -> None:
        """Make a take the chosen one. Raises 103, 108."""
        job = self.roster.get(job_id)
        if not any(f.take == take for f in job.files):
            raise error(103, f"job {job.id} has no take {take}: accept one that is finished")
        before, job.chosen = job.chosen, take
        try:
            await self._journal.save(job)
        except PunchinError:
            job.chosen = before
            raise
        message = ("/punchin/chosen", (job.id, take, job.tag))
        for each in {**self.bus.subscribers(), listener.key: listener}.values():
            each.send(message[0], *message[1])

    async def forget(self, job_id: str, listener: Listener) -> None:
        """Remove an ended job's folder. Raises 101, 108, 401."""
        job = self.roster.get(job_id)
        if not job.ended:
            raise error(101, f"job {job.id} is still open: cancel it first")
        try:
            await self._journal.remove(job)
        except OSError as problem:
            raise durable.as_punchin(problem, "the job folder") from None
        self.roster.drop(job)
        self._stage.recent_changed()
        listener.send("/punchin/forgotten", job.id)

    def jobs(self, listener: Listener) -> None:
        """Answer with running, waiting and recent jobs."""
        rows = [{**j.brief(), "position": j.position} for j in self.roster.recent()]
        listener.send("/punchin/jobs.reply", json.dumps(rows, ensure_ascii=False))

    def job(self, job_id: str, listener: Listener) -> None:
        """Answer with one job as job.json holds it. Raises 108."""
        job = self.roster.get(job_id)
        listener.send("/punchin/job.reply", json.dumps(job.public(), ensure_ascii=False))

    def change_engine(self, name: str, model: str | None, listener: Listener) -> None:
        """Queue a change of engine. Raises 109, 300."""
        if name != "none" and name not in self._workers.known():
            names = ", ".join(self._workers.known())
            raise error(300, f"no engine is called {name}: choose one of {names}, or none")
        self._check_room()
        self._order += 1
        self._stage.queue_engine_change(name, model, self._order, listener)


def _conflict(job_id: str) -> str:
    return f"the id {job_id} belongs to a job with other arguments: choose a new id"
