"""The mailbox: talk to the daemon through files, without sockets.

A message is a file in `<home>/inbox`, its answer a file of the same name in `<home>/outbox`, and a
job's progress is its `job.json`. See section 5 of the protocol.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bridge.places import home as default_home
from bridge.protocol.packets import Message

ENDED = ("done", "failed", "cancelled")
_POLL_S = 0.05


def post(messages: Sequence[Message], home: Path | None = None, name: str = "") -> str:
    """Leave messages, more than one as a bundle; return the name of the file.

    The file is written under another name and then renamed, so that it is only ever seen whole.
    """
    name = name or f"{time.time_ns()}-{os.urandom(4).hex()}"
    inbox = (home or default_home()) / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    told = [{"address": address, "args": list(args)} for address, args in messages]
    whole = told[0] if len(told) == 1 else told
    draft = inbox / f".{name}.draft"
    draft.write_text(json.dumps(whole, ensure_ascii=False), "utf-8")
    os.replace(draft, inbox / f"{name}.json")  # noqa: PTH105
    return name


def answer(
    name: str,
    home: Path | None = None,
    timeout_s: float = 10.0,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Message]:
    """Wait for the answer to a posted file: messages in order. Raises TimeoutError."""
    path = (home or default_home()) / "outbox" / f"{name}.json"
    for _ in _tries(timeout_s, sleep):
        found = _read(path)
        if isinstance(found, list):
            return [(m["address"], m["args"]) for m in found]
    raise TimeoutError(
        f"no answer to {name}.json within {timeout_s:g} s: is punchin serve running?"
    )


def request(
    messages: Sequence[Message], home: Path | None = None, timeout_s: float = 10.0
) -> list[Message]:
    """Post and wait for the answer."""
    return answer(post(messages, home), home, timeout_s)


def read_job(id_: str, home: Path | None = None) -> dict[str, Any] | None:
    """Return what `job.json` of a job holds, None while there is none."""
    found = _read((home or default_home()) / "jobs" / id_ / "job.json")
    return found if isinstance(found, dict) else None


def wait_job(
    id_: str,
    home: Path | None = None,
    timeout_s: float = 600.0,
    on_change: Callable[[dict[str, Any]], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Follow a job's `job.json` to its end and return it; `on_change` gets each new version.

    Raises TimeoutError.
    """
    before = None
    for _ in _tries(timeout_s, sleep):
        record = read_job(id_, home)
        if record and record != before and on_change:
            on_change(record)
        before = record
        if record and record.get("state") in ENDED:
            return record
    raise TimeoutError(f"job {id_} has not ended within {timeout_s:g} s: wait again")


def _tries(timeout_s: float, sleep: Callable[[float], None]) -> Iterator[None]:
    end_s = time.monotonic() + timeout_s
    yield
    while time.monotonic() < end_s:
        sleep(_POLL_S)
        yield


def _read(path: Path) -> Any:
    """Return a file's JSON, None while it is not there (or, on Windows, being replaced)."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
