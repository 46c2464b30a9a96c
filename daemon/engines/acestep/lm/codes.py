"""Codes and latents: what the language model writes, as the transformer reads it, and back.

A code is one number of the checkpoint's code book for five latent frames `(5, C)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from bridge.protocol.errors import error
from daemon.engines.acestep.parts import Checkpoint

FRAMES_PER_CODE = 5


def code_book(checkpoint: Checkpoint) -> int:
    """Return how many codes a checkpoint knows. Raises 301 where it has no tokenizer."""
    return int(_tokenizer(checkpoint).quantizer.codebook_size)


def codes_of(checkpoint: Checkpoint, latents: torch.Tensor) -> list[int]:
    """Return the codes of `latents` `(frames, C)`; an odd end is filled up with silence."""
    tokenizer = _tokenizer(checkpoint)
    weight = next(tokenizer.parameters())
    with torch.inference_mode():
        _, indices = tokenizer.tokenize(
            latents[None].to(weight), checkpoint.condition_encoder.silence_latent.to(weight)
        )
    return [int(i) for i in indices.reshape(-1)]


def latents_of(checkpoint: Checkpoint, codes: Sequence[int]) -> torch.Tensor:
    """Return the latents that codes stand for, `(5 × codes, C)` on the checkpoint's device."""
    tokenizer, back = _tokenizer(checkpoint), checkpoint.audio_detokenizer
    if back is None:
        raise _lacking(checkpoint)
    weight = next(tokenizer.parameters())
    indices = torch.tensor(codes, device=weight.device).clamp(0, code_book(checkpoint) - 1)
    with torch.inference_mode():
        quantized = tokenizer.quantizer.get_output_from_indices(indices[None, :, None])
        latents: torch.Tensor = back(quantized.to(weight))[0]
    return latents


def _tokenizer(checkpoint: Checkpoint) -> Any:
    if checkpoint.audio_tokenizer is None:
        raise _lacking(checkpoint)
    return checkpoint.audio_tokenizer


def _lacking(checkpoint: Checkpoint) -> Exception:
    return error(301, f"{checkpoint.name} has no audio tokenizer: punchin models pull turbo")
