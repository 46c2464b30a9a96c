"""Hosts one engine: loads it, runs jobs, listens for cancel, ends with the control plane.

Between jobs the engine may work ahead (`ahead`); that gives way to any command that comes in.

Threads: `serve` runs in the main thread and does all the work; `_read` is the one reader thread,
which only sets flags and fills the queue.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from typing import Any, cast

from bridge.protocol.errors import PunchinError, error
from daemon.core.planner import Work
from daemon.engines import registry
from daemon.engines.base import Ahead, Cancelled, Engine
from daemon.worker.ahead import QuietPort, prepare
from daemon.worker.channel import BrokenChannel, Channel
from daemon.worker.clip import Shelf
from daemon.worker.perform import perform
from daemon.worker.port import JobPort

_log = logging.getLogger("punchin.worker")


class Host:
    """One engine behind one channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._commands: queue.Queue[dict[str, Any]] = queue.Queue()
        self._cancelled = threading.Event()
        self._clips = Shelf()

    def serve(self, engine_name: str, model: str | None) -> int:
        """Load the engine and obey until `quit`; return the exit code."""
        threading.Thread(target=self._read, name="channel", daemon=True).start()
        port = JobPort(self._channel, self._cancelled)
        try:
            engine = registry.make(engine_name)
            facts = engine.capabilities().as_dict()
            self._channel.send({"kind": "made", "capabilities": facts})
            device = engine.load(model, port)
        except Exception as problem:
            self._channel.send({"kind": "broken", **_told(problem).as_dict()})
            return 1
        self._channel.send({"kind": "ready", "device": device})
        while (command := self._commands.get())["do"] != "quit":
            self._obey(engine, command, port)
        engine.unload()
        return 0

    def survey(self) -> int:
        """Import the engines that are named, each announced first, so that a crash has a name."""
        names = self._channel.receive()[0]["engines"]
        threading.Thread(target=self._read, name="channel", daemon=True).start()
        for name in names:
            self._channel.send({"kind": "surveying", "engine": name})
            try:
                facts = registry.make(name).capabilities().as_dict()
                self._channel.send({"kind": "surveyed", "engine": name, "capabilities": facts})
            except PunchinError as problem:
                told = {"kind": "surveyed", "engine": name, "message": problem.message}
                self._channel.send(told)
        self._channel.send({"kind": "survey done"})
        return 0

    def _read(self) -> None:
        try:
            while True:
                command, _ = self._channel.receive()
                if command["do"] == "cancel":
                    self._cancelled.set()
                else:
                    if command["do"] == "run":
                        self._cancelled.clear()
                    self._commands.put(command)
        except (BrokenChannel, ValueError):
            os._exit(0)

    def _obey(self, engine: Engine, command: dict[str, Any], port: JobPort) -> None:
        if command["do"] == "run":
            self._run(engine, command, port)
        if engine.capabilities().prepares:
            self._work_ahead(cast(Ahead, engine), command)

    def _work_ahead(self, engine: Ahead, command: dict[str, Any]) -> None:
        """Prepare what is to be prepared, then let the engine use the time; nobody waits for it."""
        spare = QuietPort(lambda: not self._commands.empty())
        try:
            if command["do"] == "prepare":
                prepare(engine, Work.from_dict(command["work"]), spare, self._clips)
            spare.check()
            engine.idle(spare)
        except Cancelled:
            _log.debug("what was done ahead gave way")
        except PunchinError as problem:
            _log.info("not prepared: %s", problem.message)
        except Exception:
            _log.exception("what was done ahead failed")

    def _run(self, engine: Engine, command: dict[str, Any], port: JobPort) -> None:
        try:
            work = Work.from_dict(command["work"])
            perform(engine, work, command["first_take"], port, self._clips)
            self._channel.send({"kind": "done"})
        except Cancelled:
            self._channel.send({"kind": "cancelled"})
        except BrokenChannel:
            os._exit(0)
        except Exception as problem:
            if not isinstance(problem, PunchinError):
                _log.exception("the job failed")
            self._channel.send({"kind": "failed", **_told(problem).as_dict()})


def _told(problem: Exception) -> PunchinError:
    """Return a problem as the musician hears of it."""
    if isinstance(problem, PunchinError):
        return problem
    if isinstance(problem, MemoryError):
        return error(304, "out of memory: choose a shorter region or fewer takes")
    what = f"{type(problem).__name__}: {problem}"
    return error(500, f"the engine made a mistake ({what}): see the log, and report it")
