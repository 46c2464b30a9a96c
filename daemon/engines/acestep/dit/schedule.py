"""The times of the solver's steps: from 1 (noise) down to 0 (music), which is implied."""

from __future__ import annotations

import torch

from bridge.protocol.errors import error

NEAR = 1e-6
"""Times closer than this are one."""


def schedule(steps: int, shift: float, start: float = 1.0) -> tuple[float, ...]:
    """Return the descending times at which `steps` steps begin, those above `start` left out.

    t = s·u / (1 + (s − 1)·u) for u = 1 … 0 in `steps` equal parts, s = `shift` (the flow-matching
    shift of Esser et al. 2024, eq. 23). With `start` below 1 the first time is exactly `start`, so
    that music noised to that level is told its true level. Raises 103 for `start` outside 0…1.
    """
    if not 0 < start <= 1:
        raise error(103, f"strength {start:g} leaves nothing to do: use more than 0, at most 1")
    u = torch.linspace(1.0, 0.0, steps + 1, dtype=torch.float32)[:-1]
    times = (shift * u / (1 + (shift - 1) * u)).tolist()
    return (start, *(t for t in times if t < start - NEAR))
