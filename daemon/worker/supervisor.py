"""The supervisor: starts workers, watches them, kills and replaces them. Imports no engine.

One worker holds one engine. The default engine's worker stays; one other may stay beside it, so
that a job on another engine costs its load once and not each time.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from bridge.protocol.errors import PunchinError, error
from bridge.protocol.limits import Limits, limits_from
from daemon.core.planner import Work
from daemon.core.ports import FromWorker, WorkCancelled, WorkerDied
from daemon.engines import registry
from daemon.worker.channel import BrokenChannel
from daemon.worker.process import WorkerProcess
from daemon.worker.survey import Survey

_KEPT = 2
_LOAD_S = 30.0  # a process that starts imports for seconds, however short a stall may be
_ENDS = frozenset({"done", "failed", "cancelled"})
_IMPORT_S = 5.0
_log = logging.getLogger(__name__)


class Supervisor:
    """The worker processes.

    `cancel_s`: how long a worker may take to heed a cancel. `told`: settings that engines may read,
    as environment variables.
    """

    def __init__(
        self, logs: Path, stall_s: float, cancel_s: float, told: Mapping[str, str] | None = None
    ) -> None:
        self._logs, self._told = logs, told
        self._stall_s, self._cancel_s = stall_s, cancel_s
        self._workers: dict[str, WorkerProcess] = {}
        self._names = tuple(registry.doors())
        self.survey = Survey(self._names)
        self._busy: WorkerProcess | None = None
        self._killer: asyncio.TimerHandle | None = None
        self._cancelled, self._looked = asyncio.Event(), asyncio.Event()
        self._lock = asyncio.Lock()

    # -- what is installed -------------------------------------------------------------------------

    def known(self) -> tuple[str, ...]:
        """Return the names of all installed engines."""
        return self._names

    def ops(self, engine: str) -> frozenset[str] | None:
        """Return what an engine can do, None while nobody knows."""
        facts = self.survey.capabilities.get(engine)
        return None if facts is None else frozenset(facts["ops"])

    async def limits(self, engine: str) -> Limits:
        """Return what an engine refuses, nothing where nobody knows.

        In the first moments of a daemon it waits until the default engine is imported.
        """
        if engine not in self.survey.capabilities:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_IMPORT_S):
                    await self._looked.wait()
        return limits_from(self.survey.capabilities.get(engine, {}).get("limits", {}))

    def _learn(self, engine: str, facts: dict[str, Any]) -> None:
        self.survey.capabilities[engine] = facts
        self._looked.set()

    def health(self) -> list[dict[str, Any]]:
        """Return each engine's name, state and trouble."""
        loaded = {name: w for name, w in self._workers.items() if w.alive and w.device}
        return self.survey.health(loaded)

    def device(self, engine: str) -> str:
        """Return where an engine runs, empty while it is not loaded."""
        worker = self._workers.get(engine)
        return worker.device if worker and worker.alive else ""

    def memory_bytes(self) -> int:
        """Return the resident memory of all workers."""
        return sum(w.memory_bytes() for w in self._workers.values())

    # -- workers -----------------------------------------------------------------------------------

    async def warm(self, engine: str, model: str | None) -> None:
        """Load the default engine ahead of the first job, then look at the others."""
        with contextlib.suppress(PunchinError, WorkerDied):
            await self._ready(engine, model)
        self._looked.set()
        await self.survey.run(self._logs / "worker-survey.log")

    async def _ready(self, engine: str, model: str | None) -> WorkerProcess:
        """Return a loaded worker, starting one if need be. Raises 300…304, WorkerDied."""
        async with self._lock:
            worker = self._workers.get(engine)
            if worker and worker.alive and worker.model == model:
                return worker
            await self._make_room(engine)
            log = self._logs / f"worker-{engine}.log"
            worker = await WorkerProcess.start(engine, model, log, self._told)
            self._workers[engine] = worker
            try:
                learnt = functools.partial(self._learn, engine)
                await worker.ready(max(self._stall_s, _LOAD_S), learnt)
            except BrokenChannel:
                self.survey.broken(engine, "its process died while it was being loaded")
                await self._drop(engine)
                raise WorkerDied from None
            except PunchinError as problem:
                self.survey.broken(engine, problem.message)
                await self._drop(engine)
                raise
            self.survey.works(engine, worker.capabilities)
            return worker

    async def _make_room(self, engine: str) -> None:
        await self._drop(engine)
        for name in list(self._workers)[: 1 - _KEPT]:
            await self._drop(name)

    async def _drop(self, engine: str) -> None:
        worker = self._workers.pop(engine, None)
        if worker:
            await worker.close()

    async def change(self, engine: str, model: str | None) -> Mapping[str, Any]:
        """Load an engine and let go of the others; `none` lets go of all. Raises 300…304."""
        for name in [n for n in self._workers if n != engine]:
            await self._drop(name)
        if engine == "none":
            return {"engine": "none"}
        worker = await _tried_twice(engine, lambda: self._ready(engine, model))
        return {"engine": engine, "device": worker.device, "model": model}

    async def close(self) -> None:
        """End all workers."""
        for name in list(self._workers):
            await self._drop(name)

    # -- ahead of jobs -----------------------------------------------------------------------------

    async def prepares(self, engine: str) -> frozenset[str]:
        """Return the ops that an engine prepares ahead, none where it is not loaded.

        Waits for a load that is under way.
        """
        async with self._lock:
            worker = self._workers.get(engine)
        return frozenset(worker.capabilities.get("prepares", ()) if worker else ())

    def prepare(self, engine: str, model: str | None, work: Work) -> None:
        """Have a loaded and idle worker prepare a job; it gives way to whatever comes next."""
        worker = self._workers.get(engine)
        if self._busy is None and worker and worker.model == model:
            with contextlib.suppress(BrokenChannel):
                worker.send({"do": "prepare", "work": work.as_dict()})

    # -- jobs --------------------------------------------------------------------------------------

    async def run(
        self, engine: str, model: str | None, work: Work, first_take: int
    ) -> AsyncGenerator[FromWorker]:
        """Run a job. Raises PunchinError, WorkCancelled, WorkerDied."""
        self._cancelled.clear()
        worker = await _tried_twice(engine, lambda: self._ready_unless_cancelled(engine, model))
        if work.op not in worker.capabilities["ops"]:
            raise error(301, f"{engine} does no {work.op}: choose another engine")
        self._busy = worker
        ended = False
        try:
            worker.send({"do": "run", "work": work.as_dict(), "first_take": first_take})
            while not ended:
                fields, payload = await self._next(worker)
                ended = fields["kind"] in _ENDS
                if fields["kind"] == "failed":
                    raise error(fields["code"], fields["message"])
                if fields["kind"] == "cancelled":
                    raise WorkCancelled
                if not ended:
                    yield FromWorker(fields["kind"], fields, payload)
        except BrokenChannel:
            await self._drop(engine)
            raise (WorkCancelled if self._cancelled.is_set() else WorkerDied) from None
        finally:
            if not ended and worker.alive:
                await self._quieten(worker)
            self._calm()

    async def _ready_unless_cancelled(self, engine: str, model: str | None) -> WorkerProcess:
        """Wait for a loaded worker; a cancelled job leaves at once and the load goes on."""
        ready = asyncio.ensure_future(self._ready(engine, model))
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait({ready, cancelled}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancelled.cancel()
        if self._cancelled.is_set():
            ready.add_done_callback(lambda task: task.cancelled() or task.exception())
            raise WorkCancelled
        return await ready

    async def _quieten(self, worker: WorkerProcess) -> None:
        """Nobody wants the rest of this job: let the worker stop, and keep it loaded if it does."""
        self.cancel()
        try:
            while (await self._next(worker))[0]["kind"] not in _ENDS:
                pass
        except (BrokenChannel, PunchinError):
            await self._drop(worker.engine)

    async def _next(self, worker: WorkerProcess) -> Any:
        try:
            # Python 3.11's wait_for can swallow a cancel that comes with the answer; timeout can't.
            async with asyncio.timeout(self._stall_s):
                return await worker.receive()
        except TimeoutError:
            worker.kill()
            what = f"the engine said nothing for {self._stall_s:g} s and was stopped"
            raise error(306, f"{what}: try a shorter region, or raise jobs.stall_s") from None

    def cancel(self) -> None:
        """Ask the running job to stop; kill its worker if it does not listen."""
        self._cancelled.set()
        worker = self._busy
        if worker is None:
            return
        with contextlib.suppress(BrokenChannel):
            worker.send({"do": "cancel"})
        if self._killer is None:
            loop = asyncio.get_running_loop()
            self._killer = loop.call_later(self._cancel_s, worker.kill)

    def _calm(self) -> None:
        self._busy = None
        if self._killer:
            self._killer.cancel()
            self._killer = None


async def _tried_twice(engine: str, load: Callable[[], Awaitable[WorkerProcess]]) -> WorkerProcess:
    """Return what `load` gives; a worker that dies while it loads is started once more.

    What ends it from outside, such as somebody's `kill`, seldom does so twice. Raises 300.
    """
    with contextlib.suppress(WorkerDied):
        return await load()
    try:
        return await load()
    except WorkerDied:
        raise error(
            300, f"the engine {engine} died while loading: see its log, or choose another"
        ) from None
