"""What the words about jobs in a MIDI map mean: the last job, the open one, the take heard last.

Threads: the control loop's thread only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.midi.maps import JOB_WORDS, Message, filled
from bridge.protocol.errors import error
from daemon.core.jobs import ENGINE_JOB, Job, State

_ENDS = ("/punchin/done", "/punchin/failed", "/punchin/cancelled")


class HeardJobs:
    """Follows the events of all jobs."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._takes: dict[str, int] = {}
        self._last: str | None = None
        self._last_takes = 0
        self._take = 1

    def recall(self, jobs: Iterable[Job]) -> None:
        """Take up what was there before: unfinished jobs, and the job that finished last."""
        for job in jobs:
            if not job.ended:
                self._open.append(job.id)
            elif job.state is State.DONE and self._last is None:
                self._last = job.id
                self._last_takes = max((f.take for f in job.files), default=1)

    def heard(self, address: str, args: tuple[Any, ...]) -> None:
        """Take one event."""
        if address == "/punchin/accepted" and args[0] != ENGINE_JOB:
            if args[0] not in self._open:
                self._open.append(args[0])
        elif address == "/punchin/file":
            self._takes[args[0]] = max(args[2], self._takes.get(args[0], 1))
        elif address == "/punchin/forgotten" and args[0] == self._last:
            self._last = None
        elif address in _ENDS and args[0] in self._open:
            self._open.remove(args[0])
            takes = self._takes.pop(args[0], 1)
            if address == "/punchin/done":
                self._last, self._last_takes, self._take = args[0], takes, 1

    def fill(self, messages: Iterable[Message]) -> list[tuple[str, list[Any]]]:
        """Return the messages with their words replaced. Raises 107 where there is no such job."""
        words = self._words()
        made = []
        for address, args in messages:
            for word in (w for w in JOB_WORDS if w in args and w not in words):
                raise error(107, f"no job for {word}: {_hint(word)}")
            made.append((address, [filled(a, words) for a in args]))
            if "$next" in args:
                self._take = words["$next"]
        return made

    def _words(self) -> Mapping[str, Any]:
        words: dict[str, Any] = {}
        if self._open:
            words["$open"] = self._open[-1]
        if self._last is not None:
            after = (self._take + 1) % (self._last_takes + 1)
            words |= {"$job": self._last, "$take": self._take, "$next": after}
        return words


def _hint(word: str) -> str:
    if word == "$open":
        return "nothing is running, so there is nothing to cancel"
    return "none has finished yet, start one first"
