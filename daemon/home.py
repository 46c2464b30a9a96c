"""One daemon a home: the lock, and `daemon.json`, which tells clients where it answers.

Threads: the main thread, at the start and at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

import filelock

from bridge.places import read_daemon
from bridge.protocol.commands import PROTOCOL
from bridge.version import VERSION
from daemon.core import durable

_DYING_S = 1.0  # a daemon that was killed holds its lock until the system has cleared it away
_CHANGE_S = 20.0  # one that is ending, or starting, has announced nothing


class Occupied(Exception):
    """Another daemon runs in this home; the message names its pid and port."""


class Home:
    """The daemon's own folder. Use as a context: the lock is held inside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = filelock.FileLock(path / ".daemon.lock", timeout=_DYING_S)

    def __enter__(self) -> Home:
        self.path.mkdir(parents=True, exist_ok=True)
        end_s = time.monotonic() + _CHANGE_S
        while not self._locked():
            if read_daemon(self.path) or time.monotonic() > end_s:
                raise Occupied(self._who())
        # What a killed daemon left names nobody.
        self._forget()
        return self

    def _locked(self) -> bool:
        with contextlib.suppress(filelock.Timeout):
            self._lock.acquire()
        return self._lock.is_locked

    def __exit__(self, *_: object) -> None:
        self._forget()
        self._lock.release()

    def announce(self, host: str, port: int) -> None:
        """Tell where the daemon answers. Raises OSError."""
        facts = {"pid": os.getpid(), "host": host, "port": port}
        data = json.dumps({**facts, "protocol": PROTOCOL, "version": VERSION}).encode()
        durable.write_part(self._file, data, True).replace(self._file)

    def retract(self) -> None:
        """Take the announcement back: the daemon is about to stop answering."""
        self._forget()

    @property
    def _file(self) -> Path:
        return self.path / "daemon.json"

    def _forget(self) -> None:
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _who(self) -> str:
        other = read_daemon(self.path)
        if other is None:
            return f"another Punchin daemon is starting in {self.path}: use that one"
        where = f"pid {other['pid']}, port {other['port']}"
        return f"a Punchin daemon already runs in {self.path} ({where}): use it, or stop it first"
