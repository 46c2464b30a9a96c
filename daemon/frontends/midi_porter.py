"""The daemon's side of the porter: starts the process that holds the MIDI ports, again if need be.

It ends by itself when the daemon does. One that says nothing for `_HUNG_S`, because a library
hangs, is killed and replaced.

Threads: the control loop's thread only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from bridge.client.launch import environment
from bridge.midi.porter import MESSAGE, Frame, Frames
from bridge.protocol.errors import PunchinError, error

_AGAIN_S, _HUNG_S, _PATIENCE_S = 1.0, 10.0, 3.0
_CHUNK = 1 << 14
_log = logging.getLogger(__name__)


class PorterLink:
    """A process with ports. `deliver` gets port, message, time; `changed` follows new ports."""

    def __init__(
        self,
        told: dict[str, Any],
        deliver: Callable[[str, bytes, float], None],
        changed: Callable[[], None],
        command: tuple[str, ...] = (sys.executable, "-m", "bridge.midi.porter"),
        hung_s: float = _HUNG_S,
    ) -> None:
        self._hung_s = hung_s
        self._told, self._deliver, self._changed, self._command = told, deliver, changed, command
        self._process: asyncio.subprocess.Process | None = None
        self._state: dict[str, Any] = {}
        self.starts = 0

    async def run(self) -> None:
        """Keep a porter running; cancel this to stop."""
        while True:
            try:
                await self._once()
            except TimeoutError:
                _log.warning("the MIDI system hangs: its process is replaced")
            except OSError as e:
                _log.warning("the MIDI ports' process can't be started: %s", e)
            finally:
                await self._end()
            self._state = {"problem": [403, "the MIDI system has failed: it is started again"]}
            self._changed()
            await asyncio.sleep(_AGAIN_S)

    async def _once(self) -> None:
        self.starts += 1
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if _log.isEnabledFor(logging.DEBUG) else asyncio.subprocess.DEVNULL,
            env={**os.environ, **environment()},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(self._told).encode() + b"\n")
        frames = Frames()
        while data := await self._read(process.stdout):
            for frame in frames.feed(data):
                self._take(frame)
            await asyncio.sleep(0)  # a flood leaves the loop to others between two chunks
        _log.info("the MIDI ports' process has ended and is started again")

    async def _read(self, pipe: asyncio.StreamReader) -> bytes:
        async with asyncio.timeout(self._hung_s):
            return await pipe.read(_CHUNK)

    def _take(self, frame: Frame) -> None:
        if frame.kind == MESSAGE:
            inputs = self._state.get("inputs", ())
            port = inputs[frame.port] if frame.port < len(inputs) else ""
            self._deliver(port, frame.body, frame.came_s)
            return
        before, self._state = self._state, json.loads(frame.body)
        if [before.get(k) for k in ("open", "outputs")] != [
            self._state[k] for k in ("open", "outputs")
        ]:
            self._changed()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(min(_PATIENCE_S, self._hung_s)):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    # -- what the frontend asks --------------------------------------------------------------------

    def send(self, message: bytes, port: str = "") -> None:
        """Send to every open output whose name holds `port`; dropped while there is no process."""
        self._order({"send": message.hex(), "port": port})

    def song(self, playing: bool, at_s: float, beat: float, bpm: float) -> None:
        """Tell where the song is, for the clock that goes out."""
        self._order({"song": {"playing": playing, "at_s": at_s, "beat": beat, "bpm": bpm}})

    def _order(self, order: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(OSError, RuntimeError):
            self._process.stdin.write(json.dumps(order).encode() + b"\n")

    def names(self, direction: str) -> list[str]:
        """Return the open ports' names."""
        return list(self._state.get("open" if direction == "in" else "outputs", ()))

    def problem(self) -> PunchinError | None:
        """Return what is missing, as error 403."""
        told = self._state.get("problem")
        return error(*told) if told else None
