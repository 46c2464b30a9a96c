"""One job as this client sees it, built from events or from what `job.json` holds.

Threads: an object belongs to one session and is guarded by its client.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bridge.client.values import Cancelled, File, Progress, Result
from bridge.client.wire import remote_error
from bridge.protocol.errors import PunchinError, error

ENDED = ("done", "failed", "cancelled")


class Flight:
    """State of one job.

    `packets` is what to send again after a lost connection. `state` is `asked` until the daemon
    answered, then as in `job.json`. `heard_s` is the session's clock at the last word about it.
    """

    def __init__(self, id_: str, address: str, packets: Sequence[bytes], now_s: float) -> None:
        self.id = id_
        self.address = address
        self.packets = tuple(packets)
        self.heard_s = now_s
        self.state = "asked"
        self.position = 0
        self.tag = ""
        self.engine = ""
        self.progress = Progress(0.0, "", -1.0)
        self.files: dict[tuple[str, int], File] = {}
        self.result: dict[str, Any] = {}
        self.error: PunchinError | None = None
        self.on_progress: Callable[[Progress], None] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ENDED

    def outcome(self) -> Result:
        """Return the result of an ended job. Raises what it ended with."""
        if self.state == "cancelled":
            raise Cancelled(self.id)
        if self.error:
            raise self.error
        return Result(self.id, list(self.files.values()), self.result)

    def fail(self, reason: PunchinError) -> None:
        """End with an error."""
        self.state, self.error = "failed", reason

    def hear(self, name: str, args: Sequence[Any]) -> None:
        """Take one event of this job; what comes after the end changes nothing."""
        if not self.ended and name in _HEAR:
            _HEAR[name](self, *args[1:])

    def read(self, record: dict[str, Any]) -> None:
        """Take the whole of `job.json`."""
        if self.ended:
            return
        self.position = record.get("position") or 0
        self.engine = record.get("engine") or ""
        self.progress = Progress(
            max(self.progress.fraction, record.get("fraction") or 0.0),
            record.get("stage") or "",
            -1.0 if record.get("eta_s") is None else record["eta_s"],
        )
        for f in record.get("files") or ():
            _file(self, f["role"], f["take"], f["path"], f["seconds"])
        self.result = record.get("result") or {}
        if wrong := record.get("error"):
            self.error = remote_error(wrong.get("code"), wrong.get("name"), wrong.get("message"))
        self.state = record.get("state", self.state)
        if self.state == "failed" and not self.error:
            self.error = error(500, f"job {self.id} failed without a reason: see the daemon's log")


def _accepted(flight: Flight, _op: str, position: int, tag: str = "", *_: Any) -> None:
    flight.position, flight.tag = position, tag
    if flight.state == "asked":
        flight.state = "queued"


def _started(flight: Flight, engine: str, *_: Any) -> None:
    flight.state, flight.engine = "running", engine


def _progress(flight: Flight, fraction: float, stage: str, eta_s: float, *_: Any) -> None:
    flight.state = "running"
    flight.progress = Progress(max(fraction, flight.progress.fraction), stage, eta_s)


def _file(flight: Flight, role: str, take: int, path: str, seconds: float, *_: Any) -> None:
    flight.files[role, take] = File(role, take, Path(path), seconds)


def _done(flight: Flight, text: str, *_: Any) -> None:
    told = _object(text)
    if set(told) == {"job_file"}:
        try:
            flight.read(_object(Path(told["job_file"]).read_text("utf-8")))
        except OSError as e:
            flight.fail(error(500, f"{told['job_file']} can't be read ({e.strerror}): ask for it"))
        return
    flight.state, flight.result = "done", told


def _failed(flight: Flight, code: int, name: str, message: str, *_: Any) -> None:
    flight.fail(remote_error(code, name, message))


def _cancelled(flight: Flight, *_: Any) -> None:
    flight.state = "cancelled"


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


_HEAR: dict[str, Callable[..., None]] = {
    "accepted": _accepted,
    "started": _started,
    "progress": _progress,
    "file": _file,
    "done": _done,
    "failed": _failed,
    "cancelled": _cancelled,
}
