"""Live sinks: a job that names `preview`, `reastream` or `jack` is heard while it is made.

The file sink gets every message as before; the player gets the first take's chunks on the way.
What goes wrong with the sound never reaches the job.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from daemon.core.jobs import Job, ResultFile
from daemon.core.planner import Work
from daemon.core.ports import FromWorker, Sinks, TakeSink

LIVE = ("preview", "reastream", "jack")
_UNHEARD = frozenset({"stretched"})
_log = logging.getLogger(__name__)


class Ears(Protocol):
    """Who hears running jobs."""

    def settle(self, job: Job, settled: Mapping[str, Any], outputs: tuple[str, ...]) -> None:
        """Take where everything lies."""

    def chunk(self, job: Job, fields: Mapping[str, Any], payload: bytes) -> None:
        """Take samples."""

    def taken(self, job: Job, files: list[ResultFile]) -> None:
        """Take the files of the first take."""


class LiveSinks:
    """Makes sinks that let `ears` hear what they take."""

    def __init__(self, files: Sinks, ears: Ears) -> None:
        self._files, self._ears = files, ears

    def open(self, job: Job, work: Work) -> TakeSink:
        """Return the sink of one run of a job."""
        sink = self._files.open(job, work)
        named = job.request.get("sinks", "file").split(",")
        outputs = tuple(name for name in LIVE if name in named)
        if not outputs or work.op == "analyze" or any(f.take == 1 for f in job.files):
            return sink
        return HeardSink(sink, job, outputs, self._ears)


class HeardSink:
    """Takes one run's messages; see `daemon.core.ports.TakeSink`."""

    def __init__(self, sink: TakeSink, job: Job, outputs: tuple[str, ...], ears: Ears) -> None:
        self._sink, self._job, self._outputs, self._ears = sink, job, outputs, ears

    async def receive(self, message: FromWorker) -> list[ResultFile]:
        """Take one message; see `FileSink.receive`."""
        self._unharmed(lambda: self._hear(message))
        made = await self._sink.receive(message)
        if message.kind == "take" and message.fields["take"] == 1:
            self._unharmed(lambda: self._ears.taken(self._job, made))
        return made

    def _hear(self, message: FromWorker) -> None:
        fields = message.fields
        if message.kind == "settled":
            self._ears.settle(self._job, fields, self._outputs)
        elif (
            message.kind in ("audio", "rough")
            and fields["take"] == 1
            and fields["role"] not in _UNHEARD
        ):
            self._ears.chunk(self._job, fields, message.payload)

    def _unharmed(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            _log.exception("job %s can't be heard", self._job.id)

    def stop(self) -> None:
        """Give up what is being written."""
        self._sink.stop()

    async def abandon(self) -> None:
        """Remove whatever is half-written."""
        await self._sink.abandon()
