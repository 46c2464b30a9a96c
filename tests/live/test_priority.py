"""Threads of the player are preferred, each as it must be, where the system lets them."""

import json
import os
import subprocess
import sys

import pytest
import rig

from daemon.player.outputs import priority

_LOOK = """
import json, os, threading
from daemon.player.outputs.priority import prefer, prefer_process

def now():
    policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
    return [policy == os.SCHED_RR, os.sched_getparam(0).sched_priority]

def inside(*calls):
    found = []
    thread = threading.Thread(target=lambda: found.extend(call() for call in calls))
    thread.start()
    thread.join()
    return found[-1]

agreed = prefer_process()
told = {"agreed": agreed, "plain": inside(now), "on time": inside(prefer, now), "main": now()}
print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the real-time policy is Linux's")
def test_all_threads_are_preferred_and_those_that_must_be_on_time_more():
    run = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True)
    told = json.loads(run.stdout)
    if not told["main"][0]:
        rig.skip("the right to real-time priority (rtprio in the limits, or root)")
    assert told["agreed"]
    assert told["plain"] == told["main"] == [True, 1]
    assert told["on time"][0]
    assert told["on time"][1] > 1


@pytest.mark.skipif(sys.platform != "linux", reason="the real-time policy is Linux's")
def test_who_may_not_have_it_is_less_nice_or_goes_on(monkeypatch):
    def refuse(*_args):
        raise PermissionError

    asked = []
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "setpriority", lambda *args: asked.append(args))
    assert not priority.prefer()
    assert priority.prefer_process()
    assert asked[0][2] < 0
    monkeypatch.setattr(os, "setpriority", refuse)
    assert not priority.prefer_process()
