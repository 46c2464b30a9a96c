"""What an input gave and no file has yet, the pre-roll at its end.

Threads: the recorder's own.
"""

from __future__ import annotations

import numpy as np

from daemon.player.capture.inputs import InputFormat


class Tape:
    """What has come in and is not yet written. Frames count from the first of the input.

    `begin`: the first frame of the file, before `start` (the punch) by the pre-roll.
    """

    def __init__(self, fmt: InputFormat, preroll_s: float) -> None:
        self._kept = np.zeros((0, fmt.channels), np.float32)
        self._first = 0  # frame of the first kept sample
        self._preroll = round(preroll_s * fmt.rate)
        self._slack = fmt.rate
        self.lost = 0
        self.begin = 0
        self.start: int | None = None

    @property
    def frames(self) -> int:
        """Frames that have come in."""
        return self._first + len(self._kept)

    def append(self, block: np.ndarray) -> None:
        """Add what has come in."""
        if len(block):
            self._kept = np.concatenate((self._kept, block))

    def forget(self) -> None:
        """Drop what no pre-roll can reach, a second of slack left for a punch in the past."""
        self._drop(self.frames - self._preroll - self._slack)

    def punch_in(self, start: int) -> int:
        """Let the take begin at `start`, or where the input did if that was later; return it."""
        self.start = max(start, self._first)
        self.begin = max(self._first, self.start - self._preroll)
        self._drop(self.begin)
        return self.start

    def taken(self, end: int) -> np.ndarray:
        """Return and drop what is kept before `end`."""
        block = self._kept[: max(0, end - self._first)]
        self._drop(end)
        return block

    def _drop(self, before: int) -> None:
        count = min(max(0, before - self._first), len(self._kept))
        self._kept = self._kept[count:]
        self._first += count
