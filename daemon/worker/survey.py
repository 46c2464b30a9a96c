"""What the installed engines can do, learnt without importing one in the control plane.

A process of its own imports each in turn and says so first; if it dies, that one is the culprit.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from daemon.worker.channel import SURVEYOR, BrokenChannel
from daemon.worker.process import WorkerProcess

_IMPORT_S = 60.0
_log = logging.getLogger(__name__)


class Health(StrEnum):
    """How an engine is."""

    UNSEEN = "unseen"
    AVAILABLE = "available"
    LOADED = "loaded"
    BROKEN = "broken"


class Survey:
    """Capabilities and health of each engine by name."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self.capabilities: dict[str, dict[str, Any]] = {}
        self._trouble: dict[str, str] = {}

    def broken(self, engine: str, why: str) -> None:
        """Note that an engine can't be used, and why."""
        _log.warning("engine %s: %s", engine, why)
        self._trouble[engine] = why

    def works(self, engine: str, capabilities: dict[str, Any]) -> None:
        """Note what an engine that was loaded can do; what was wrong with it is over."""
        self.capabilities[engine] = capabilities
        self._trouble.pop(engine, None)

    def health(self, loaded: Mapping[str, WorkerProcess]) -> list[dict[str, Any]]:
        """Return name, state, trouble, ops of each engine."""
        return [self._row(name, loaded.get(name)) for name in self._names]

    def _row(self, name: str, worker: WorkerProcess | None) -> dict[str, Any]:
        facts = self.capabilities.get(name)
        state = Health.UNSEEN if facts is None else Health.AVAILABLE
        if worker:
            state = Health.LOADED
        elif name in self._trouble:
            state = Health.BROKEN
        row = {"name": name, "state": str(state), "trouble": self._trouble.get(name, "")}
        told = {k: facts[k] for k in ("version", "summary", "ops", "needs_model")} if facts else {}
        return {**row, **told, "device": worker.device if worker else ""}

    async def run(self, log: Path) -> None:
        """Look at the engines nobody has seen yet, in a process that may die of it."""
        while unseen := [n for n in self._names if not self._seen(n)]:
            process = await WorkerProcess.start(SURVEYOR, None, log)
            try:
                await self._look(process, unseen)
            finally:
                # It holds nothing, and an import under way would delay a stop of the house.
                process.kill()
                await process.close()

    def _seen(self, name: str) -> bool:
        return name in self.capabilities or name in self._trouble

    async def _look(self, process: WorkerProcess, unseen: list[str]) -> None:
        culprit = unseen[0]
        try:
            process.send({"do": "survey", "engines": unseen})
            while True:
                async with asyncio.timeout(_IMPORT_S):
                    fields, _ = await process.receive()
                if fields["kind"] == "survey done":
                    return
                culprit = fields["engine"]
                if fields["kind"] == "surveyed":
                    self._note(fields)
        except (BrokenChannel, TimeoutError):
            process.kill()
            self.broken(culprit, "it took its process down when it was imported")

    def _note(self, fields: Mapping[str, Any]) -> None:
        if "capabilities" in fields:
            self.capabilities[fields["engine"]] = fields["capabilities"]
        else:
            self.broken(fields["engine"], fields["message"])
