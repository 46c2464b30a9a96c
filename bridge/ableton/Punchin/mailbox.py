"""Messages to the daemon as files, where UDP is not answered. See section 5 of docs/osc.md."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from .places import read_json

NOT_TAKEN_S = 5.0
NOT_ANSWERED_S = 30.0


class Mailbox:
    """Posts messages and collects their answers; a message that nobody takes is withdrawn."""

    def __init__(self, home: str, clock: Any) -> None:
        self._home, self._clock = home, clock
        self._count = 0
        self._open: dict[str, tuple[float, str]] = {}

    def post(self, messages: list[tuple[str, list[Any]]]) -> str | None:
        """Leave messages, more than one as a bundle; return a name, None where it can't be."""
        self._count += 1
        stamp = f"{time.time_ns()}-{self._count}-{os.urandom(4).hex()}"
        name = f"live-{stamp}"
        told = [{"address": address, "args": args} for address, args in messages]
        inbox = os.path.join(self._home, "inbox")
        draft = os.path.join(inbox, f".{name}.draft")
        try:
            os.makedirs(inbox, exist_ok=True)
            with open(draft, "w", encoding="utf-8") as file:
                json.dump(told[0] if len(told) == 1 else told, file)
            os.replace(draft, self._path(name))
        except OSError:
            return None
        self._open[name] = (self._clock(), messages[0][0])
        return name

    def answers(self) -> list[tuple[str, list[Any]]]:
        """Return the answers that have come since, and withdraw what nobody took in time."""
        found: list[tuple[str, list[Any]]] = []
        for name, (since, _) in list(self._open.items()):
            told = read_json(os.path.join(self._home, "outbox", f"{name}.json"))
            if isinstance(told, list):
                del self._open[name]
                found += [(m["address"], m["args"]) for m in told if _whole(m)]
            elif self._clock() - since > NOT_TAKEN_S:
                self._give_up(name, since)
        return found

    def withdraw(self) -> None:
        """Take back every message that was not taken, so that no daemon runs it hours later."""
        for name in list(self._open):
            self._remove(name)
            del self._open[name]

    def _give_up(self, name: str, since: float) -> None:
        self._remove(name)
        if self._clock() - since > NOT_ANSWERED_S:
            del self._open[name]

    def _remove(self, name: str) -> None:
        try:
            os.remove(self._path(name))
        except OSError:
            return

    def _path(self, name: str) -> str:
        return os.path.join(self._home, "inbox", f"{name}.json")


def _whole(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("args"), list)
