"""The solver: from noise and context to latents, with what is kept held in place.

Shapes: T frames of 64 channels (as many as the VAE has), B takes in a batch. Time runs from 1
(noise) to 0 (music); x = (1 − t)·music + t·noise, and the transformer predicts v = noise − music,
so x − t·v is its present idea of the music.

Everything is a function of its arguments: no global random numbers, no state between calls.

Threads: one thread owns the device. `on_step` is called on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

from daemon.engines.acestep.dit.conditions import Conditions
from daemon.engines.acestep.dit.forward import Cross, Run, cross_of, null_of, velocity
from daemon.engines.acestep.dit.guidance import guide
from daemon.engines.acestep.dit.layout import Layout, layout
from daemon.engines.acestep.dit.pace import pace_of
from daemon.engines.acestep.parts import Checkpoint

OnStep = Callable[[int, float, torch.Tensor, torch.Tensor], None]
"""`on_step(i, t, x, v)` after the velocity of step i is known, before it is taken: x at time t,
x − t·v the music as now foreseen, both `(B, valid frames, 64)`. What it raises ends the sampling.
"""


@dataclass(frozen=True, eq=False)
class Problem:
    """One sampling run.

    - `context (B or 1, T, 128)`: source latents and mask, as the transformer is told them.
    - `noise (B, T, 64)`: start noise, one row a take.
    - `conditions`: of the prompt; the same for all takes.
    - `schedule`: descending times, the last step goes to 0. Begins it below 1, sampling starts from
      the source noised to that time.
    - `guidance`: 1 for none; only checkpoints that were not distilled want more.
    - `source (T, 64)`: latents that are held or started from; `keep (T,)` is True where they are
      held: there x is reset after every step to (1 − t′)·source + t′·noise, and at the end to the
      source itself. `hold` 0…1 is the share of steps with that reset, the first ones; the end
      always has it.
    - `frames_valid`: how many of the T frames are real (None: all); the rest is padding that no
      real frame sees. An even number unless it is T.
    - `plain`, `strength`: conditions of a plain text-to-music prompt; the velocity is `strength`
      parts of the conditions' and the rest of theirs. Theirs is not guided.
    """

    context: torch.Tensor
    noise: torch.Tensor
    conditions: Conditions
    schedule: tuple[float, ...]
    guidance: float = 1.0
    keep: torch.Tensor | None = None
    source: torch.Tensor | None = None
    hold: float = 1.0
    frames_valid: int | None = None
    plain: Conditions | None = None
    strength: float = 1.0

    def __post_init__(self) -> None:
        frames = self.noise.shape[1]
        assert self.context.shape[1] == frames, (self.context.shape, self.noise.shape)
        assert self.keep is None or self.source is not None, "to keep takes a source"
        assert self.source is None or self.source.shape == self.noise.shape[1:], self.source.shape
        assert self.schedule[0] == 1 or self.source is not None, "to start late takes a source"
        assert all(a > b for a, b in zip(self.schedule, (*self.schedule[1:], 0.0), strict=True))

    @property
    def valid(self) -> int:
        """Number of real frames."""
        return self.noise.shape[1] if self.frames_valid is None else self.frames_valid

    def padded(self, frames: int) -> Problem:
        """Return the same run at a length of `frames` frames; the result does not change."""
        more = frames - self.noise.shape[1]
        if not more:
            return self

        def pad(x: torch.Tensor | None) -> torch.Tensor | None:
            return None if x is None else F.pad(x, (0, 0, 0, more))

        return replace(
            self,
            context=F.pad(self.context, (0, 0, 0, more)),
            noise=F.pad(self.noise, (0, 0, 0, more)),
            source=pad(self.source),
            keep=None if self.keep is None else F.pad(self.keep, (0, more)),
            frames_valid=self.valid,
        )


def exactly(frames: int) -> int:
    """The bucket of those who need none."""
    return frames


@dataclass(frozen=True, eq=False)
class Dit:
    """A transformer ready to sample, and how its parts are computed.

    `null_condition (1, 1, C)` is that of guidance. `run`, `cross`, `null` and `lay` may be replaced
    by versions that replay a graph or look into a cache; they must return what the originals do.
    `bucket(frames)` is the length at which so many are run, the rest padding.
    """

    transformer: Any
    null_condition: torch.Tensor
    run: Run = velocity
    cross: Callable[[Any, Conditions], Cross] = cross_of
    null: Callable[[Any, torch.Tensor], torch.Tensor] = null_of
    lay: Callable[[Any, int, int], Layout] = layout
    bucket: Callable[[int], int] = exactly

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        device: torch.device = self.transformer.condition_embedder.weight.device
        return device


def dit_of(checkpoint: Checkpoint) -> Dit:
    """Return the sampler's view of a checkpoint."""
    return Dit(checkpoint.transformer, checkpoint.condition_encoder.null_condition_emb)


Predict = Callable[
    [torch.Tensor, float, torch.Tensor | None], tuple[torch.Tensor, torch.Tensor | None]
]
"""`predict(x, t, average) -> (v, average)`; the average is guidance's memory of earlier steps."""
Held = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]
"""Noise `(B, n, 64)`, source `(n, 64)` and keep `(n, 1)` of the n valid frames, on the device."""


@torch.no_grad()
def sample(dit: Dit, problem: Problem, on_step: OnStep | None = None) -> torch.Tensor:
    """Solve `problem`; return latents `(B, valid frames, 64)`, float32, on the device."""
    problem = in_bucket(dit, problem)
    held = inputs(dit.device, problem)
    noise, source, _ = held
    x = noise if problem.schedule[0] == 1 else blend(source, noise, problem.schedule[0])
    return solve(problem, predictor(dit, problem), held, x, 0, on_step)


def in_bucket(dit: Dit, problem: Problem) -> Problem:
    """Return `problem` at the length at which `dit` runs it; as it is if it ends inside a token."""
    if problem.valid % dit.transformer.patch_size:
        return problem
    return problem.padded(dit.bucket(problem.noise.shape[1]))


def solve(
    problem: Problem,
    predict: Predict,
    held: Held,
    x: torch.Tensor,
    first: int,
    on_step: OnStep | None = None,
) -> torch.Tensor:
    """Take the steps from number `first` on, from x at that step's time."""
    noise, source, keep = held
    steps, average = len(problem.schedule), None
    times = (*problem.schedule, 0.0)
    for i in range(first, steps):
        t, then = times[i], times[i + 1]
        v, average = predict(x, t, average)
        if on_step is not None:
            on_step(i, t, x, v)
        x = x + (then - t) * v
        if keep is not None and (i < round(problem.hold * steps) or then == 0):
            x = torch.where(keep, blend(source, noise, then), x)
    return x


def blend(music: torch.Tensor, noise: torch.Tensor, t: float) -> torch.Tensor:
    """Return the state at time `t` on the straight path from noise to music."""
    return (1 - t) * music + t * noise


def predictor(dit: Dit, problem: Problem) -> Predict:
    """Return the velocity of this problem with everything that its steps share worked out."""
    null = dit.null(dit.transformer, dit.null_condition) if problem.guidance > 1 else None
    guided = _runner(dit, problem, problem.conditions, null)
    plain = None if problem.plain is None else _runner(dit, problem, problem.plain, None)

    def predict(
        x: torch.Tensor, t: float, average: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        v = guided(x, t)
        if null is not None:
            told, free = v.chunk(2)
            v, average = guide(told, free, problem.guidance, average)
        if plain is not None and problem.strength < 1:
            v = problem.strength * v + (1 - problem.strength) * plain(x, t)
        return v, average

    return predict


def _runner(
    dit: Dit, problem: Problem, conditions: Conditions, null: torch.Tensor | None
) -> Callable[[torch.Tensor, float], torch.Tensor]:
    """Return the velocity of valid frames under `conditions`, as a function of x and t."""
    frames, valid = problem.noise.shape[1], problem.valid
    context = problem.context.to(dit.device)
    laid = dit.lay(dit.transformer, frames, valid)
    cross = dit.cross(dit.transformer, conditions)
    pace = pace_of(dit.device)

    def run(x: torch.Tensor, t: float) -> torch.Tensor:
        full = F.pad(x, (0, 0, 0, frames - valid))
        made = dit.run(dit.transformer, full, t, context, cross, laid, null)[:, :valid]
        pace()
        return made

    return run


def inputs(device: torch.device, problem: Problem) -> Held:
    """Return what of the problem lives on the device; without a source, the noise stands for it."""
    n = problem.valid
    noise = problem.noise[:, :n].to(device, torch.float32)
    source = noise[0] if problem.source is None else problem.source[:n].to(noise)
    keep = None if problem.keep is None else problem.keep[:n, None].to(device)
    return noise, source, keep
