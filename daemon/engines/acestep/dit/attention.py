"""Attention of the transformer: grouped heads, rotary positions, fused kernels only.

Shapes: queries `(B, H, T, D)`, keys and values `(B, Hkv, S, D)`, H a multiple of Hkv; a bias is
added to the scores and broadcasts to `(B, H, T, S)`.
"""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F  # noqa: N812
from torch.nn.attention import SDPBackend, sdpa_kernel

FUSED = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]
"""Without cuDNN's, which torch prefers on Hopper: it plans some 30 ms for every length it meets."""


def fused_only(weight: torch.Tensor) -> AbstractContextManager[None]:
    """Forbid the plain-math kernel on CUDA, which writes all scores to memory; it raises instead.

    Where no fused kernel may be there for the device of `weight` in its dtype, it is allowed: on
    AMD devices, and in bfloat16 before Ampere.
    """
    if weight.device.type != "cuda":
        return nullcontext()
    able = weight.dtype != torch.bfloat16 or _is_ampere(weight.device)
    plain = [] if able and torch.version.hip is None else [SDPBackend.MATH]
    return sdpa_kernel([*FUSED, *plain])


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """Return softmax(q·kᵀ/√D + bias)·v, `(B, H, T, D)`.

    Of the fused CUDA kernels only flash attention takes grouped heads, and it takes neither a bias
    nor float32 nor a device before Ampere, and builds for Windows come without it; for the others,
    and for other devices than the CPU, keys and values are repeated.
    """
    groups = query.shape[1] // key.shape[1]
    flash = query.is_cuda and bias is None and query.dtype != torch.float32
    if groups > 1 and query.device.type != "cpu" and not (flash and _has_flash(query.device)):
        key, value = (x.repeat_interleave(groups, 1) for x in (key, value))
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask=bias, enable_gqa=query.shape[1] != key.shape[1]
    )


def attend_near(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor
) -> torch.Tensor:
    """Return attention to tokens of the own block and those beside it, `(B, H, T, D)`.

    `bias (K, 1, W, 3·W)` for K blocks of W tokens; the last block may be longer than the sequence.
    """
    blocks, _, width, _ = bias.shape
    rest = blocks * width - query.shape[2]

    def around(x: torch.Tensor) -> torch.Tensor:
        wide = F.pad(x, (0, 0, width, rest + width)).unfold(2, 3 * width, width)
        return wide.permute(0, 2, 1, 4, 3).flatten(0, 1)

    own = F.pad(query, (0, 0, 0, rest)).unflatten(2, (blocks, width)).transpose(1, 2).flatten(0, 1)
    rows = bias.repeat(query.shape[0], 1, 1, 1)
    out = attend(own, around(key), around(value), rows)
    out = out.unflatten(0, (-1, blocks)).transpose(1, 2).flatten(2, 3)
    return out[:, :, : query.shape[2]]


@functools.cache
def _has_flash(device: torch.device) -> bool:
    there = torch.version.hip is None and torch.backends.cuda.is_flash_attention_available()
    return there and _is_ampere(device)


@functools.cache
def _is_ampere(device: torch.device) -> bool:
    return torch.cuda.get_device_capability(device) >= (8, 0)


def rotary(
    tokens: int, head_dim: int, theta: float, device: torch.device, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosines and signed sines `(tokens, 1, head_dim)` of the rotary positions 0….

    The layout is Qwen3's: the two halves of a head are the two parts of each pair. The minus of
    the first half is in the sines, so that `rotate` needs one roll. The values are rounded to
    `dtype` as the model was trained with, and held in float32.
    """
    exponent = torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim
    place = torch.arange(tokens, dtype=torch.float32, device=device)
    angle = torch.outer(place, 1.0 / theta**exponent)
    cos, sin = angle.cos(), angle.sin()
    rows = (torch.cat((cos, cos), -1), torch.cat((-sin, sin), -1))
    cos, sin = (row.to(dtype).float().unsqueeze(1) for row in rows)
    return cos, sin


def rotate(x: torch.Tensor, positions: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Turn `(B, T, H, D)` by its positions; computed in float32, returned in its own dtype."""
    cos, sin = positions
    wide = x.float()
    return torch.addcmul(wide * cos, wide.roll(x.shape[-1] // 2, -1), sin).to(x.dtype)
