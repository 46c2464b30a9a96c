"""The stage: jobs wait in line, one at a time is performed, and each ends in exactly one event.

A state is on the disk before it is told.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from bridge.protocol.errors import PunchinError, error
from daemon.audio.types import SourceInfo
from daemon.core import announce
from daemon.core.admission import ignored, with_unused, work_of
from daemon.core.barriers import Barriers
from daemon.core.bus import Bus, Listener
from daemon.core.jobs import ENGINE_JOB, Job, State
from daemon.core.journal import Journal
from daemon.core.ports import Files, FromWorker, Sinks, TakeSink, WorkCancelled, WorkerDied, Workers
from daemon.core.roster import Roster
from daemon.core.telling import Teller
from daemon.core.waiting import WaitingLine

_log = logging.getLogger(__name__)


class Stage:
    """Runs accepted jobs. `attempts`: how often a job may be given to a worker in all."""

    def __init__(
        self,
        journal: Journal,
        roster: Roster,
        bus: Bus,
        workers: Workers,
        sinks: Sinks,
        files: Files,
        engine: str,
        model: str | None,
        attempts: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.line = WaitingLine()
        self.barriers = Barriers()
        self.running: Job | None = None
        self.engine_for_new_jobs = engine
        self._default_engine = engine
        self.models: dict[str, str | None] = {engine: model}
        self._journal, self._roster, self._bus = journal, roster, bus
        self._workers, self._sinks, self._files = workers, sinks, files
        self._attempts = attempts
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._cancelling = False
        self._sink: TakeSink | None = None
        self._teller = Teller(journal, roster, bus, clock)

    # -- the line ----------------------------------------------------------------------------------

    def ahead_of(self, job: Job) -> int:
        """How many jobs come before this one, the running one included."""
        waiting = sum(1 for j in self.line if (-j.priority, j.order) <= (-job.priority, job.order))
        return waiting + (self.running is not None)

    def add(self, job: Job) -> None:
        """Put an accepted job in line."""
        self.line.add(job)
        self._renumber()
        self._wake.set()
        self._idle.clear()

    def recover(self, job: Job) -> None:
        """Take up a job that a stop or a crash left open."""
        if job.state is State.RUNNING:
            job.move(State.QUEUED)
        self.add(job)

    def queue_engine_change(
        self, name: str, model: str | None, order: int, listener: Listener
    ) -> None:
        """Put a change of engine in line; jobs accepted from now on use the new one."""
        change = Job(ENGINE_JOB, ENGINE_JOB, {"engine": name}, "", {"model": model}, time.time())
        change.order = order
        change.position = self.ahead_of(change)
        self.engine_for_new_jobs = self._default_engine if name == "none" else name
        self._bus.follow(change.audience, listener)
        self.barriers.asked(listener, change.audience)
        self._teller.tell(change, announce.accepted(change))
        self.add(change)

    def _renumber(self) -> None:
        self._teller.moved(self.line.renumber(int(self.running is not None)))

    # -- running -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Perform jobs for ever; cancel this to stop."""
        heart = asyncio.create_task(self._teller.beat(lambda: self.running))
        writer = asyncio.create_task(self._teller.keep_recent())
        try:
            while True:
                job = self.line.next()
                if job is None:
                    self._idle.set()
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                try:
                    await self._turn(job)
                except Exception:
                    _log.exception("job %s could not be ended", job.id)
        finally:
            heart.cancel()
            writer.cancel()

    async def idle(self) -> None:
        """Wait until nothing runs or waits."""
        await self._idle.wait()

    async def _turn(self, job: Job) -> None:
        self.running, self._cancelling = job, False
        self._renumber()
        try:
            if job.op == ENGINE_JOB:
                await self._change_engine(job)
            else:
                await self._perform(job)
        except asyncio.CancelledError:
            await self._put_back(job)
            raise
        except PunchinError as e:
            await self._fail(job, e)
        except Exception:
            _log.exception("job %s failed in the control plane", job.id)
            await self._fail(job, error(500, "Punchin made a mistake: see the log, and report it"))
        finally:
            self.running, self._sink = None, None

    async def _put_back(self, job: Job) -> None:
        """A stop of the daemon: the job waits for the next start, and this run does not count."""
        if job.op == ENGINE_JOB or job.ended:
            return
        await self._leave_sink()
        if job.state is State.RUNNING:
            job.runs = max(0, job.runs - 1)
            job.move(State.QUEUED)
            await self._journal.save(job)

    async def _perform(self, job: Job) -> None:
        while not job.ended:
            if job.runs >= self._attempts:
                raise error(
                    305, f"the engine died {job.runs} times: see the log, try other settings"
                )
            try:
                await self._begin(job)
                await self._one_run(job)
            except WorkerDied:
                _log.warning("the worker died during job %s, run %d", job.id, job.runs)
                await self._leave_sink()
                if self._cancelling:
                    await self.finish(job, State.CANCELLED)
            except WorkCancelled:
                await self._leave_sink()
                await self.finish(job, State.CANCELLED)

    async def _begin(self, job: Job) -> None:
        facts = job.facts["source"]
        if facts:
            await asyncio.to_thread(self._files.unchanged, SourceInfo(**facts))
        if self._cancelling:
            raise WorkCancelled
        if job.state is State.QUEUED:
            job.move(State.RUNNING)
        job.runs += 1
        job.started = time.time()
        await self._journal.save(job)
        self._teller.started(job)

    async def _one_run(self, job: Job) -> None:
        work = work_of(job)
        first_take = max((f.take for f in job.files), default=0) + 1
        self._sink = self._sinks.open(job, work)
        model = self.models.get(job.engine)
        if self._cancelling:
            raise WorkCancelled
        async with contextlib.aclosing(
            self._workers.run(job.engine, model, work, first_take)
        ) as stream:
            async for message in stream:
                # A cancelled worker is heard out, so that it stays loaded; what it says is dropped.
                if not self._cancelling:
                    await self._take_message(job, message)
        if self._cancelling:
            raise WorkCancelled
        await self.finish(job, State.DONE)

    async def _take_message(self, job: Job, message: FromWorker) -> None:
        if message.kind == "progress":
            await self._teller.progress(job, message.fields["fraction"], message.fields["stage"])
            return
        assert self._sink is not None
        if message.kind == "settled":
            self._settle(job, message)
        made = await self._sink.receive(message)
        job.files += [file for file in made if file not in job.files]
        if message.kind == "take":
            self._collect(job, message)
            await self._journal.save(job)
            for file in job.files:
                if file.take == message.fields["take"]:
                    self._teller.tell(job, announce.file(job, file))

    def _settle(self, job: Job, message: FromWorker) -> None:
        """Take what listening settled: the grid and where the region lies."""
        told = set(job.facts["told"])
        used = dict.fromkeys(message.fields["used"], True)
        job.result = {**message.fields["result"], "ignored": ignored(frozenset(told), used)}
        job.result.setdefault("notes", [])
        heard = {k: v for k, v in message.fields["grid"].items() if k not in job.request}
        job.request.update(heard)
        job.facts["heard"] = sorted({*heard, *job.facts.get("heard", ())})

    def _collect(self, job: Job, message: FromWorker) -> None:
        """Add what a finished take tells."""
        told = message.fields
        notes = job.result.setdefault("remarks" if job.op == "analyze" else "notes", [])
        notes += [n for n in told["notes"] if n not in notes]
        job.result["ignored"] = with_unused(job, told.get("unused", ()))
        if told.get("key"):
            job.result["key"] = told["key"]
        job.result.update(told.get("analysis") or {})

    async def _leave_sink(self) -> None:
        """Give up what is half-written; a disk that refuses even that ends no more than the job."""
        sink, self._sink = self._sink, None
        if sink:
            try:
                await sink.abandon()
            except OSError:
                _log.exception("half-written files could not be removed")

    async def _change_engine(self, job: Job) -> None:
        name = job.request["engine"]
        self._teller.tell(job, ("/punchin/started", (job.id, name)))
        try:
            job.move(State.RUNNING)
            job.result = dict(await self._workers.change(name, job.facts["model"]))
            self.models[name] = job.facts["model"]
        except PunchinError:
            self.engine_for_new_jobs = self._default_engine
            raise
        await self.finish(job, State.DONE)

    # -- ending ------------------------------------------------------------------------------------

    def recent_changed(self) -> None:
        """Have `recent.json` rewritten soon."""
        self._teller.recent_changed()

    def cancel_running(self, job: Job) -> None:
        """Ask the running job to end; its event follows."""
        if self.running is job:
            self._cancelling = True
            self._workers.cancel()
            if self._sink:
                self._sink.stop()

    async def _fail(self, job: Job, problem: PunchinError) -> None:
        await self._leave_sink()
        if self._cancelling:
            await self.finish(job, State.CANCELLED)
            return
        job.error = problem.as_dict()
        await self.finish(job, State.FAILED)

    async def finish(self, job: Job, state: State) -> None:
        """End a job: on disk first, then its one terminal event, then whoever waited for it."""
        self.line.remove(job)
        job.move(state)
        job.finished = time.time()
        job.fraction = 1.0 if state is State.DONE else job.fraction
        job.eta_s, job.position = 0.0, 0
        if job.op != ENGINE_JOB:
            try:
                await self._journal.save(job)
            except PunchinError:
                _log.exception("the end of job %s could not be written", job.id)
        self._teller.tell(job, announce.terminal(job))
        self._bus.unfollow(job.audience)
        self.barriers.ended(job.audience)
        self._teller.recent_changed()
        self._renumber()
