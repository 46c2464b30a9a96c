"""The mailbox: messages as files, for hosts without sockets.

`<home>/inbox/<name>.json` holds a message or an array of them, a bundle; the answers appear as
`<home>/outbox/<name>.json` and are kept ten minutes. A message is taken by hiding its file,
applied, and its hidden file removed once it is answered: after a crash it is applied again, and a
job with the same id is then a resend. An id `*` becomes one that the file's name and time decide,
so that such a job, too, runs once.

Threads: the control loop's thread; listing and writing run on threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import stat
import time
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from bridge.protocol.commands import COMMAND, EVENT
from bridge.protocol.errors import PunchinError, error
from bridge.protocol.packets import FRAME, Message
from daemon.core import durable
from daemon.frontends.dispatch import Client, Dispatcher
from daemon.frontends.lane import refuse

POLL_S = 0.05
KEEP_S = 600.0
_SWEEP_S = 30.0
_LAST_WORDS_S = 5.0
_IN_JOB_JSON = frozenset({"/punchin/started", "/punchin/progress"})
_log = logging.getLogger(__name__)


class Outbox:
    """The answer to one mailbox file; see `daemon.core.bus.Listener`."""

    leased = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers: list[dict[str, Any]] = []
        self.changed = asyncio.Event()

    @property
    def key(self) -> Hashable:
        """Each file is a client of its own."""
        return ("mailbox", self.name)

    def send(self, address: str, *args: Any, instead: tuple[Any, ...] | None = None) -> None:
        """Keep an answer; a job's later events are in its `job.json`."""
        assert address in EVENT
        if address in _IN_JOB_JSON:
            return
        self.answers.append({"address": address, "args": list(args)})
        self.changed.set()


class Mailbox:
    """Watches the inbox."""

    def __init__(self, home: Path, dispatcher: Dispatcher, forget: Any) -> None:
        self._inbox, self._outbox = home / "inbox", home / "outbox"
        self._dispatcher = dispatcher
        self._forget = forget
        self._swept_at = 0.0
        self._open: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Make the folders; what a crash left taken but unanswered is put back."""
        self._inbox.mkdir(parents=True, exist_ok=True)
        self._outbox.mkdir(parents=True, exist_ok=True)
        for taken in self._inbox.glob(".*.taken"):
            taken.replace(self._inbox / taken.name[1:].removesuffix(".taken"))

    async def run(self) -> None:
        """Take files for ever; cancel this to stop."""
        while True:
            try:
                for path in await asyncio.to_thread(self._waiting):
                    await self._take(path)
            except OSError as problem:
                _log.warning("the mailbox can't be read: %s", problem)
            await asyncio.sleep(POLL_S)

    async def close(self) -> None:
        """Write the answers that are still to come, as far as they do come."""
        if self._open:
            await asyncio.wait(self._open, timeout=_LAST_WORDS_S)

    def _waiting(self) -> list[Path]:
        """Return what lies in the inbox, in the order in which it is to be taken."""
        if time.monotonic() - self._swept_at > _SWEEP_S:
            self._swept_at = time.monotonic()
            self._sweep()
        found = []
        for path in self._inbox.iterdir():
            if path.suffix == ".json" and not path.name.startswith("."):
                with contextlib.suppress(OSError):
                    facts = path.stat()
                    if stat.S_ISREG(facts.st_mode):  # a pipe or a device would never end
                        found.append((facts.st_mtime_ns, path.name, path))
        return [path for _, _, path in sorted(found)]

    def _sweep(self) -> None:
        """Remove answers that are older than ten minutes."""
        for path in self._outbox.iterdir():
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > KEEP_S:
                    path.unlink()

    async def _take(self, path: Path) -> None:
        outbox = Outbox(path.stem)
        taken = path.with_name(f".{path.name}.taken")
        try:
            stamp, messages = await asyncio.to_thread(self._read, path, taken)
        except FileNotFoundError:
            return
        except OSError as problem:
            why = problem.strerror or str(problem)
            refuse(outbox, "", error(101, f"the file can't be read ({why}): check its rights"))
            await self._answer(outbox, taken)
            return
        except PunchinError as problem:
            refuse(outbox, "", problem)
            await self._answer(outbox, taken)
            return
        named = [
            (a, _settled_id(a, args, path.name, stamp, i)) for i, (a, args) in enumerate(messages)
        ]
        pending = self._dispatcher.apply(named, Client(outbox))
        task = asyncio.ensure_future(self._finish(outbox, pending, taken))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    def _read(self, path: Path, taken: Path) -> tuple[int, list[Message]]:
        """Hide a file and return its messages. Raises 101, 106, 107."""
        found = path.stat()
        path.replace(taken)
        if time.time() - found.st_mtime > KEEP_S:
            raise error(107, "the message is over ten minutes old and was not run: send it again")
        if found.st_size > FRAME:
            raise error(106, "the message is over 1 MiB: send long texts as lyrics_file")
        try:
            whole = json.loads(taken.read_text("utf-8"))
        except (ValueError, RecursionError):
            raise error(101, "the file is not JSON: write it elsewhere, then rename it") from None
        rows = whole if isinstance(whole, list) else [whole]
        return found.st_mtime_ns, [_message(row) for row in rows]

    async def _finish(
        self, outbox: Outbox, pending: list[asyncio.Future[None]], taken: Path
    ) -> None:
        """Answer once everything is answered; what comes later (`synced`) is added."""
        if pending:
            await asyncio.wait(pending)
        outbox.changed.set()
        while outbox.changed.is_set() or self._dispatcher.waits_for_sync(outbox):
            await outbox.changed.wait()
            # Cleared before writing: an answer that comes meanwhile is written once more.
            outbox.changed.clear()
            await self._answer(outbox, taken)
        self._forget(outbox.key)

    async def _answer(self, outbox: Outbox, taken: Path) -> None:
        data = json.dumps(outbox.answers, ensure_ascii=False).encode("utf-8", "replace")
        target = self._outbox / f"{outbox.name}.json"
        try:
            part = await asyncio.to_thread(durable.write_part, target, data, False)
            await durable.replace_patiently(part, target)
            await asyncio.to_thread(taken.unlink, True)
        except OSError as problem:
            _log.warning("the answer to %s could not be written: %s", outbox.name, problem)


def _message(row: Any) -> Message:
    plain = isinstance(row, dict) and isinstance(row.get("address"), str)
    args = row.get("args", []) if plain else None
    if not isinstance(args, list) or not all(isinstance(a, str | int | float) for a in args):
        raise error(101, 'expected {"address": "/punchin/…", "args": […]}: send that, or an array')
    return row["address"], args


def _settled_id(address: str, args: list[Any], name: str, stamp: int, index: int) -> list[Any]:
    """Replace the id `*` of a job by one that is the same when the file is taken again."""
    row = COMMAND.get(address)
    if not (row and row.op and args and args[0] == "*"):
        return args
    mark = hashlib.sha256(f"{name}\0{stamp}\0{index}".encode()).hexdigest()[:12]
    return [f"{row.op}-{mark}", *args[1:]]
