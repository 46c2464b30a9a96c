"""What the set remembers: its open jobs with their facts, and which file came from which job.

Kept in the set itself (`Song.set_data`) where this Live can, so it is there again when the set is
opened; else until the set is closed.
"""

from __future__ import annotations

import json
import os
from typing import Any

from . import lom

OPEN, MADE = "punchin-open", "punchin-made"
MOST_MADE = 300


class Memory:
    """Plain data under two keys."""

    def __init__(self, song: Any) -> None:
        self._song = song
        self.open: dict[str, dict[str, Any]] = self._read(OPEN)
        self._made: dict[str, str] = self._read(MADE)

    def begin(self, job_id: str, facts: dict[str, Any]) -> None:
        """Note a job that was asked for."""
        self.open[job_id] = facts
        self._write(OPEN, self.open)

    def end(self, job_id: str) -> None:
        """Strike a job that was dealt with."""
        if self.open.pop(job_id, None) is not None:
            self._write(OPEN, self.open)

    def made(self, path: str, which: str) -> None:
        """Note that a file is take `which` (`job:take`) of a job."""
        self._made[os.path.normcase(path)] = which
        while len(self._made) > MOST_MADE:
            del self._made[next(iter(self._made))]
        self._write(MADE, self._made)

    def whose(self, path: str) -> str:
        """Return which take of which job a file is, nothing for a file of the musician's own."""
        return self._made.get(os.path.normcase(path), "")

    def _read(self, key: str) -> dict[str, Any]:
        try:
            told = json.loads(self._song.get_data(key, "{}"))
        except (ValueError, *lom.UNREADABLE):
            return {}
        return told if isinstance(told, dict) else {}

    def _write(self, key: str, value: dict[str, Any]) -> None:
        try:
            self._song.set_data(key, json.dumps(value))
        except lom.UNREADABLE:
            return
