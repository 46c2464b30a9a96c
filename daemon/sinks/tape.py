"""A tape: one role's samples of a take while it is being made, float32 on disk beside the result.

Chunks may come in any order and be recorded over; memory stays small however long the take.

Threads: one thread at a time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bridge.protocol.errors import error
from daemon.audio.reading import BLOCK_FRAMES

_SAMPLE = 4


class Tape:
    """Samples `(frames, channels)` of one role, in a hidden file that is removed at the end."""

    def __init__(self, path: Path, channels: int) -> None:
        self.path = path
        self.channels = channels
        self.frames = 0
        self.peak = 0.0
        self._file = path.open("w+b")

    def record(self, start: int, payload: bytes) -> None:
        """Record interleaved float32 from frame `start` on. Raises OSError."""
        frame = _SAMPLE * self.channels
        self._file.seek(start * frame)
        self._file.write(payload)
        self.frames = max(self.frames, start + len(payload) // frame)
        samples = np.frombuffer(payload, "<f4")
        self.peak = max(self.peak, float(np.abs(samples).max(initial=0.0)))

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
        """Remove the tape."""
        with contextlib.suppress(OSError):  # a full disk can't take what was not written yet
            self._file.close()
        self.path.unlink(missing_ok=True)
