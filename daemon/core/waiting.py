"""The waiting line: first in, first out within a priority; a higher priority goes before.

Threads: the control loop's thread only.
"""

from __future__ import annotations

from collections.abc import Iterator

from daemon.core.jobs import Job, State


class WaitingLine:
    """Jobs that wait for the worker, in the order in which they will run."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs)

    def add(self, job: Job) -> None:
        """Put a job in its place."""
        key = (-job.priority, job.order)
        at = sum((-j.priority, j.order) <= key for j in self._jobs)
        self._jobs.insert(at, job)

    def next(self) -> Job | None:
        """Take the job whose turn it is."""
        while self._jobs:
            job = self._jobs.pop(0)
            if job.state is State.QUEUED:
                return job
        return None

    def renumber(self, first: int) -> list[Job]:
        """Number the jobs from `first` on; return those whose position has changed."""
        moved = [(i, job) for i, job in enumerate(self._jobs, first) if job.position != i]
        for i, job in moved:
            job.position = i
        return [job for _, job in moved]

    def remove(self, job: Job) -> None:
        """Take a job out, wherever it stands."""
        self._jobs = [j for j in self._jobs if j is not job]
