"""Reads what the daemon writes about this set's jobs. Files stay, so nothing can be missed."""

from __future__ import annotations

import os
from typing import Any

from . import places, tags

ENDED = ("done", "failed", "cancelled")


class Watch:
    """This set's jobs in `recent.json`."""

    def __init__(self, home: str, set_id: str) -> None:
        self._home, self._set_id = home, set_id
        self._stamp: Any = None
        self.rows: list[dict[str, Any]] = []
        self.seen = False

    @property
    def ended(self) -> list[dict[str, Any]]:
        """The rows of jobs that have ended."""
        return [r for r in self.rows if r.get("state") in ENDED and isinstance(r.get("id"), str)]

    @property
    def running(self) -> list[dict[str, Any]]:
        """The rows of jobs that have not."""
        return [r for r in self.rows if r.get("state") not in ENDED]

    def look(self) -> bool:
        """Read `recent.json` if it changed; whether it did."""
        path = os.path.join(self._home, "recent.json")
        stamp = places.stamp(path)
        if stamp is None or stamp == self._stamp:
            self.seen = True  # no file: no job has ended yet
            return False
        told = places.read_json(path)
        rows = told.get("jobs") if isinstance(told, dict) else told
        if not isinstance(rows, list):
            return False  # being replaced; read again next time
        self._stamp, self.seen = stamp, True
        self.rows = [r for r in rows if isinstance(r, dict) and self._ours(r)]
        return True

    def job(self, job_id: str) -> dict[str, Any] | None:
        """Return a job's `job.json`, None where it can't be read."""
        told = places.read_json(places.job_file(self._home, job_id))
        return told if isinstance(told, dict) and "op" in told else None

    def _ours(self, row: dict[str, Any]) -> bool:
        mark = tags.read(row.get("tag"))
        return mark is not None and mark[0] == self._set_id
