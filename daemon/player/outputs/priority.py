"""Threads that must be on time ask the system to be preferred.

On Linux this is round-robin real time at a low priority, below the sound server's own threads. The
other threads of the process are made less nice: one that holds the interpreter while the system
lets others run would hold up the real-time threads with it. Who may not have it (`rtprio` and
`nice` in the limits) goes on as before.
"""

from __future__ import annotations

import contextlib
import os
import sys

_PRIORITY = 5
_NICE = -11


def prefer() -> bool:
    """Prefer the calling thread; return whether the system agreed."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            # Children of this process must not inherit it.
            policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
            os.sched_setscheduler(0, policy, os.sched_param(_PRIORITY))
            return True
    return False


def prefer_process() -> bool:
    """Prefer all threads that the calling thread will start, and itself; return whether that is so.

    To be called first of all.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)
            return True
    return False
