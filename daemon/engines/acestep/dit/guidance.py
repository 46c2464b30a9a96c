"""Adaptive projected guidance (Sadat et al. 2024, arXiv 2410.02416) as ACE-Step uses it.

The difference of the two predictions is averaged over the steps with a negative momentum, limited
in norm, and only its part at a right angle to the prediction is added. Norms and projections are
taken along time, for each channel of its own, so takes of a batch don't mix.
"""

from __future__ import annotations

import torch

MOMENTUM = -0.75
NORM_LIMIT = 2.5


def guide(
    conditioned: torch.Tensor, free: torch.Tensor, scale: float, average: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the guided prediction and the new running average, `(B, T, 64)` each.

    `scale` is as musicians give it: 1 is no guidance. `average` is None at the first step.
    """
    change = conditioned - free
    if average is not None:
        change = change + MOMENTUM * average
    norm = change.norm(dim=1, keepdim=True)
    limited = change * (NORM_LIMIT / norm).clamp(max=1)
    # In double precision, as the part that is taken away is nearly all of it; MPS has none.
    wide = torch.float32 if change.device.type == "mps" else torch.float64
    along = torch.nn.functional.normalize(conditioned.to(wide), dim=1)
    across = limited.to(wide)
    across = across - (across * along).sum(1, keepdim=True) * along
    return conditioned + (scale - 1) * across.to(change.dtype), change
