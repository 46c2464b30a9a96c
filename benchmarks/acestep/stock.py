"""The stock call: diffusers' AceStepPipeline on the same weights, the clip given as a tensor.

It gets what a caller would give it: one dtype for all parts, bfloat16 on CUDA, the VAE with its
weight norm. Where the VAE would not fit it is tiled, as diffusers advises.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from diffusers import AceStepPipeline, FlowMatchEulerDiscreteScheduler

from benchmarks.acestep.weights import Common, Parts

UNTILED_BYTES = 24 << 30
"""Free memory below which three minutes of audio don't fit the VAE in one piece (10 GiB live)."""


def pipeline(parts: Parts, common: Common, dtype: torch.dtype) -> Any:
    """Return the pipeline over the modules of `parts` and a VAE of its own."""
    vae = copy.deepcopy(common.vae).to(dtype)
    pipe = AceStepPipeline(
        vae=vae,
        text_encoder=common.text_encoder,
        tokenizer=common.tokenizer,
        transformer=parts.transformer,
        condition_encoder=parts.condition_encoder,
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
        audio_tokenizer=parts.audio_tokenizer,
        audio_token_detokenizer=parts.audio_token_detokenizer,
    )
    device = parts.transformer.device
    if device.type == "cuda" and torch.cuda.mem_get_info(device)[0] < UNTILED_BYTES:
        vae.enable_tiling()
    pipe.set_progress_bar_config(disable=True)
    return pipe


def seconds(
    pipe: Any,
    device: torch.device,
    clock: Callable[[], float],
    samples: np.ndarray,
    **told: Any,
) -> float:
    """Return how long one call takes, from samples `(n, 2)` in memory to samples in memory."""
    clip = torch.from_numpy(np.ascontiguousarray(samples.T))
    own = torch.Generator(device).manual_seed(1)
    with _all_kernels():
        settled(device)
        began = clock()
        pipe(src_audio=clip, generator=own, output_type="np", **told)
        settled(device)
        return clock() - began


@contextmanager
def _all_kernels() -> Iterator[None]:
    """Let torch choose among all kernels of attention, as it would without the engine."""
    held = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(True)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(held)


def settled(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
