"""Keeps the host at most one step ahead of its device.

A device takes orders faster than it carries them out: a captured step is one order, so that all of
a run would be given in a few milliseconds. A cancel, the progress told and the time a step takes
would then be those of giving orders.

Threads: the thread that owns the device.
"""

from __future__ import annotations

from collections.abc import Callable

import torch


def pace_of(device: torch.device) -> Callable[[], None]:
    """Return what is to be called behind each step: it waits until the step before that is done.

    The device has a step to work on meanwhile, so nothing is lost. On the CPU there is no wait.
    """
    if device.type == "mps":
        return torch.mps.synchronize
    if device.type != "cuda":
        return lambda: None
    before: list[torch.cuda.Event] = []

    def pace() -> None:
        done = torch.cuda.Event(blocking=True)
        done.record()
        if before:
            before.pop().synchronize()
        before.append(done)

    return pace
