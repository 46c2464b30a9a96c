"""A ring of audio blocks between one writing and one reading thread, without a lock.

Samples are float32, shape `(frames, channels)`. Both positions are ints that only grow, and each
is written by one side only; Python's ints are replaced whole, so the other side sees the old or the
new one. What does not fit is not written, what is not there is not read: the caller counts it.

Threads: `write` and `free` belong to one thread, `read` and `filled` to another.
"""

from __future__ import annotations

import numpy as np


class Ring:
    """Room for `frames` frames of `channels` channels."""

    def __init__(self, frames: int, channels: int) -> None:
        assert frames > 0
        self._room = np.zeros((frames, channels), np.float32)
        self._written = 0
        self._read = 0

    @property
    def size(self) -> int:
        """Frames that it can hold."""
        return len(self._room)

    @property
    def filled(self) -> int:
        """Frames that wait to be read."""
        return self._written - self._read

    @property
    def free(self) -> int:
        """Frames that can be written now."""
        return self.size - self.filled

    def write(self, block: np.ndarray) -> int:
        """Append as much of `(n, channels)` as fits; return how many frames that were."""
        count = min(len(block), self.free)
        first = self._written % self.size
        head = min(count, self.size - first)
        self._room[first : first + head] = block[:head]
        self._room[: count - head] = block[head:count]
        self._written += count
        return count

    def read(self, out: np.ndarray) -> int:
        """Fill `out` from its beginning with what is there; return how many frames that were."""
        count = min(len(out), self.filled)
        first = self._read % self.size
        head = min(count, self.size - first)
        out[:head] = self._room[first : first + head]
        out[head:count] = self._room[: count - head]
        self._read += count
        return count
