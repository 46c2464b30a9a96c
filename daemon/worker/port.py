"""What the running job may say: the engine's port, and the frames behind it.

Threads: the engine's thread only, except the cancel flag, which the reader thread sets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from daemon.engines.base import Cancelled, Chunk
from daemon.worker.channel import Channel

_TELL_S = 0.03
_FRAMES = 1 << 16


class JobPort:
    """The port of one job; `take_share` maps a take's progress to the job's."""

    def __init__(self, channel: Channel, cancelled: threading.Event) -> None:
        self._channel = channel
        self._cancelled = cancelled
        self._told_at = 0.0
        self._stage = ""
        self.take_share = (0.0, 1.0)
        self.on_chunk: Callable[[Chunk], None] | None = None

    def check(self) -> None:
        """Raise Cancelled if the job was cancelled."""
        if self._cancelled.is_set():
            raise Cancelled

    def progress(self, fraction: float, stage: str) -> None:
        """Tell how far the take is; at most some thirty times a second."""
        self.check()
        now = time.monotonic()
        if now - self._told_at < _TELL_S and stage == self._stage:
            return
        self._told_at, self._stage = now, stage
        start, share = self.take_share
        done = start + share * min(1.0, max(0.0, fraction))
        self.send("progress", {"fraction": done, "stage": stage})

    def emit(self, chunk: Chunk) -> None:
        """Hand a chunk to whoever gathers this take."""
        self.check()
        assert self.on_chunk is not None
        self.on_chunk(chunk)

    def send(self, kind: str, fields: Mapping[str, Any], payload: bytes = b"") -> None:
        """Send one frame to the control plane."""
        self._channel.send({"kind": kind, **fields}, payload)

    def audio(
        self,
        role: str,
        take: int,
        start: int,
        samples: np.ndarray,
        kind: str = "audio",
        **more: Any,
    ) -> None:
        """Send samples `(n, channels)` that begin at frame `start` of their file, in pieces.

        `kind` `rough` is for the ear alone: what will be sent again, fitted to the source.
        """
        for at in range(0, len(samples), _FRAMES):
            self.check()
            piece = np.ascontiguousarray(samples[at : at + _FRAMES], "<f4")
            facts = {"role": role, "take": take, "start": start + at, "frames": len(piece)}
            self._channel.send(
                {"kind": kind, **facts, "channels": piece.shape[1], **more},
                memoryview(piece.data).cast("B"),
            )
