"""Flow-edit: change what the words say, keep what they don't (Kulikov et al. 2024, 2412.08629).

Starting from the source itself, each step moves by the difference of two velocities: that under the
new words and that under words for what is there. Both see the same noise, so what the words agree
on cancels. Steps before `n_min` (a share of all) are skipped: the more, the smaller the change.
From `n_max` on the music is sampled freely under the new words.

ACE-Step's own values: new lyrics 0.6 to 1.0, a new style 0.2 to 0.4, three draws. Only checkpoints
that take guidance can do it; a distilled one has no two velocities to tell apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from daemon.engines.acestep.dit.conditions import Conditions
from daemon.engines.acestep.dit.sampler import (
    Dit,
    OnStep,
    Problem,
    blend,
    in_bucket,
    inputs,
    predictor,
    solve,
)

Draw = Callable[[int], torch.Tensor]
"""`draw(i)`: fresh noise `(n, T, 64)` for step i; the n velocities are averaged."""


@torch.no_grad()
def flow_edit(
    dit: Dit,
    problem: Problem,
    before: Conditions,
    draw: Draw,
    n_min: float,
    n_max: float,
    on_step: OnStep | None = None,
) -> torch.Tensor:
    """Edit `problem.source` towards `problem.conditions`; return `(1, valid frames, 64)`.

    `before` are the conditions of words for the source. Where `problem.keep` is True the source
    stays. `problem.noise (1, T, 64)` is that of the free part. `on_step` gets the music as it is
    edited, with no velocity, until the free part begins.
    """
    problem = in_bucket(dit, problem)
    noise, source, keep = inputs(dit.device, problem)
    steps = len(problem.schedule)
    first, last = round(n_min * steps), round(n_max * steps)
    times = (*problem.schedule, 0.0)
    new = predictor(dit, problem)
    old = predictor(dit, replace(problem, conditions=before, plain=None))
    music = source[None]
    ahead: torch.Tensor | None = None
    behind: torch.Tensor | None = None
    for i in range(first, last):
        t = times[i]
        if on_step is not None:
            on_step(i, t, music, torch.zeros_like(music))
        noised = blend(source, draw(i)[:, : problem.valid].to(source), t)
        to, ahead = new(music - source + noised, t, ahead)
        fro, behind = old(noised, t, behind)
        music = music + (times[i + 1] - t) * (to - fro).mean(0, keepdim=True)
        music = music if keep is None else torch.where(keep, source, music)
    if last == steps:
        return music
    start = max(first, last)
    x = music - source + blend(source, noise, times[start])
    return solve(problem, new, (noise, source, keep), x, start, on_step)
