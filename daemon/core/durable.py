"""Files that are whole or absent, also after a crash.

A file is written under another name, flushed, and renamed. On Windows a rename fails while a
poller holds the old file open, so the rename is tried again for up to two seconds.

Threads: `write_part` blocks and belongs on a worker thread; `replace_patiently` is
for the control loop.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from bridge.protocol.errors import PunchinError, error

PATIENCE_S = 2.0
_RETRY_S = 0.02
_count = itertools.count()


def write_part(target: Path, data: bytes, durable: bool) -> Path:
    """Write `data` beside `target` under a hidden name and return that path."""
    part = target.parent / f".{target.name}.{os.getpid()}.{next(_count)}.part"
    try:
        with part.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return part


async def replace_patiently(
    part: Path, target: Path, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Rename `part` onto `target`; while somebody holds `target` open, wait and try again."""
    waited = 0.0
    while True:
        try:
            part.replace(target)
            return
        except PermissionError:
            if waited >= PATIENCE_S:
                part.unlink(missing_ok=True)
                raise
        await sleep(_RETRY_S)
        waited += _RETRY_S


def as_punchin(problem: OSError, what: str) -> PunchinError:
    """Return 400 for a full disk, 401 for anything else that keeps us from writing `what`."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return error(400, f"no space left for {what}: free some space and try again")
    reason = problem.strerror or str(problem)
    return error(401, f"{what} could not be written ({reason}): check that the folder is writable")
