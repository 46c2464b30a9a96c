"""Positions and attention masks of a sequence of latent frames, some of them padding.

The transformer takes `patch` frames a token. Its sliding layers see `window` tokens to each side,
its full layers all. Padding at the end is seen by no real frame, so that a sequence padded to a
bucket gives the same as the sequence itself.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import torch

from daemon.engines.acestep.dit.attention import attend, attend_near, rotary

ALIGN = 8
"""Rows of a bias begin on multiples of this: the memory-efficient kernel copies it otherwise."""
BLOCKS = 4
"""Sequences of more than this many windows take their sliding layers block by block."""


@dataclass(frozen=True, eq=False)
class Layout:
    """`frames` of which `valid` are real; positions, and what is added to attention's scores.

    `full` is for full layers. For sliding layers there is either `sliding`, as large as the
    sequence squared, or `near` `(K, 1, W, 3·W)` for K blocks of W tokens, each with its two
    neighbours. Those that are not needed are None.
    """

    frames: int
    valid: int
    positions: tuple[torch.Tensor, torch.Tensor]
    full: torch.Tensor | None
    sliding: torch.Tensor | None
    near: torch.Tensor | None

    @property
    def masks(self) -> tuple[torch.Tensor, ...]:
        """Those that there are."""
        return tuple(mask for mask in (self.full, self.sliding, self.near) if mask is not None)

    @property
    def kind(self) -> Hashable:
        """What layouts have in common whose masks fit into each other's place."""
        return self.frames, tuple(tuple(mask.shape) for mask in self.masks)

    def room(self) -> Layout:
        """Return a copy whose masks have a place of their own, for `take`."""
        full, sliding, near = (
            None if mask is None else _store(mask.shape, mask).copy_(mask)
            for mask in (self.full, self.sliding, self.near)
        )
        return replace(self, full=full, sliding=sliding, near=near)

    def take(self, other: Layout) -> None:
        """Write over the masks with those of a layout of the same kind."""
        assert self.kind == other.kind, (self.kind, other.kind)
        for mine, theirs in zip(self.masks, other.masks, strict=True):
            mine.copy_(theirs)

    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, slides: bool
    ) -> torch.Tensor:
        """Return self-attention `(B, H, T, D)` in a layer that `slides` or hears everything."""
        if slides and self.near is not None:
            return attend_near(query, key, value, self.near)
        return attend(query, key, value, self.sliding if slides else self.full)


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
    padded = valid < frames
    full = sliding = near = None
    if padded:
        full = _bias(_seen(index[:, None], index, real), weight)
    if tokens > BLOCKS * window:
        near = _bias(_seen(*_blocks(tokens, window, index.device), real, window), weight)
    elif padded or tokens > window + 1:
        sliding = _bias(_seen(index[:, None], index, real, window), weight)
    return Layout(frames, valid, positions, full, sliding, near)


def _seen(
    row: torch.Tensor, column: torch.Tensor, real: int, window: int | None = None
) -> torch.Tensor:
    """Which token of a row hears which column, both by index.

    Padding hears padding: a row that hears nothing at all is not a number.
    """
    seen = (column >= 0) & ((column < real) | (row >= real))
    return seen if window is None else seen & ((row - column).abs() <= window)


def _blocks(tokens: int, width: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Indices of the rows `(K, 1, W, 1)` of each block, and of the columns `(K, 1, 1, 3·W)`."""
    first = torch.arange(0, tokens, width, device=device)[:, None, None, None]
    inside = torch.arange(3 * width, device=device)
    return first + inside[:width, None], first - width + inside


def keep_bias(keep: torch.Tensor, like: torch.Tensor) -> torch.Tensor | None:
    """Return what hides the tokens that `keep (1, N)` lacks, `(1, 1, 1, N)`; None if all stay."""
    return None if bool(keep.all()) else _bias(keep[:, None, None], like)


def _bias(seen: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return 0 or −∞ (unseen), with four dimensions, in the dtype and on the device of `like`."""
    seen = seen[(None,) * (4 - seen.ndim)].to(like.device)
    return _store(seen.shape, like).masked_fill_(~seen, float("-inf"))


def _store(shape: torch.Size, like: torch.Tensor) -> torch.Tensor:
    """Return zeros whose rows are aligned in memory."""
    *outer, columns = shape
    return like.new_zeros((*outer, -(-columns // ALIGN) * ALIGN))[..., :columns]
