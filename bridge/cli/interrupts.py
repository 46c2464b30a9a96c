"""Ctrl-C while a job runs: the first press is counted, the second one leaves at once.

A handler that only counts never strikes in the middle of a reply.
"""

from __future__ import annotations

import signal
from types import FrameType, TracebackType


class Interrupts:
    """Counts Ctrl-C inside a `with` block; the second one raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Interrupts:
        self._before = signal.getsignal(signal.SIGINT)
        # In the background of a script Ctrl-C is ignored, and is not meant for us.
        if self._before is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
