"""The player's threads ask the system to be preferred to those of other programs.

On Linux this is round-robin real time: at the lowest priority for the whole process, at a higher
one for threads that must be on time, and both below the sound server's own. Without the first the
second is of little use: a thread that holds the interpreter while the system lets others run holds
up all. Who may not have it (`rtprio` in the limits) is made less nice, or goes on as before.
"""

from __future__ import annotations

import contextlib
import os
import sys

_PRIORITY, _PRIORITY_OF_ALL = 5, 1
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
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY_OF_ALL))
            return True
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)
            return True
    return False
