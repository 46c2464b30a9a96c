"""How long the machine itself stood still: what no program on it can make up for.

A process at a higher priority than all sound asks to be woken every 2 ms, and notes when it was
not. A virtual machine that its host stops for a while shows here, and so does a machine whose real
time is used up. Where the user may have no such priority it says nothing.
"""

import contextlib
import gc
import itertools
import json
import os
import subprocess
import sys
import time

_STEP_S = 0.002
LATE_S = 0.005
_PRIORITY = 60


@contextlib.contextmanager
def watched():
    """Watch while the block runs; yields what ends that and returns the stops, None if unknown."""
    command = [sys.executable, __file__]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    told = []

    def ended():
        if not told:
            told.append(json.loads(process.communicate()[0]))
        return told[0]

    yield ended
    ended()


def stops(woken_s):
    """Return how many wake-ups were late, and by how many ms the latest; `woken_s` are all."""
    late_ms = [(b - a - _STEP_S) * 1e3 for a, b in itertools.pairwise(woken_s)]
    late_ms = [ms for ms in late_ms if ms > LATE_S * 1e3]
    return {"stops of the machine": len(late_ms), "longest stop, ms": max(late_ms, default=0.0)}


def _watch():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except (AttributeError, OSError):
        print(json.dumps(None))
        return
    gc.disable()
    os.set_blocking(0, False)
    woken_s = [time.monotonic()]
    while _input() is None:
        time.sleep(_STEP_S)
        woken_s.append(time.monotonic())
    print(json.dumps(stops(woken_s)))


def _input():
    """Return what came on standard input, b"" at its end; None while nothing has."""
    try:
        return os.read(0, 1)
    except BlockingIOError:
        return None


if __name__ == "__main__":
    _watch()
