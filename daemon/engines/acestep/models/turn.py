"""One pull of a pack at a time: who comes second waits, and goes on where the first one ended.

The lock is the system's own (`flock`, `LockFileEx`): it ends with the process that has it, however
that ends, so nobody ever waits for a dead one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

_ASKED_EVERY_S = 0.2


@contextlib.contextmanager
def turn(growing: Path, waits: Callable[[str], None]) -> Iterator[None]:
    """Have the folder `growing`, that need not exist, for this process alone.

    `waits` hears, once, which process has it. Raises OSError where no lock can be written.
    """
    growing.parent.mkdir(parents=True, exist_ok=True)
    owner = growing.with_name(f"{growing.name}.owner")
    lock = filelock.FileLock(growing.with_name(f"{growing.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        waits(_named(owner))
        lock.acquire(poll_interval=_ASKED_EVERY_S)
    try:
        owner.write_text(str(os.getpid()), "utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _named(owner: Path) -> str:
    try:
        return f"process {int(owner.read_text('utf-8'))}"
    except (OSError, ValueError):
        return "another process"
