"""A tape: one role's samples of a take while it is being made, float32.

A tape lives in memory as long as the job's tapes together stay within their budget, and moves into
a hidden file beside the result when they don't. Chunks may come in any order and be recorded over.

Threads: one thread at a time.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from bridge.protocol.errors import error
from daemon.audio.reading import BLOCK_FRAMES

IN_MEMORY_BYTES = 96 << 20
_SAMPLE = 4


class Budget:
    """Bytes that the tapes of one job may still take in memory."""

    def __init__(self, left: int = IN_MEMORY_BYTES) -> None:
        self.left = left


class Tape:
    """Samples `(frames, channels)` of one role; `path` is where they go when memory runs out."""

    def __init__(self, path: Path, channels: int, budget: Budget) -> None:
        self.path = path
        self.channels = channels
        self.frames = 0
        self.peak = 0.0
        self._budget = budget
        self._held = 0
        self._file: BinaryIO = io.BytesIO()

    def record(self, start: int, payload: bytes) -> None:
        """Record interleaved float32 from frame `start` on. Raises OSError."""
        frame = _SAMPLE * self.channels
        self._make_room(start * frame + len(payload))
        self._file.seek(start * frame)
        self._file.write(payload)
        self.frames = max(self.frames, start + len(payload) // frame)
        samples = np.frombuffer(payload, "<f4")
        self.peak = max(self.peak, float(np.abs(samples).max(initial=0.0)))

    def _make_room(self, size: int) -> None:
        """Move to disk when `size` bytes are more than memory may hold."""
        more = size - self._held
        if not isinstance(self._file, io.BytesIO) or more <= 0:
            return
        if more <= self._budget.left:
            self._budget.left -= more
            self._held = size
            return
        file = self.path.open("w+b")
        try:
            file.write(self._file.getbuffer())
        except OSError:
            _close(file)
            raise
        self._give_back()
        self._file = file

    def _give_back(self) -> None:
        self._budget.left += self._held
        self._held = 0

    def blocks(self, frames: int) -> Iterator[np.ndarray]:
        """Yield exactly `frames` frames as `(n, channels)`. Raises 307 for a tape that is short."""
        if self.frames < frames:
            raise error(307, "the engine's result is too short: try another seed, and report it")
        self._file.flush()
        self._file.seek(0)
        for at in range(0, frames, BLOCK_FRAMES):
            n = min(BLOCK_FRAMES, frames - at)
            data = self._file.read(n * _SAMPLE * self.channels)
            yield np.frombuffer(data, "<f4").reshape(n, self.channels)

    def close(self) -> None:
        """Let go of the tape."""
        self._give_back()
        _close(self._file)
        self.path.unlink(missing_ok=True)


def _close(file: BinaryIO) -> None:
    with contextlib.suppress(OSError):  # a full disk can't take what was not written yet
        file.close()
