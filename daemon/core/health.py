"""How the house is: the answer to `/punchin/status`. Costly readings are taken once a second.

Threads: the control loop's thread only; `measure_disk` blocks and runs on a thread.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import psutil

from bridge.protocol.commands import PROTOCOL
from bridge.version import VERSION
from daemon.core.stage import Stage

_FRESH_S = 1.0
_RESTING = {"unseen": "starting", "broken": "broken"}
"""What the house is while no job runs, by the state of its engine; else it is idle."""


class EngineRoom(Protocol):
    """What is asked of the supervisor."""

    def health(self) -> list[dict[str, Any]]:
        """Return a row for each engine."""

    def device(self, engine: str) -> str:
        """Return where an engine runs."""

    def memory_bytes(self) -> int:
        """Return the workers' resident memory."""


class Health:
    """Reads the house's health. `clock` is monotonic seconds."""

    def __init__(
        self,
        home: Path,
        stage: Stage,
        engines: EngineRoom,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._home, self._stage, self._engines = home, stage, engines
        self._clock = clock
        self._since = clock()
        self._read_at = -_FRESH_S
        self._readings: dict[str, Any] = {}
        self.disk_used_bytes = 0
        self.audio: Callable[[], dict[str, Any]] = lambda: {"state": "off", "message": ""}
        self.midi: Callable[[], dict[str, Any]] = lambda: {"state": "off", "message": ""}

    def status(self) -> dict[str, Any]:
        """Return the answer, JSON-ready."""
        running = self._stage.running
        engine = self._stage.engine_for_new_jobs
        engines = self._engines.health()
        told = {row["name"]: row["state"] for row in engines}
        return {
            "state": "running" if running else _RESTING.get(told.get(engine, ""), "idle"),
            "engine": engine,
            "device": self._engines.device(engine),
            "queued": len(self._stage.line),
            "running": running.id if running else None,
            **self._slow_readings(),
            "audio": self.audio(),
            "midi": self.midi(),
            "engines": engines,
            "uptime_s": round(self._clock() - self._since, 3),
            "home": str(self._home),
            "pid": os.getpid(),
            "protocol": PROTOCOL,
            "version": VERSION,
        }

    def _slow_readings(self) -> dict[str, Any]:
        if self._clock() - self._read_at >= _FRESH_S:
            self._read_at = self._clock()
            own = int(psutil.Process().memory_info().rss)
            memory = {"daemon_bytes": own, "workers_bytes": self._engines.memory_bytes()}
            free = shutil.disk_usage(self._home).free
            self._readings = {"memory": memory, "disk": {"free_bytes": free}}
        self._readings["disk"]["used_bytes"] = self.disk_used_bytes
        return self._readings

    def measure_disk(self) -> None:
        """Add up what the job folders take."""
        total = 0
        for folder, _, names in os.walk(self._home / "jobs"):
            for name in names:
                try:
                    total += (Path(folder) / name).lstat().st_size
                except OSError:
                    continue
        self.disk_used_bytes = total
