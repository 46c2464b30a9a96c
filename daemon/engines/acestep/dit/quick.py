"""The sampler's parts with what they computed before in hand.

What is held is what the originals return, so results are the same to the bit.

Threads: the thread that owns the device.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

import torch

from daemon.engines.acestep.cache import Caches
from daemon.engines.acestep.dit.conditions import Conditions
from daemon.engines.acestep.dit.forward import Cross
from daemon.engines.acestep.dit.layout import Layout
from daemon.engines.acestep.dit.sampler import Dit, Problem, in_bucket
from daemon.engines.acestep.graphs import Steps


def quick(dit: Dit, name: Hashable, caches: Caches) -> Dit:
    """Return `dit` with what is computed per condition and length held in `caches`.

    `name` tells the checkpoint. Conditions are told apart by identity: those that are the same come
    from a cache as well.
    """

    def cross(transformer: Any, conditions: Conditions) -> Cross:
        key = (name, _place(transformer), conditions)
        found: Cross = caches.cross.made(key, lambda: dit.cross(transformer, conditions))
        return found

    def null(transformer: Any, condition: torch.Tensor) -> torch.Tensor:
        key = (name, _place(transformer), "null")
        found: torch.Tensor = caches.cross.made(key, lambda: dit.null(transformer, condition))
        return found

    def lay(transformer: Any, frames: int, valid: int) -> Layout:
        key = (name, _place(transformer), frames, valid)
        found: Layout = caches.layouts.made(key, lambda: dit.lay(transformer, frames, valid))
        return found

    return replace(dit, cross=cross, null=null, lay=lay)


def ready(dit: Dit, problem: Problem, steps: Steps | None, check: Callable[[], None]) -> None:
    """Compute what every step of `problem` shares, and have `steps` make a step of it ready.

    `check` is called before what takes long and may raise.
    """
    problem = in_bucket(dit, problem)
    check()
    laid = dit.lay(dit.transformer, problem.noise.shape[1], problem.valid)
    null = None
    if problem.guidance > 1:
        null = dit.null(dit.transformer, dit.null_condition)
    x, context = (part[:1].to(dit.device) for part in (problem.noise, problem.context))
    for conditions, free in ((problem.conditions, null), (problem.plain, None)):
        if conditions is None:
            continue
        check()
        cross = dit.cross(dit.transformer, conditions)
        if steps is not None:
            steps.want(dit.transformer, x, context, cross, laid, free)
    if steps is not None:
        steps.make_ready(check)


def _place(transformer: Any) -> tuple[torch.device, torch.dtype]:
    weight = transformer.condition_embedder.weight
    return weight.device, weight.dtype
