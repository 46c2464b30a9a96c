"""What a loaded model consists of, and where it runs. Values only; nothing here loads anything.

Latents are `(frames, C)` at 25 frames/s (1,920 samples at 48 kHz a frame), C = `channels` of
`Checkpoint` and `Shared`: 64 in every published model. The transformer takes two frames a token;
its `context` is `(frames, 2 C)`: source latents, then the mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

RATE = 48_000
"""Sample rate of the VAE, Hz."""
HOP = 1_920
"""Samples of a latent frame: the product of the VAE's strides 2·4·4·6·10."""
FRAMES_PER_S = RATE // HOP
GRAIN = 10
"""Latent frames on multiples of which windows begin and end: patch 2 × pool 5; 0.4 s."""
CONTEXT_S = 16.0
"""What the transformer hears on each side of a region where the key `context` is not told."""

Family = Literal["turbo", "base", "sft"]


@dataclass(frozen=True)
class Placement:
    """Where and in what precision a model runs.

    `budget_bytes` is what weights and work may take on the device, None for all that is free.
    `offload` keeps on the device only the part that works.
    """

    device: torch.device
    transformer_dtype: torch.dtype
    vae_dtype: torch.dtype
    budget_bytes: int | None = None
    offload: bool = False


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """One diffusion transformer with the encoders that were trained with it.

    `shift`, `steps`, `guidance` are what it was made for (guidance 1: none).
    """

    name: str
    family: Family
    xl: bool
    transformer: Any
    condition_encoder: Any
    audio_tokenizer: Any | None
    audio_detokenizer: Any | None
    shift: float
    steps: int
    guidance: float

    @property
    def modules(self) -> tuple[Any, ...]:
        """All modules that it has."""
        own = (self.transformer, self.condition_encoder)
        return *own, *filter(None, (self.audio_tokenizer, self.audio_detokenizer))

    @property
    def channels(self) -> int:
        """Latent channels C."""
        return int(self.transformer.config.audio_acoustic_hidden_dim)


@dataclass(frozen=True, eq=False)
class Shared:
    """What all checkpoints have in common: the VAE, the text encoder and its tokenizer."""

    vae: Any
    text_encoder: Any
    tokenizer: Any

    @property
    def channels(self) -> int:
        """Latent channels C."""
        return int(self.vae.config.decoder_input_channels)
