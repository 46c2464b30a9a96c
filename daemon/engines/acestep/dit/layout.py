"""Positions and attention masks of a sequence of latent frames, some of them padding.

The transformer takes `patch` frames a token. Its sliding layers see `window` tokens to each side,
its full layers all. Padding at the end is seen by no real frame, so that a sequence padded to a
bucket gives the same as the sequence itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from daemon.engines.acestep.dit.attention import rotary

ALIGN = 8
"""Rows of a bias begin on multiples of this: the memory-efficient kernel copies it otherwise."""


@dataclass(frozen=True, eq=False)
class Layout:
    """`frames` of which `valid` are real; positions, and what is added to attention's scores.

    `full` and `sliding` are None where their layers need no mask.
    """

    frames: int
    valid: int
    positions: tuple[torch.Tensor, torch.Tensor]
    full: torch.Tensor | None
    sliding: torch.Tensor | None

    def bias(self, sliding: bool) -> torch.Tensor | None:
        """What a layer of this kind adds to its scores."""
        return self.sliding if sliding else self.full


def layout(transformer: Any, frames: int, valid: int | None = None) -> Layout:
    """Lay out `frames` latent frames for `transformer`, the first `valid` (all) of them real."""
    valid = frames if valid is None else valid
    patch, window = transformer.patch_size, transformer.config.sliding_window
    assert valid == frames or (valid < frames and valid % patch == 0), (valid, frames)
    tokens, real = -(-frames // patch), -(-valid // patch)
    weight = transformer.condition_embedder.weight
    positions = rotary(
        tokens, transformer.head_dim, transformer.rope_theta, weight.device, weight.dtype
    )
    index = torch.arange(tokens, device=weight.device)
    # Padding sees padding: a row that sees nothing at all is not a number.
    seen = (index < real) | (index >= real)[:, None]
    near = (index[:, None] - index).abs() <= window
    return Layout(
        frames,
        valid,
        positions,
        full=None if valid == frames else _bias(seen, weight),
        sliding=_bias(seen & near, weight) if valid < frames or tokens > window + 1 else None,
    )


def keep_bias(keep: torch.Tensor, like: torch.Tensor) -> torch.Tensor | None:
    """Return what hides the tokens that `keep (1, N)` lacks, `(1, 1, 1, N)`; None if all stay."""
    return None if bool(keep.all()) else _bias(keep[0][None], like)


def _bias(seen: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return `(1, 1, *seen.shape)` in the dtype and on the device of `like`: 0, or −∞ if unseen."""
    rows, columns = seen.shape
    store = like.new_zeros((rows, -(-columns // ALIGN) * ALIGN))[:, :columns]
    return store.masked_fill_(~seen.to(like.device), float("-inf"))[None, None]
