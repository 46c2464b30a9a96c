"""Jobs that are heard while they are made: their chunks on the way to the player.

A device that is missing costs the sound, never the job.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.protocol.errors import PunchinError
from daemon.core import programme
from daemon.core.admission import work_of
from daemon.core.jobs import Job, ResultFile, State
from daemon.core.player import Desk
from daemon.core.programme import MIX

_MOST_KEPT = 128 << 20  # of each job: over five minutes of stereo at 48 kHz
_TERMINAL = frozenset({"/punchin/done", "/punchin/failed", "/punchin/cancelled"})
_log = logging.getLogger(__name__)


@dataclass
class Running:
    """A job at work.

    `roles` are those that the player knows of; `chunks` what it was told of them, for one that
    comes after it, at most `_MOST_KEPT` bytes.
    """

    settled: Mapping[str, Any]
    outputs: tuple[str, ...]
    roles: set[str] = field(default_factory=set)
    chunks: list[tuple[str, Mapping[str, Any], bytes]] = field(default_factory=list)
    kept: int = 0


class HeardJobs:
    """Jobs whose `sinks` name more than files; see `daemon.sinks.live.Ears`.

    It is also a subscriber to all jobs, which tells it when one has ended.
    """

    key = "preview"
    leased = False

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._running: dict[str, Running] = {}
        desk.begun = self._begun

    def settle(self, job: Job, settled: Mapping[str, Any], outputs: tuple[str, ...]) -> None:
        """Take where everything lies of a job that is to be heard while it works."""
        running = self._running.setdefault(job.id, Running(settled, outputs))
        running.settled = settled  # a second run makes the same samples again
        self._desk.later(self._desk.ready, lambda problem: self._warn(job, problem))

    def chunk(self, job: Job, fields: Mapping[str, Any], payload: bytes) -> None:
        """Take a chunk of a running job; the first one makes it sound."""
        running = self._running.get(job.id)
        if running is None:
            return
        role = f"region {fields['span']}" if "span" in fields else fields["role"]
        self._desk.later(
            lambda: self._pass_on(job, running, role, fields, payload), lambda _p: None
        )
        if job.id not in self._desk.live:
            stems = role.startswith("stem:")
            item = self._desk.live[job.id] = programme.of_running(job, running.settled, stems)
            self._desk.later(
                lambda: self._desk.play_item(item, running.outputs),
                lambda problem: self._warn(job, problem),
            )

    async def _pass_on(
        self, job: Job, running: Running, role: str, fields: Mapping[str, Any], payload: bytes
    ) -> None:
        if running.kept + len(payload) <= _MOST_KEPT:
            running.kept += len(payload)
            running.chunks.append((role, fields, payload))
        self._tell(job, running, role, fields, payload)

    def _tell(
        self, job: Job, running: Running, role: str, fields: Mapping[str, Any], payload: bytes
    ) -> None:
        if role not in running.roles:
            self._open_roles(job, running, role, fields["channels"])
        told = {"do": "chunk", "job": job.id, "role": role, "start": fields["start"]}
        self._desk.player.tell({**told, "channels": fields["channels"]}, payload)

    def _begun(self) -> None:
        """Tell a new player what the old one knew; the rest of a longer job comes with its file."""
        for job_id, running in self._running.items():
            running.roles.clear()
            for role, fields, payload in running.chunks:
                self._tell(self._desk.roster.get(job_id), running, role, fields, payload)

    def _open_roles(self, job: Job, running: Running, role: str, channels: int) -> None:
        rate = work_of(job).rate
        frames = {role: running.settled["mix_frames"]}
        if role.startswith("region"):
            spans = running.settled["spans"]
            frames = {f"region {i}": b - a for i, (a, b) in enumerate(spans)}
        for name, length in frames.items():
            running.roles.add(name)
            told = {"do": "open", "job": job.id, "role": name, "frames": length}
            self._desk.player.tell({**told, "channels": channels, "rate": rate})

    def taken(self, job: Job, files: list[ResultFile]) -> None:
        """Have the files of a finished take heard in place of what was heard while it was made."""
        live = self._desk.live.get(job.id)
        if live is None:
            return
        item = programme.of_take(job, files, 1, MIX)

        async def work() -> None:
            self._desk.player.tell({"do": "better", "item": item})
            if self._desk.manner.item is live:
                self._desk.manner.item = item

        self._desk.later(work, lambda _problem: None)

    def ended(self, job_id: str) -> None:
        """Forget a job's chunks; what plays of one that ended badly falls silent."""
        if self._running.pop(job_id, None) is None:
            return
        self._desk.live.pop(job_id, None)
        job = self._desk.roster.get(job_id)
        well = job.state is State.DONE or any(f.take == 1 for f in job.files)

        async def work() -> None:
            self._desk.player.tell({"do": "ended", "job": job.id, "well": well})

        self._desk.later(work, lambda _problem: None)

    def _warn(self, job: Job, problem: PunchinError) -> None:
        """A device that is missing costs the preview, never the job."""
        _log.warning("job %s is not heard: %s", job.id, problem.message)
        self._desk.manner.trouble = problem.message
        notes = job.result.setdefault("notes", [])
        if isinstance(notes, list) and not job.ended:
            notes.append(f"not heard: {problem.message}")

    def send(self, address: str, *args: Any, instead: tuple[Any, ...] | None = None) -> None:
        """Take one event of any job."""
        if address in _TERMINAL:
            self.ended(args[0])
