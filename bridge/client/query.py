"""One question under way: what was sent, which reply ends it, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.client.flight import Flight
from bridge.client.values import Event
from bridge.client.wire import json_args
from bridge.protocol.errors import PunchinError


@dataclass(eq=False)
class Query:
    """A question.

    `addresses`: what an error may name; `replies`: addresses that answer; `match`: first argument
    that the answer must have, None for any; `packets`: sent again after a loss; `fence`: the answer
    only says that everything before it was handled. `flight`: the answer is news of this job, and
    `last` the event that it ends with if the daemon has forgotten it.
    """

    addresses: Sequence[str]
    replies: Sequence[str]
    match: Any
    packets: Sequence[bytes]
    fence: bool = False
    flight: Flight | None = None
    last: Event | None = None
    asked_s: float = 0.0
    args: Sequence[Any] = ()
    error: PunchinError | None = None
    done: bool = False

    def answer(self, args: Sequence[Any]) -> None:
        """End with a reply."""
        self.args, self.done = args, True

    def outcome(self) -> Sequence[Any]:
        """Return the reply's arguments. Raises the error that came instead."""
        if self.error:
            raise self.error
        return self.args

    def record(self) -> dict[str, Any]:
        """Return the object of a JSON reply."""
        found = json_args(self.args)
        return found if isinstance(found, dict) else {}


def claims(query: Query, address: str, args: Sequence[Any]) -> bool:
    """Whether a message answers this query."""
    if address not in query.replies:
        return False
    if query.match is None:
        return True
    told = _job_id(args) if address == "/punchin/job.reply" else args[0] if args else None
    return _plain(told) == _plain(query.match)


def _job_id(args: Sequence[Any]) -> Any:
    found = json_args(args)
    return found.get("id") if isinstance(found, dict) else None


def _plain(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
