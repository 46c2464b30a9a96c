"""Between a render function and a device's real-time callback: a ring that a filler keeps full.

The callback only copies; where the ring is short it plays silence and counts. The filler runs
`ahead` frames in front, which is how late the render function may be now and then without a gap.

Threads: `take` belongs to the device's callback and never waits; the filler has a thread of its
own; `ahead` may be set by any.
"""

from __future__ import annotations

import logging
import threading

import numpy as np

from daemon.player.outputs.base import Format, Pulse, Render, next_block
from daemon.player.outputs.priority import prefer
from daemon.player.outputs.ring import Ring

_MOST_AHEAD_S = 0.5
_MOST_BLOCK = 16384
_log = logging.getLogger(__name__)


class Feed:
    """Feeds one callback with blocks of at most `fmt.block` frames, `ahead` frames in front."""

    def __init__(self, fmt: Format, ahead: int, pulse: Pulse) -> None:
        self._fmt, self._pulse = fmt, pulse
        self._ring = Ring(round(_MOST_AHEAD_S * fmt.rate) + 2 * _MOST_BLOCK, fmt.channels)
        self.ahead = ahead
        self._primed = False

    def begin(self, render: Render) -> None:
        """Start the filler; it ends with the pulse."""
        threading.Thread(target=self._fill, args=(render,), name="filler", daemon=True).start()

    def _fill(self, render: Render) -> None:
        prefer()
        fmt, ended = self._fmt, self._pulse.ended
        try:
            while not ended.is_set():
                while self._ring.filled < min(self.ahead, self._ring.size - fmt.block):
                    self._ring.write(next_block(render, fmt.block, fmt.channels))
                self._primed = True
                ended.wait(fmt.block / fmt.rate / 4)
        except Exception as problem:
            _log.exception("what should sound can't be made")
            self._pulse.end(f"the player failed: {problem!r}")

    def take(self, out: np.ndarray) -> None:
        """Fill `out`, `(frames, channels)`, with what comes next, or with silence."""
        there = self._ring.read(out)
        out[there:] = 0
        if there < len(out) and self._primed:
            self._pulse.underruns += 1
        self._pulse.beat(there)
