"""What the core needs of the rest of the house: workers, sinks, a look at files, the player.

The core names these contracts and never what stands behind them; `daemon/app.py` puts them in.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bridge.protocol.limits import Limits
from daemon.audio.types import SourceInfo
from daemon.core.jobs import Job, ResultFile
from daemon.core.planner import Work


@dataclass(frozen=True)
class FromWorker:
    """One message of a running job: `progress settled audio document take`."""

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""


class WorkerDied(Exception):
    """The worker's process is gone; the job may be tried again."""


class WorkCancelled(Exception):
    """The engine stopped because the job was cancelled."""


class Workers(Protocol):
    """The supervisor of the worker processes."""

    def run(
        self, engine: str, model: str | None, work: Work, first_take: int
    ) -> AsyncGenerator[FromWorker]:
        """Run a job. Raises WorkerDied, WorkCancelled, PunchinError."""

    def cancel(self) -> None:
        """Ask the running job to stop; kill its worker if it does not listen."""

    async def change(self, engine: str, model: str | None) -> Mapping[str, Any]:
        """Load an engine, `none` to free all. Raises 300, 302, 303, 304."""

    def ops(self, engine: str) -> frozenset[str] | None:
        """Return what an engine can do, None while nobody knows."""

    async def limits(self, engine: str) -> Limits:
        """Return what an engine refuses, nothing where nobody knows."""

    def known(self) -> Sequence[str]:
        """Return the names of all installed engines."""

    async def prepares(self, engine: str) -> frozenset[str]:
        """Return the ops that an engine prepares ahead, none where it is not loaded."""

    def prepare(self, engine: str, model: str | None, work: Work) -> None:
        """Have a loaded and idle worker prepare a job; it gives way to whatever comes next."""

    def health(self) -> list[dict[str, Any]]:
        """Return each engine's name, state and trouble."""


class TakeSink(Protocol):
    """Takes the audio of one running job and turns it into files."""

    async def receive(self, message: FromWorker) -> list[ResultFile]:
        """Take one message; a `take` message returns the take's files, whole on disk.

        Raises PunchinError 200, 201, 202, 307, 400, 401.
        """

    def stop(self) -> None:
        """Give up what is being written; `receive` raises WorkCancelled soon."""

    async def abandon(self) -> None:
        """Remove whatever is half-written."""


class Sinks(Protocol):
    """Makes a sink for a job."""

    def open(self, job: Job, work: Work) -> TakeSink:
        """Return what will take this job's audio."""


class Files(Protocol):
    """A look at source files; each call may block and runs on a thread."""

    def probe(self, path: str) -> SourceInfo:
        """Return a source's header. Raises 101, 200, 201, 204."""

    def unchanged(self, info: SourceInfo) -> None:
        """Raise 200 or 202 when the file is not what it was."""

    def text(self, path: str) -> str:
        """Return a text file's content. Raises 101, 106, 200, 201, 204."""

    def exists(self, path: str) -> None:
        """Raise 101, 200, 201, 204 when a named file can't be used."""

    def lora(self, path: str) -> None:
        """Raise 204, 303 for what is no LoRA, by its header alone."""

    def folder(self, path: str) -> None:
        """Raise 101, 401 when results can't be put into a folder."""


class Player(Protocol):
    """The player process."""

    heard: Callable[[Mapping[str, Any]], None]
    looked: Callable[[Mapping[str, Any] | None], None]
    died: Callable[[str], None]

    @property
    def running(self) -> bool:
        """Whether there is a process."""

    async def start(self) -> bool:
        """Start it if it does not run; return whether that was needed. Raises 402."""

    def tell(self, fields: Mapping[str, Any], payload: bytes = b"") -> None:
        """Send a frame that needs no answer."""

    async def ask(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Send a frame and return its answer. Raises 200…204, 402."""
