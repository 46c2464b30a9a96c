"""Every job that somebody may still ask about: unfinished ones in memory, ended ones on demand.

Threads: the control loop, except `source_of`, which only reads.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

from bridge.protocol.errors import error
from bridge.protocol.ops import OP
from daemon.audio.types import SourceInfo
from daemon.core.jobs import Job, State
from daemon.core.journal import RECENT, Journal
from daemon.core.origin import Origin
from daemon.core.planner import Parts
from daemon.core.programme import settled_of
from daemon.core.request import GRID

_KEPT_IN_MEMORY = 500
_MADE_TO = frozenset({"layer", "bgm", "edit"})
"""Ops that can't make their result again from that result alone."""


class Roster:
    """Jobs by id; two ids that differ only by case are the same."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._jobs: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        """Take a job in; the longest ended ones leave the memory."""
        self._jobs[job.id.lower()] = job
        if len(self._jobs) > 2 * _KEPT_IN_MEMORY:
            ended = [key for key, j in self._jobs.items() if j.ended]
            for key in ended[:-_KEPT_IN_MEMORY]:
                del self._jobs[key]

    def drop(self, job: Job) -> None:
        """Forget a job."""
        self._jobs.pop(job.id.lower(), None)

    def find(self, job_id: str) -> Job | None:
        """Return a job, from memory or from its folder."""
        job = self._jobs.get(job_id.lower())
        if job is None and self._journal.exists(job_id):
            job = self._journal.load(job_id)
            if job:
                self.add(job)
        return job

    def get(self, job_id: str) -> Job:
        """Return a job. Raises 108."""
        job = self.find(job_id)
        if job is None:
            raise error(108, f"no job has the id {job_id}: ask /punchin/jobs for those there are")
        return job

    def unfinished(self) -> list[Job]:
        """Return the jobs that have not ended, in the order of acceptance."""
        return sorted((j for j in self._jobs.values() if not j.ended), key=lambda j: j.order)

    def recent(self) -> list[Job]:
        """Return unfinished jobs, then the last ended ones, newest first."""
        ended = sorted(
            (j for j in self._jobs.values() if j.ended), key=lambda j: -(j.finished or 0.0)
        )
        return [*self.unfinished(), *ended[:RECENT]]

    def new_id(self, op: str) -> str:
        """Return an id that nobody has."""
        while True:
            stamp = time.strftime("%Y%m%d-%H%M%S")
            job_id = f"{op}-{stamp}-{secrets.token_hex(2)}"
            if self.find(job_id) is None:
                return job_id

    def name_of(self, reference: str) -> str:
        """Return a reference with the job's id as it is written, not as it was typed."""
        job_id, colon, take = reference.partition(":")
        job = self.find(job_id)
        return f"{job.id if job else job_id}{colon}{take}"

    def source_of(self, reference: str) -> str:
        """Return the mix that `of` (`id` or `id:take`) means. Raises 101, 108."""
        job_id, _, take = reference.partition(":")
        job = self.get(job_id)
        wanted = int(take) if take else job.chosen or 1
        for path in _mixes(job, wanted):
            return path
        if job.op == "stems" and job.state is State.DONE:
            raise error(101, f"job {job.id} has stems and no mix: send the path of one as source")
        raise error(101, f"job {job.id} has no mix of take {wanted}: name a done job and its take")

    def parts_of(self, reference: str) -> Parts | None:
        """Return the frames that were new in what `of` means, None for all of it."""
        job = self.find(reference.partition(":")[0])
        mix = next((f for f in job.files if f.role == "mix"), None) if job else None
        if job is None or mix is None or "region_start_frame" not in job.result:
            return None
        if "parts" in job.facts:
            return tuple((start, end) for start, end in job.facts["parts"])
        frames = round(mix.seconds * mix.rate)
        new = [f for f in job.files if f.role == "region" and f.take == mix.take]
        if len(new) > 1:  # on both sides of the clip
            before, after = (round(f.seconds * f.rate) for f in new)
            return (0, before), (frames - after, frames)
        part = job.result["region_start_frame"], job.result["region_end_frame"]
        return None if part == (0, frames) else (part,)

    def origin_of(self, reference: str) -> Origin | None:
        """Return what `of` was made to where it takes that to make it again; None otherwise.

        A clip that was stretched first is not on the disk as it was worked on.
        """
        job = self.find(reference.partition(":")[0])
        if job is None or job.state is not State.DONE or not job.facts["source"]:
            return None
        if any(f.role == "stretched" for f in job.files):
            return None
        if job.op == "retake":
            held = job.facts.get("origin")
            return Origin.from_dict(held) if held else None
        if job.op not in _MADE_TO:
            return None
        source = SourceInfo(**job.facts["source"])
        if OP[job.op].region_is_span:
            return Origin(source, (0, source.frames), False, job.op)
        work = settled_of(job)
        return Origin(source, work.clip, job.op == "layer", job.op, work.around)

    def told_of(self, reference: str) -> dict[str, Any]:
        """Return what was told of tempo, metre, bars and key of what `of` means, of its mix.

        What was only heard is left out, and so is a tempo map.
        """
        job = self.find(reference.partition(":")[0])
        if job is None or "bpm" not in job.result:
            return {}
        heard = job.facts.get("heard", ())
        told = {k for k in GRID if k in job.request and k not in heard}
        if "bpm" not in told or "tempomap" in job.request:
            told.clear()
        elif job.op == "generate":  # its first bar begins where it does
            told |= GRID
        key = {"key": job.request["key"]} if "key" in job.request else {}
        return {**{k: job.result[k] for k in told}, **key}


def _mixes(job: Job, take: int) -> Iterator[str]:
    if job.state is State.DONE:
        yield from (f.path for f in job.files if f.role == "mix" and f.take == take)
