"""Start noise: drawn on the CPU with own generators, so that a seed means the same everywhere.

A region's noise is drawn from its first frame on. That of the context comes from other generators,
outward from the same frame, so a region that ends later or hears more context begins with the noise
it had. numpy's generators draw one number after another: a longer draw begins with the shorter one.

Shapes: `(frames, channels)` float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

REGION, AFTER, BEFORE, SECOND_REGION = range(4)
"""Generators of one seed."""


def gauss(seed: int, stream: int, draw: int, frames: int, channels: int) -> torch.Tensor:
    """Return normal noise `(frames, channels)`, the first of generator (`stream`, `draw`)."""
    own = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, stream, draw))))
    return torch.from_numpy(own.standard_normal((frames, channels), dtype=np.float32))


def window_noise(
    seed: int, frames: int, spans: Sequence[tuple[int, int]], channels: int, draw: int = 0
) -> torch.Tensor:
    """Return the noise of a window of `frames` frames in which `spans` (at most two) are new.

    Of two (`extend` on both sides) each has its own generator. The context's noise is counted from
    the first span's first frame. Without spans all is one region from frame 0. Draws of other
    numbers are other noise of the same seed.
    """
    wanted = sorted(spans) or [(0, frames)]
    assert all(0 <= a < b <= frames for a, b in wanted), (wanted, frames)
    first = wanted[0][0]
    before = gauss(seed, BEFORE, draw, first, channels).flip(0)
    noise = torch.cat((before, gauss(seed, AFTER, draw, frames - first, channels)))
    for stream, (start, end) in zip((REGION, SECOND_REGION), wanted, strict=False):
        noise[start:end] = gauss(seed, stream, draw, end - start, channels)
    return noise


def mixed(first: torch.Tensor, second: torch.Tensor, variance: float) -> torch.Tensor:
    """Return noise between two: `variance` 0 the first, 1 the second, of unit variance throughout.

    cos(v·π/2)·first + sin(v·π/2)·second, ACE-Step's `retake`.
    """
    if variance in (0, 1):
        return second if variance else first
    angle = variance * math.pi / 2
    return math.cos(angle) * first + math.sin(angle) * second
