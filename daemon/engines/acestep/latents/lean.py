"""The VAE made ready to run: what its layers compute anew at every call is computed once.

Weight norm is folded into the weights. Snake activations, which read and write the most memory of
all that the VAE does, run in one kernel on CUDA, else with two passes fewer than diffusers' own.

Threads: the worker's main thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import nn

Kernel = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

_CODE = """
template <typename T> T snake(T x, T rate, T depth) {
    T wave = sin(rate * x) * depth;
    return x + wave * wave;
}
"""
_NEAR = 1e-5


class Snake(nn.Module):
    """x + sin²(α·x) / β over channels `(B, C, T)`, with α and β as an Oobleck layer stores them."""

    rate: torch.Tensor
    depth: torch.Tensor

    def __init__(self, stored: Any) -> None:
        super().__init__()
        self.register_buffer("rate", stored.alpha.detach().exp())
        self.register_buffer("depth", (stored.beta.detach().exp() + 1e-9).rsqrt())

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the activation of `hidden`."""
        one_kernel = hidden.is_cuda and hidden.dtype == torch.float32
        return (on_cuda(hidden.device) if one_kernel else plain)(hidden, self.rate, self.depth)


def lean(vae: Any, dtype: torch.dtype) -> Any:
    """Return `vae` without weight norm, in `dtype`; below float32 its output layer stays float32.

    It is changed in place; what it computes differs by rounding only.
    """
    for part in list(vae.modules()):
        if hasattr(part, "weight_g"):
            nn.utils.remove_weight_norm(part)
        for name, child in list(part.named_children()):
            if type(child).__name__ == "Snake1d":
                setattr(part, name, Snake(child))
    nn.Module.to(vae, dtype)
    if dtype != torch.float32:
        last = vae.decoder.conv2
        last.to(torch.float32)
        last.register_forward_pre_hook(lambda _, inputs: (inputs[0].float(),))
    return vae.requires_grad_(False).eval()


def plain(hidden: torch.Tensor, rate: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    """Return the activation by torch's own kernels; `depth` is 1 / √β."""
    wave = (hidden * rate).sin_().mul_(depth)
    return torch.addcmul(hidden, wave, wave)


@cache
def on_cuda(device: torch.device) -> Kernel:
    """Return a kernel, compiled and tried; torch's own where that can't be done.

    It computes on the thread's present device (`placement.take`), which has to be `device`.
    """
    try:
        kernel: Kernel = torch.cuda.jiterator._create_jit_fn(_CODE)
        x = torch.linspace(-3, 3, 64, device=device).reshape(1, 4, 16)
        rate, depth = torch.linspace(0.5, 1.5, 8, device=device).reshape(2, 1, 4, 1)
        if torch.allclose(kernel(x, rate, depth), plain(x, rate, depth), atol=_NEAR):
            return kernel
    except Exception:
        return plain
    return plain
