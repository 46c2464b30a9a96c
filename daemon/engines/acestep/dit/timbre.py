"""The half minute of a reference that tells its timbre: 10 s from its front, middle and back.

ACE-Step takes random places; these are diffusers' fixed ones, so a seed gives the same samples.
"""

from __future__ import annotations

import numpy as np
import torch

from bridge.protocol.errors import error
from daemon.engines.acestep.parts import RATE

PIECE = 10 * RATE
QUIET = 1e-4
"""A reference that peaks below −80 dBFS tells nothing."""


def excerpt(samples: np.ndarray) -> torch.Tensor:
    """Return `(1,440,000, 2)` of a reference `(n, 2)` at 48 kHz, repeated if shorter than 30 s.

    Raises 201 for a silent one.
    """
    if not len(samples) or np.abs(samples).max() < QUIET:
        raise error(201, "the reference is silent: choose another file")
    n = max(len(samples), -(-3 * PIECE // len(samples)) * len(samples))
    starts = np.array([0, n // 3, n - PIECE])
    index = (starts[:, None] + np.arange(PIECE)).ravel() % len(samples)
    return torch.from_numpy(np.ascontiguousarray(samples[index]))
