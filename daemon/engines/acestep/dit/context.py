"""What the transformer is shown of the source: latents beside a mask of what to make.

| task | latents | mask |
|---|---|---|
| text2music | silence | 1 |
| cover | the source through the 5 Hz codes, or as it is (`close`) | 1 |
| repaint | the source, silence where new | 1 where new, else 0 |
| lego | the source | 1 where new, else 0 |
| extract, complete | the source | 1 |

Latents are `(T, 64)`; answers come on the device and in the dtype of the latents that were given.
Upstream writes 2 into the mask of lego, extract and complete for "decide yourself"; `whole` takes
that value, and 1 is what diffusers writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from bridge.protocol.errors import error
from daemon.engines.acestep.dit.pauses import heeding
from daemon.engines.acestep.parts import Checkpoint


def new_frames(frames: int, spans: Iterable[tuple[int, int]]) -> torch.Tensor:
    """Return `(frames,)` bool, True inside the spans `[start, end)`; they may reach outside."""
    new = torch.zeros(frames, dtype=torch.bool)
    for start, end in spans:
        new[max(0, start) : max(0, end)] = True
    return new


def silence(checkpoint: Checkpoint, frames: int) -> torch.Tensor:
    """Return the latents of `frames` frames of silence, `(frames, 64)`, float32 on the CPU."""
    known = checkpoint.condition_encoder.silence_latent[0].float().cpu()
    return known.repeat(-(-frames // known.shape[0]), 1)[:frames]


def whole(source: torch.Tensor, value: float = 1.0) -> torch.Tensor:
    """Return the context `(1, T, 128)` of a task that makes everything of `source (T, 64)`."""
    return torch.cat((source, torch.full_like(source, value)), -1)[None]


def region(source: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """Return the context `(1, T, 128)` of lego: all of `source`, to be made where `new (T,)`."""
    mask = new.to(source)[:, None].expand_as(source)
    return torch.cat((source, mask), -1)[None]


def hole(checkpoint: Checkpoint, source: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """Return the context `(1, T, 128)` of repaint: `source` with silence where `new (T,)`."""
    quiet = silence(checkpoint, source.shape[0]).to(source)
    return region(torch.where(new.to(source.device)[:, None], quiet, source), new)


@torch.no_grad()
def codes_of(
    checkpoint: Checkpoint, latents: torch.Tensor, check: Callable[[], None] = lambda: None
) -> list[int]:
    """Return the 5 Hz codes of latents `(T, 64)`, one for each 5 frames.

    `check` is called before each layer and may raise.
    """
    with heeding(check, checkpoint.audio_tokenizer):
        _, indices = _tokenize(checkpoint, latents)
    codes: list[int] = indices[0, :, 0].tolist()
    return codes


@torch.no_grad()
def of_codes(checkpoint: Checkpoint, codes: Sequence[int]) -> torch.Tensor:
    """Return the latents `(5·n, 64)` that n codes stand for, float32 on the CPU.

    Codes beyond the code book are taken as its last.
    """
    quantizer = _part(checkpoint, checkpoint.audio_tokenizer).quantizer
    place = quantizer.project_out.weight
    known = torch.tensor(codes, dtype=torch.long, device=place.device)
    known = known.clamp(0, quantizer.codebook_size - 1)
    return _detokenize(checkpoint, quantizer.get_output_from_indices(known[None, :, None])).cpu()


@torch.no_grad()
def through_codes(checkpoint: Checkpoint, latents: torch.Tensor) -> torch.Tensor:
    """Return latents `(T, 64)` by way of their 5 Hz codes: melody and form without the detail."""
    quantized, _ = _tokenize(checkpoint, latents)
    return _detokenize(checkpoint, quantized)[: latents.shape[0]].to(latents)


def _tokenize(checkpoint: Checkpoint, latents: torch.Tensor) -> tuple[Any, Any]:
    """Quantised states `(1, n, W)` and indices `(1, n, 1)`; the end is filled up with silence."""
    tokenizer = _part(checkpoint, checkpoint.audio_tokenizer)
    place = tokenizer.audio_acoustic_proj.weight
    quiet = checkpoint.condition_encoder.silence_latent.to(place)
    quantized, indices = tokenizer.tokenize(latents[None].to(place), quiet)
    return quantized, indices


def _detokenize(checkpoint: Checkpoint, quantized: torch.Tensor) -> torch.Tensor:
    """Latents `(5·n, 64)`, float32, of quantised states `(1, n, W)`."""
    detokenizer = _part(checkpoint, checkpoint.audio_detokenizer)
    latents: torch.Tensor = detokenizer(quantized.to(detokenizer.proj_out.weight))[0].float()
    return latents


def _part(checkpoint: Checkpoint, part: Any | None) -> Any:
    if part is None:
        raise error(
            303,
            f"{checkpoint.name} has no audio tokenizer, which a cover needs: fetch the model "
            "again, or convert it from a checkpoint that has one",
        )
    return part
