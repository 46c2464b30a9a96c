"""Solving takes: the first alone, so that it is there soon, those that follow it in one batch.

A batch's further rows are kept until they are asked for. A take comes out the same to rounding
whether it was solved alone or in a batch.

Threads: the thread that owns the device.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

from daemon.engines.acestep.cache import Cache
from daemon.engines.acestep.dit.sampler import Dit, OnStep, Problem, sample
from daemon.engines.acestep.latents.decode import CHUNK, HALO
from daemon.engines.acestep.latents.encode import TILE
from daemon.engines.acestep.parts import HOP

LONG_S = 1.5
"""With more than this still to do at half-way, what is foreseen is worth hearing."""

Glance = Callable[[torch.Tensor], None]
"""`glance(latents)`: hear what is foreseen of the first row, `(frames, C)`; called once at most."""


@dataclass(frozen=True, eq=False)
class Takes:
    """The takes of a job: the `number` of this one (from 1), the seeds of those `later`.

    `noise(seed)` is the start noise `(T, C)` of the take with that seed.
    """

    number: int
    later: tuple[int, ...]
    noise: Callable[[int], torch.Tensor]


@dataclass(frozen=True)
class Ways:
    """How much is done at once: `rows` of a batch, frames of an encoded `tile`, a decoded `chunk`.

    `clock` tells seconds.
    """

    rows: int = 8
    tile: int = TILE
    chunk: int = CHUNK
    clock: Callable[[], float] = time.monotonic


def ways_for(device: torch.device) -> Ways:
    """Return what `device` can do at once.

    With an older macOS convolutions on MPS take no more than 65,536 samples.
    """
    if device.type != "mps" or _long_convolutions(device):
        return Ways()
    frames = (1 << 16) // HOP
    return Ways(tile=frames, chunk=frames - 2 * HALO)


def _long_convolutions(device: torch.device) -> bool:
    one = torch.ones(1, 1, 1, device=device)
    try:
        F.conv1d(one.expand(1, 1, 1 << 17).contiguous(), one)
    except RuntimeError:
        return False
    return True


def solve(
    dit: Dit,
    name: str,
    problem: Problem,
    ways: Ways,
    kept: Cache[Any],
    tell: Callable[[float], None],
    takes: Takes | None = None,
    glance: Glance | None = None,
) -> torch.Tensor:
    """Return the latents `(B, frames, C)` that solve `problem` with the checkpoint `name`.

    `kept` holds rows that were not asked for yet. `tell` hears of progress, 0…1, before each step
    is taken, and may raise.
    """
    if takes is None or takes.number == 1:
        return sample(dit, problem, _watch(problem, ways, tell, glance))
    found = kept.get(fingerprint(name, problem))
    if found is not None:
        tell(1.0)
        return found
    more = [takes.noise(seed)[None].to(problem.noise) for seed in takes.later[: ways.rows - 1]]
    batch = replace(problem, noise=torch.cat((problem.noise, *more)))
    made = sample(dit, batch, _watch(batch, ways, tell, glance))
    for row, noise in enumerate(more, 1):
        other = made[row : row + 1].clone()
        if bool(torch.isfinite(other).all()):
            kept.put(fingerprint(name, replace(problem, noise=noise)), other)
    return made[:1]


def fingerprint(name: str, problem: Problem) -> Hashable:
    """Return what tells this run of the checkpoint `name` from every other.

    Conditions are told apart by identity, everything else by value.
    """
    mark = hashlib.blake2b(digest_size=16)
    for part in (problem.context, problem.noise, problem.source, problem.keep):
        mark.update(b"-" if part is None else part.detach().cpu().contiguous().numpy().data)
    numbers = (problem.schedule, problem.guidance, problem.hold, problem.valid, problem.strength)
    return name, problem.conditions, problem.plain, numbers, mark.digest()


def _watch(
    problem: Problem, ways: Ways, tell: Callable[[float], None], glance: Glance | None
) -> OnStep:
    """Return what is called at every step: it tells, and about half-way it may have a glance."""
    steps, began = len(problem.schedule), ways.clock()

    def on_step(i: int, t: float, x: torch.Tensor, v: torch.Tensor) -> None:
        tell(i / steps)
        if glance is not None and i == (steps - 1) // 2:
            left_s = (ways.clock() - began) / (i + 1) * (steps - i - 1)
            if left_s > LONG_S:
                glance((x - t * v)[0])

    return on_step
