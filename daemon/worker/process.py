"""One worker process as the control plane sees it: start, frames in and out, end.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from bridge.protocol.errors import error
from daemon.worker.channel import BrokenChannel, Frame, pack, receive

_QUIT_S = 2.0
_BUFFER = 4 << 20
_LOG_BYTES = 1 << 20
_log = logging.getLogger(__name__)


class WorkerProcess:
    """A running worker. `device` and `capabilities` are known once `ready` has returned."""

    def __init__(self, engine: str, model: str | None, process: asyncio.subprocess.Process) -> None:
        self.engine = engine
        self.model = model
        self.device = ""
        self.capabilities: dict[str, Any] = {}
        self._process = process

    @classmethod
    async def start(
        cls, engine: str, model: str | None, log: Path, told: Mapping[str, str] | None = None
    ) -> WorkerProcess:
        """Start a worker; what it prints goes to `log`. Raises 300.

        `told` are environment variables: settings that an engine may read.
        """
        command = [sys.executable, "-m", "daemon.worker", engine, *([model] if model else [])]
        # One core stays free for the control plane and for audio.
        quiet = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        try:
            with _fresh_log(log).open("ab") as errors:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                    env={**os.environ, **(told or {}), **quiet},
                    limit=_BUFFER,
                )
        except OSError as reason:
            raise error(300, f"the worker can't be started ({reason}): see the log") from None
        return cls(engine, model, process)

    async def ready(self, stall_s: float, learnt: Callable[[dict[str, Any]], None]) -> None:
        """Wait until the engine is loaded. Raises what it raised, 306, BrokenChannel.

        `learnt` hears of the capabilities as soon as the engine is imported.
        """
        fields: Mapping[str, Any] = {"kind": "progress"}
        while fields["kind"] in ("progress", "made"):
            if fields["kind"] == "made":
                self.capabilities = fields["capabilities"]
                learnt(self.capabilities)
            try:
                async with asyncio.timeout(stall_s):
                    fields, _ = await self.receive()
            except TimeoutError:
                self.kill()
                what = f"the engine {self.engine} said nothing for {stall_s:g} s while loading"
                raise error(306, f"{what}: see its log") from None
        if fields["kind"] != "ready":
            raise error(fields["code"], fields["message"])
        self.device = fields["device"]

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def memory_bytes(self) -> int:
        """Resident memory, 0 when it is gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss) if self.alive else 0
        except psutil.Error:
            return 0

    async def receive(self) -> Frame:
        """Wait for one frame. Raises BrokenChannel."""
        assert self._process.stdout is not None
        return await receive(self._process.stdout)

    def send(self, header: Mapping[str, Any]) -> None:
        """Send one frame. Raises BrokenChannel."""
        assert self._process.stdin is not None
        if not self.alive:
            raise BrokenChannel("the worker is gone")
        for piece in pack(header):
            self._process.stdin.write(piece)

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Ask it to stop, wait a little, then kill it."""
        with contextlib.suppress(BrokenChannel, OSError):
            self.send({"do": "quit"})
        try:
            async with asyncio.timeout(_QUIT_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()


def _fresh_log(log: Path) -> Path:
    """Start a new log when the old one has grown."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".old.log"))
    return log
