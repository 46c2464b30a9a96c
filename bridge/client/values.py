"""What the client hands out: files, results, progress, events, and the exceptions of its own.

Numbered errors of the protocol are `bridge.protocol.errors.PunchinError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.protocol.commands import PREFIX


@dataclass(frozen=True)
class File:
    """One result on disk, whole. `role` as in the protocol: `mix`, `stem:bass` …; `take` from 1."""

    role: str
    take: int
    path: Path
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready facts."""
        return {
            "role": self.role,
            "take": self.take,
            "path": str(self.path),
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Progress:
    """How far a job is: `fraction` 0–1, never falling; `eta_s` is −1 while unknown."""

    fraction: float
    stage: str
    eta_s: float


@dataclass(frozen=True)
class Result:
    """A job that ended well: its files, and the daemon's `result` object as it came."""

    id: str
    files: list[File]
    result: dict[str, Any]

    def path(self, role: str = "mix", take: int = 1) -> Path:
        """Return the file of one role and take. Raises KeyError, naming the roles there are."""
        for file in self.files:
            if (file.role, file.take) == (role, take):
                return file.path
        known = ", ".join(f"{f.role} {f.take}" for f in self.files) or "no files"
        raise KeyError(f"job {self.id} has no {role} of take {take}: it has {known}")


@dataclass(frozen=True)
class Event:
    """A message from the daemon."""

    address: str
    args: Sequence[Any]

    @property
    def name(self) -> str:
        """The address without its prefix: `progress`."""
        return self.address.removeprefix(PREFIX)

    @property
    def id(self) -> str:
        """The job that the event belongs to."""
        return str(self.args[0]) if self.args else ""


class Cancelled(Exception):
    """The job was cancelled: by this client, another one, its slot, or `quit`."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"job {id_} was cancelled")
        self.id = id_


class NoDaemon(ConnectionError):
    """No daemon answers. The message ends with what to do."""
