"""When a message came, from the time stamps of the system below.

The stamps tell the time since the message before (s), taken where the message arrived; we read
the messages a little later. The steady difference between the two clocks is the smallest one of the
last two seconds, because reading can only be late.
"""

from __future__ import annotations

from collections import deque

_WINDOW_S = 2.0


class Arrival:
    """The stamps of one port on our clock (seconds, monotonic)."""

    def __init__(self) -> None:
        self._stamp_s = 0.0
        self._late: deque[tuple[float, float]] = (
            deque()
        )  # (read at, difference), rising differences

    def at(self, since_last_s: float, read_s: float) -> float:
        """Return when a message came that was read at `read_s`; never later than that."""
        self._stamp_s += max(0.0, since_last_s)
        difference = read_s - self._stamp_s
        while self._late and self._late[-1][1] >= difference:
            self._late.pop()
        self._late.append((read_s, difference))
        while read_s - self._late[0][0] > _WINDOW_S:
            self._late.popleft()
        return self._stamp_s + self._late[0][1]
