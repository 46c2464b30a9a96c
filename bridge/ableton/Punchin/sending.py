"""Sends requests and follows each until the daemon has taken or refused it.

The same id and arguments are never run twice, so an unanswered request is simply sent again; after
the last try it goes through the mailbox, where it waits a few seconds for a daemon to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import places

TRY_S = 3.0  # for an answer
MOST_TRIES = 3
WAIT_S = 10.0  # for a daemon that is not there
AWAY = "the daemon does not answer: run `punchin start`, then try again"
OTHER = "the daemon speaks another protocol: run `punchin install ableton` again and restart Live"


@dataclass
class Open:
    """A request that nobody has answered yet."""

    message: tuple[str, list[Any]]
    due: float
    last: float
    tries: int = 0


class Sending:
    """Requests on their way. `taken(id)` and `refused(id, line)` are called once for each."""

    def __init__(self, link: Any, clock: Any, taken: Any, refused: Any) -> None:
        self._link, self._clock = link, clock
        self._taken, self._refused = taken, refused
        self._open: dict[str, Open] = {}

    @property
    def ids(self) -> list[str]:
        """The jobs that are still on their way."""
        return list(self._open)

    def start(self, job_id: str, message: tuple[str, list[Any]]) -> None:
        """Send a request, at once if the daemon is there."""
        self._link.wake()
        self._open[job_id] = Open(message, self._clock(), self._clock() + WAIT_S)

    def drop(self, job_id: str) -> None:
        """Forget a request that has shown its result before its answer came."""
        self._open.pop(job_id, None)

    def tick(self, heard: list[tuple[str, list[Any]]]) -> None:
        """Hear answers, send again what has none."""
        for address, args in heard:
            self._hear(address, args)
        for job_id, each in list(self._open.items()):
            if self._clock() >= each.due:
                self._again(job_id, each)

    def _hear(self, address: str, args: list[Any]) -> None:
        if address in ("/punchin/accepted", "/punchin/failed") and args and args[0] in self._open:
            del self._open[args[0]]
            if address == "/punchin/accepted":
                self._taken(args[0])
            else:
                self._refused(args[0], str(args[-1]))
        elif address == "/punchin/error" and len(args) >= 4:
            job_id = next((i for i, o in self._open.items() if o.message[0] == args[2]), None)
            if job_id is not None:
                del self._open[job_id]
                self._refused(job_id, str(args[3]))

    def _again(self, job_id: str, each: Open) -> None:
        if places.read_json(places.job_file(self._link.home, job_id)) is not None:
            del self._open[job_id]  # the answer was lost; the job was not
            self._taken(job_id)
            return
        if self._link.state == "wrong":
            self._give_up(job_id, OTHER)
        elif each.tries >= MOST_TRIES or (not self._link.up and self._clock() >= each.last):
            self._link.doubt()
            self._give_up(job_id, AWAY)
        elif self._link.up:
            each.tries += 1
            each.due = self._clock() + TRY_S
            if each.tries < MOST_TRIES:
                self._link.send([each.message])
            else:
                self._link.post([each.message])

    def _give_up(self, job_id: str, why: str) -> None:
        del self._open[job_id]
        self._refused(job_id, why)
