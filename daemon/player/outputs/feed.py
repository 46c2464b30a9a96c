"""Between a render function and a device's real-time callback: a ring that a filler keeps full.

The callback only copies; where the ring is short it plays silence and counts. The filler runs
`ahead` frames in front, which is how late the render function may be now and then without a gap.
While nothing sounds and nothing is asked for (`idle`) it runs little more than one callback in
front, so that what is asked for next is heard sooner; silence that comes late is no gap.

Threads: `take` belongs to the device's callback and never waits; the filler has a thread of its
own; `resize` may be called by any thread; `idle` is called by both.
"""

from __future__ import annotations

import logging
import threading

import numpy as np

from daemon.player.outputs.base import Format, Idle, Pulse, Render, never, next_block
from daemon.player.outputs.priority import prefer
from daemon.player.outputs.ring import Ring

_MOST_AHEAD_S = 0.5
_MOST_BLOCK = 16384
_IDLE_BLOCK = 256
_log = logging.getLogger(__name__)


class Feed:
    """Feeds one callback with blocks of `fmt.block` frames, `ahead` frames in front."""

    def __init__(self, fmt: Format, ahead: int, pulse: Pulse, idle: Idle = never) -> None:
        self._fmt, self._pulse, self._idle = fmt, pulse, idle
        self._ring = Ring(round(_MOST_AHEAD_S * fmt.rate) + 2 * _MOST_BLOCK, fmt.channels)
        self._primed = False
        self.resize(fmt.block, ahead)

    def resize(self, block: int, ahead: int) -> None:
        """Go on with blocks of `block` frames, `ahead` in front: the device's period is new."""
        self._block, self._ahead = block, ahead
        self._callback = 0  # the most frames that were taken at once

    def begin(self, render: Render) -> None:
        """Start the filler; it ends with the pulse."""
        threading.Thread(target=self._fill, args=(render,), name="filler", daemon=True).start()

    def _fill(self, render: Render) -> None:
        prefer()
        fmt, ended = self._fmt, self._pulse.ended
        try:
            while not ended.is_set():
                while (block := self._wanted()) > 0:
                    self._ring.write(next_block(render, block, fmt.channels))
                self._primed = True
                ended.wait(self._block / fmt.rate / 4)
        except Exception as problem:
            _log.exception("what should sound can't be made")
            self._pulse.end(f"the player failed: {problem!r}")

    def _wanted(self) -> int:
        """Return how many frames to render now, 0 when enough is there."""
        if self._idle():
            block = min(_IDLE_BLOCK, self._block)
            ahead = min(self._ahead, self._callback + block)
        else:
            block, ahead = self._block, self._ahead
        return block if self._ring.filled < min(ahead, self._ring.size - block) else 0

    def take(self, out: np.ndarray) -> None:
        """Fill `out`, `(frames, channels)`, with what comes next, or with silence."""
        there = self._ring.read(out)
        out[there:] = 0
        self._callback = max(self._callback, len(out))
        if there < len(out) and self._primed and not self._idle():
            self._pulse.underruns += 1
        self._pulse.beat(there)
