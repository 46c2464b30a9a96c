"""The player process as the control plane sees it: started when needed, replaced when it dies.

An audio library may hang or take its process down; the daemon then loses the preview for a moment
and nothing else.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bridge.protocol.errors import PunchinError, error
from daemon.worker.channel import BrokenChannel, pack, receive

_START_S = 20.0
_ANSWER_S = 15.0
_QUIT_S = 2.0
LOOK_S = 0.5
_BUFFER = 4 << 20
_MOST_UNSENT = 256 << 20
_LOG_BYTES = 1 << 20
_log = logging.getLogger(__name__)


class PlayerProcess:
    """The one player. `options` as `daemon.player.__main__` takes them; it logs to `log`.

    `heard` is given frames that answer nothing, `looked` where it is, every `LOOK_S`, None while it
    has opened no output. `died` is called when it is gone unasked.
    """

    def __init__(self, options: Mapping[str, Any], log: Path) -> None:
        self._options, self._log_file = options, log
        self.heard: Callable[[Mapping[str, Any]], None] = lambda _fields: None
        self.looked: Callable[[Mapping[str, Any] | None], None] = lambda _where: None
        self.died: Callable[[str], None] = lambda _why: None
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._starting = asyncio.Lock()

    @property
    def running(self) -> bool:
        """Whether there is a process to talk to."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its number, 0 when there is none."""
        return self._process.pid if self._process and self.running else 0

    async def start(self) -> bool:
        """Start it if it does not run; return whether that was needed. Raises 402."""
        async with self._starting:
            if self.running:
                return False
            await self._end_tasks()
            process = await self._launch()
            assert process.stdout is not None
            try:
                async with asyncio.timeout(_START_S):
                    await receive(process.stdout)
            except (BrokenChannel, TimeoutError):
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                raise error(402, f"the player could not start: see {self._log_file}") from None
            self._process = process
            self._tasks = [
                asyncio.create_task(self._read(process)),
                asyncio.create_task(self._watch(process)),
            ]
            return True

    async def _launch(self) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "daemon.player", json.dumps(self._options)]
        quiet = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        try:
            with _fresh(self._log_file).open("ab") as errors:
                return await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                    env={**os.environ, **quiet},
                    limit=_BUFFER,
                )
        except OSError as reason:
            raise error(402, f"the player can't be started ({reason}): see the log") from None

    # -- talking -----------------------------------------------------------------------------------

    def tell(self, fields: Mapping[str, Any], payload: bytes = b"") -> None:
        """Send a frame that needs no answer; nothing happens when there is no process."""
        if not self.running:
            return
        assert self._process is not None
        assert self._process.stdin is not None
        if self._process.stdin.transport.get_write_buffer_size() > _MOST_UNSENT:
            self.kill("it takes nothing any more")
            return
        for piece in pack(fields, payload):
            self._process.stdin.write(piece)

    async def ask(self, fields: Mapping[str, Any], limit_s: float = _ANSWER_S) -> dict[str, Any]:
        """Send a frame and return its answer. Raises what the player refused it with, or 402."""
        if not self.running:
            raise _gone()
        n = next(self._numbers)
        answer = self._waiting[n] = asyncio.get_running_loop().create_future()
        try:
            self.tell({**fields, "n": n})
            async with asyncio.timeout(limit_s):
                told = await answer
        except TimeoutError:
            self.kill("it did not answer")
            raise _gone() from None
        finally:
            self._waiting.pop(n, None)
        if told["kind"] == "refused":
            raise error(told["code"], told["message"])
        return told

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with contextlib.suppress(BrokenChannel):
            while True:
                fields, _ = await receive(process.stdout)
                answer = self._waiting.get(fields.get("n", 0))
                if answer is not None and not answer.done():
                    answer.set_result(fields)
                elif fields["kind"] == "stuck":
                    self.looked(fields["where"])
                    self.kill(fields["message"])
                elif "n" not in fields:
                    self.heard(fields)
        await process.wait()
        self._fail_all()
        _log.warning("the player is gone (%s)", process.returncode)
        self.died(f"exit code {process.returncode}")

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Note where it is, and kill a player that does not answer."""
        while process.returncode is None:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(PunchinError):
                self.looked((await self.ask({"do": "where"}))["where"])

    def _fail_all(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(_gone())

    # -- ending ------------------------------------------------------------------------------------

    def kill(self, why: str) -> None:
        """End it at once; `died` follows."""
        if self._process and self.running:
            _log.warning("the player is ended: %s", why)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        """Ask it to stop, wait a little, then kill it."""
        self.died = lambda _why: None
        process, self._process = self._process, None
        await self._end_tasks()
        if process is None:
            return
        if process.returncode is None and process.stdin is not None:
            for piece in pack({"do": "quit"}):
                process.stdin.write(piece)
        try:
            async with asyncio.timeout(_QUIT_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _end_tasks(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _gone() -> Exception:
    return error(402, "the player has stopped and is started again: send that once more")


def _fresh(log: Path) -> Path:
    """Start a new log when the old one has grown."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".old.log"))
    return log
