"""The barrier `/punchin/sync`: answered once all that a client asked for before it has ended.

Threads: the control loop's thread only.
"""

from __future__ import annotations

from collections.abc import Hashable

from daemon.core.bus import Listener


class Barriers:
    """Which jobs each client asked for, and which barriers wait for them."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, set[str]] = {}
        self._waiting: list[tuple[Listener, int, set[str]]] = []

    def asked(self, listener: Listener, job_id: str) -> None:
        """Note that a client asked for a job that has not ended."""
        self._asked.setdefault(listener.key, set()).add(job_id.lower())

    def sync(self, listener: Listener, n: int) -> None:
        """Answer when the client's open jobs have ended; now, if there is none."""
        open_ = set(self._asked.get(listener.key, ()))
        if open_:
            self._waiting.append((listener, n, open_))
        else:
            listener.send("/punchin/synced", n)

    def waits(self, listener: Listener) -> bool:
        """Whether a barrier of this client is still to be answered."""
        return any(waiting.key == listener.key for waiting, _, _ in self._waiting)

    def ended(self, job_id: str) -> None:
        """Note the end of a job; answers whatever waited for it alone."""
        for key in list(self._asked):
            self._asked[key].discard(job_id.lower())
            if not self._asked[key]:
                del self._asked[key]
        still = []
        for listener, n, open_ in self._waiting:
            open_.discard(job_id.lower())
            if open_:
                still.append((listener, n, open_))
            else:
                listener.send("/punchin/synced", n)
        self._waiting = still
