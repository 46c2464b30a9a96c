"""Start noise: drawn on the CPU with own generators, so that a seed means the same everywhere.

A region's noise is drawn from its first frame on. That of the context comes from other generators,
outward from the same frame, so a region that ends later or hears more context begins with the noise
it had. numpy's generators draw one number after another: a longer draw begins with the shorter one.

Shapes: `(frames, channels)` float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch

REGION, AFTER, BEFORE, EDIT = range(4)
"""Generators of one seed."""


def gauss(seed: int, stream: int, frames: int, channels: int) -> torch.Tensor:
    """Return normal noise `(frames, channels)`, the first of generator `stream` of `seed`."""
    draw = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, stream))))
    return torch.from_numpy(draw.standard_normal((frames, channels), dtype=np.float32))


def window_noise(
    seed: int, frames: int, spans: Iterable[tuple[int, int]], channels: int
) -> torch.Tensor:
    """Return the noise of a window of `frames` frames in which `spans` are new.

    A second span (`extend` on both sides) draws with a seed of its own; the context takes its noise
    from the first span's first frame on. Without spans all is one region from frame 0.
    """
    wanted = sorted(spans) or [(0, frames)]
    first = min(max(wanted[0][0], 0), frames)
    noise = torch.cat((
        gauss(seed, BEFORE, first, channels).flip(0),
        gauss(seed, AFTER, frames - first, channels),
    ))  # fmt: skip
    for number, (start, end) in enumerate(wanted):
        own = gauss(seed, REGION + 16 * number, end - start, channels)
        inside = slice(max(start, 0), min(end, frames))
        noise[inside] = own[inside.start - start : inside.stop - start]
    return noise


def takes_noise(
    seeds: Sequence[int], frames: int, spans: Sequence[tuple[int, int]], channels: int
) -> torch.Tensor:
    """Return the noise of several takes `(B, frames, channels)`, each as it would be alone."""
    return torch.stack([window_noise(seed, frames, spans, channels) for seed in seeds])


def mixed(first: torch.Tensor, second: torch.Tensor, variance: float) -> torch.Tensor:
    """Return noise between two: `variance` 0 the first, 1 the second, of unit variance throughout.

    cos(v·π/2)·first + sin(v·π/2)·second, ACE-Step's `retake`.
    """
    if variance in (0, 1):
        return second if variance else first
    angle = variance * math.pi / 2
    return math.cos(angle) * first + math.sin(angle) * second
