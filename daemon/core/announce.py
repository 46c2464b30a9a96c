"""Events of a job, in the wire's words: the only place that turns a job into messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from daemon.core.bus import Bus, Listener
from daemon.core.jobs import Job, ResultFile, State

Message = tuple[str, tuple[Any, ...]]


def accepted(job: Job) -> Message:
    """`accepted id op position tag`."""
    return "/punchin/accepted", (job.id, job.op, job.position, job.tag)


def progress(job: Job) -> Message:
    """`progress id fraction stage eta_s`."""
    return "/punchin/progress", (job.id, job.fraction, job.stage, job.eta_s)


def file(job: Job, f: ResultFile) -> Message:
    """`file id role take path seconds`."""
    return "/punchin/file", (job.id, f.role, f.take, f.path, f.seconds)


def terminal(job: Job) -> Message:
    """`done`, `failed` or `cancelled`, as the job ended."""
    if job.state is State.DONE:
        return "/punchin/done", (job.id, json.dumps(job.result, ensure_ascii=False))
    if job.state is State.FAILED:
        e = job.error or {}
        return "/punchin/failed", (job.id, e["code"], e["name"], e["message"])
    return "/punchin/cancelled", (job.id,)


def so_far(job: Job) -> Iterator[Message]:
    """What the sender of a resend is told."""
    yield accepted(job)
    if job.stage or job.fraction:
        yield progress(job)
    for f in job.files:
        yield file(job, f)
    if job.ended:
        yield terminal(job)


def tell(listener: Listener, message: Message, folder: Path) -> None:
    """Send one message to one listener."""
    listener.send(message[0], *message[1], instead=_short(message, folder))


def publish(bus: Bus, job: Job, message: Message, folder: Path) -> None:
    """Send one message to all who follow the job."""
    for listener in bus.audience(job.audience):
        tell(listener, message, folder)


def _short(message: Message, folder: Path) -> tuple[Any, ...] | None:
    """What a datagram that can't hold the whole `done` says."""
    address, args = message
    if address != "/punchin/done":
        return None
    return (args[0], json.dumps({"job_file": str(folder / "job.json")}, ensure_ascii=False))
