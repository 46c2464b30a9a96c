"""A time line at the rate of an output, converted block by block away from the audio thread.

Blocks are cut with margins (`daemon.audio.resample.cut`), so that they join without a seam.

Threads: as in `daemon.player.samples`; `load` belongs to the loader thread.
"""

from __future__ import annotations

import numpy as np

from daemon.audio import resample
from daemon.player.samples import BLOCK, Blocks, Timeline


class Converted(Blocks):
    """`line` at `rate_out` (Hz)."""

    def __init__(self, line: Timeline, rate_in: int, rate_out: int) -> None:
        self.line, self._rates = line, (rate_in, rate_out)
        super().__init__(round(line.frames * rate_out / rate_in), line.channels)

    def load(self, near: int) -> bool:
        """Convert one more block, if possible the one at frame `near`; False if none can be."""
        first = min(max(0, near), max(0, self.frames - 1)) // BLOCK
        for block in (*range(first, len(self._there)), *range(first)):
            if not self._there[block] and self._convert(block):
                return True
        return False

    def _convert(self, block: int) -> bool:
        start, end = block * BLOCK, min((block + 1) * BLOCK, self.frames)
        a, b = resample.needed(*self._rates, start, end)
        # Silence before and after the line is there; what a filter needs of it is no reason to wait
        if self.line.ready(a, b) < b - a:
            return False
        raw = np.asarray(self.line.read(a, b))
        self._put(block, resample.cut(raw, a, *self._rates, start, end))
        return True
