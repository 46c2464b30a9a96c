"""A thread that must be on time asks the system to be preferred.

On Linux this is round-robin real time at a low priority, below the sound server's own threads. Who
may not have it (no `rtprio` in the limits) goes on as before.
"""

from __future__ import annotations

import contextlib
import os
import sys

_PRIORITY = 5


def prefer() -> bool:
    """Prefer the calling thread; return whether the system agreed."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            # Children of this process must not inherit it.
            policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
            os.sched_setscheduler(0, policy, os.sched_param(_PRIORITY))
            return True
    return False
