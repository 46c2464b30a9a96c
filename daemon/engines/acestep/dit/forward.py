"""The transformer's forward pass over diffusers' modules, made for sampling many steps.

It differs from the modules' own: keys and values of the cross-attention are computed once per
condition (`cross_of`), padding is masked, all rows of a batch share one condition, and the rows
without a condition (guidance) get their cross-attention as a constant. The null condition is one
token repeated; attention over equal tokens returns that token's value whatever the query is.

Shapes: latents `(B, T, 64)` float32, context `(B or 1, T, 128)`, L layers of width C.
Weights are read at every call, so a LoRA in the modules counts; `Cross` and `null_of` must be made
anew when one changes.

Threads: stateless; one thread owns the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F  # noqa: N812

from daemon.engines.acestep.dit.attention import attend, fused_only, rotate
from daemon.engines.acestep.dit.conditions import Conditions
from daemon.engines.acestep.dit.layout import Layout, keep_bias


@dataclass(frozen=True, eq=False)
class Cross:
    """Keys and values of a condition's N tokens in every layer: `(L, 1, Hkv, N, D)` each.

    `bias` `(1, 1, 1, N)` hides padded tokens, None if there are none.
    """

    keys: torch.Tensor
    values: torch.Tensor
    bias: torch.Tensor | None


class Run(Protocol):
    """How a velocity is computed: `velocity`, or a replay of it captured for one shape."""

    def __call__(
        self,
        transformer: Any,
        x: torch.Tensor,
        t: float | torch.Tensor,
        context: torch.Tensor,
        cross: Cross,
        layout: Layout,
        null: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """See `velocity`."""


@torch.no_grad()
def cross_of(transformer: Any, conditions: Conditions) -> Cross:
    """Compute what `conditions` give to the cross-attention of each layer."""
    weight = transformer.condition_embedder.weight
    states = transformer.condition_embedder(conditions.states.to(weight))
    pairs = [_pair(layer.cross_attn, states) for layer in transformer.layers]
    keys, values = (torch.stack(side) for side in zip(*pairs, strict=True))
    return Cross(keys, values, keep_bias(conditions.keep, weight))


@torch.no_grad()
def null_of(transformer: Any, null_condition: torch.Tensor) -> torch.Tensor:
    """Return what cross-attention to the null condition `(1, 1, C)` adds in each layer `(L, C)`."""
    weight = transformer.condition_embedder.weight
    state = transformer.condition_embedder(null_condition.to(weight))
    return torch.stack([_constant(layer.cross_attn, state) for layer in transformer.layers])


@torch.no_grad()
def velocity(
    transformer: Any,
    x: torch.Tensor,
    t: float | torch.Tensor,
    context: torch.Tensor,
    cross: Cross,
    layout: Layout,
    null: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the velocity at time `t` (1 noise … 0 music) of `x (B, T, 64)`, float32.

    With `null` from `null_of` it is `(2·B, T, 64)`: the rows under the condition, then the same
    rows under the null condition.
    """
    weight = transformer.condition_embedder.weight
    rows = x.shape[0]
    with fused_only(weight):
        hidden = _tokens(transformer, x.to(weight), context.to(weight))
        if null is not None:
            hidden = torch.cat((hidden, hidden))
        when, modulation = _time(transformer, t)
        for i, layer in enumerate(transformer.layers):
            slides = transformer.layer_types[i] == "sliding_attention"
            hidden = _listen(layer, hidden, modulation[i], layout, slides)
            heard = _cross(layer, hidden[:rows], cross.keys[i], cross.values[i], cross.bias)
            if null is not None:
                heard = torch.cat((heard, null[i].expand_as(heard)))
            hidden = _think(layer, hidden + heard, modulation[i])
        return _frames(transformer, hidden, when)[:, : x.shape[1]].float()


def _tokens(transformer: Any, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
    """Latents and context `(B, T, …)` as tokens `(B, T / patch, C)`; an odd end gets zeros."""
    both = torch.cat((context.expand(x.shape[0], -1, -1), x), -1)
    both = F.pad(both, (0, 0, 0, -both.shape[1] % transformer.patch_size))
    hidden: torch.Tensor = transformer.proj_in_conv(both.transpose(1, 2)).transpose(1, 2)
    return hidden


def _time(transformer: Any, time: float | torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Embed the time: `(1, C)` for the output, `(L, 6, 1, C)` for the layers.

    Those are shift, 1 + scale and gate of the self-attention, then of the feed-forward part.
    """
    weight = transformer.condition_embedder.weight
    t = time if isinstance(time, torch.Tensor) else weight.new_full((1,), time)
    t = t.to(weight.dtype).reshape(1)
    temb, steps = transformer.time_embed(t)
    temb_r, steps_r = transformer.time_embed_r(t - t)
    tables = torch.cat([layer.scale_shift_table for layer in transformer.layers])
    modulation = (tables + (steps + steps_r)).unsqueeze(2)
    modulation[:, 1::3] += 1
    return temb + temb_r, modulation


def _listen(
    layer: Any, hidden: torch.Tensor, modulation: torch.Tensor, layout: Layout, slides: bool
) -> torch.Tensor:
    """Self-attention of one layer, added to `hidden (B, T, C)`."""
    shift, scale, gate = modulation[:3]
    attn = layer.self_attn
    normed = torch.addcmul(shift, _norm(layer.self_attn_norm, hidden), scale)
    query = _norm(attn.norm_q, attn.to_q(normed).unflatten(-1, (attn.heads, -1)))
    key = _norm(attn.norm_k, attn.to_k(normed).unflatten(-1, (attn.kv_heads, -1)))
    value = attn.to_v(normed).unflatten(-1, (attn.kv_heads, -1))
    turned = rotate(torch.cat((query, key), 2), layout.positions)
    query, key = turned.split((attn.heads, attn.kv_heads), 2)
    query, key, value = (part.transpose(1, 2) for part in (query, key, value))
    heard = layout.attend(query, key, value, slides)
    return torch.addcmul(hidden, _out(attn, heard), gate)


def _cross(
    layer: Any,
    hidden: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    bias: torch.Tensor | None,
) -> torch.Tensor:
    """Cross-attention of one layer. It knows no positions: all rows are one long row of queries."""
    attn = layer.cross_attn
    query = attn.to_q(_norm(layer.cross_attn_norm, hidden)).unflatten(-1, (attn.heads, -1))
    query = _norm(attn.norm_q, query).flatten(0, 1)[None].transpose(1, 2)
    return _out(attn, attend(query, keys, values, bias)).unflatten(1, hidden.shape[:2])[0]


def _think(layer: Any, hidden: torch.Tensor, modulation: torch.Tensor) -> torch.Tensor:
    """Feed-forward part of one layer, added to `hidden`."""
    shift, scale, gate = modulation[3:]
    normed = torch.addcmul(shift, _norm(layer.mlp_norm, hidden), scale)
    return torch.addcmul(hidden, layer.mlp(normed), gate)


def _frames(transformer: Any, hidden: torch.Tensor, when: torch.Tensor) -> torch.Tensor:
    """Tokens back to latent frames."""
    shift, scale = (transformer.scale_shift_table + when.unsqueeze(1)).chunk(2, 1)
    normed = torch.addcmul(shift, _norm(transformer.norm_out, hidden), 1 + scale)
    frames: torch.Tensor = transformer.proj_out_conv(normed.transpose(1, 2)).transpose(1, 2)
    return frames


def _norm(norm: Any, x: torch.Tensor) -> torch.Tensor:
    """RMS norm in one kernel; the module's own takes seven."""
    return F.rms_norm(x, x.shape[-1:], norm.weight, norm.eps)


def _out(attn: Any, heard: torch.Tensor) -> torch.Tensor:
    """Heads `(B, H, T, D)` joined and projected: `(B, T, C)`."""
    out: torch.Tensor = attn.to_out[0](heard.transpose(1, 2).flatten(2))
    return out


def _pair(attn: Any, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values `(1, Hkv, N, D)` of condition tokens `(1, N, C)`."""
    key = _norm(attn.norm_k, attn.to_k(states).unflatten(-1, (attn.kv_heads, -1)))
    value = attn.to_v(states).unflatten(-1, (attn.kv_heads, -1))
    return key.transpose(1, 2), value.transpose(1, 2)


def _constant(attn: Any, state: torch.Tensor) -> torch.Tensor:
    """What attention to one token `(1, 1, C)` gives: its value, for every head of its group."""
    value = attn.to_v(state).unflatten(-1, (attn.kv_heads, -1))
    heard = value.repeat_interleave(attn.heads // attn.kv_heads, 2).transpose(1, 2)
    return _out(attn, heard)[0, 0]
