"""Checkpoints with random weights and the real architecture, in memory and on the device.

Nothing is read or downloaded. The sizes come from a table like `benchmarks/small.toml`; what it
leaves out is as diffusers has it, the real size of the 2B model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import (
    AceStepAudioTokenDetokenizer,
    AceStepAudioTokenizer,
    AceStepConditionEncoder,
    AceStepTransformer1DModel,
    AutoencoderOobleck,
)
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3Model

QWEN3_06B = {
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
}
"""Qwen3-Embedding-0.6B, the text encoder of every ACE-Step 1.5 checkpoint."""
VOCABULARY = 151_669
LOUD = 0.1  # RMS of what unit latents decode to, -20 dBFS

Sizes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Parts:
    """The modules of a checkpoint, as AceStepPipeline names them."""

    family: str
    transformer: Any
    condition_encoder: Any
    audio_tokenizer: Any
    audio_token_detokenizer: Any


@dataclass(frozen=True, eq=False)
class Common:
    """What all checkpoints share; the VAE in float32, with weight norm."""

    vae: Any
    text_encoder: Any
    tokenizer: Any


def checkpoint(
    sizes: Sizes, family: str, seed: int, device: torch.device, dtype: torch.dtype
) -> Parts:
    """Return a random checkpoint of a family, `turbo` or `base`."""
    common, channels = dict(sizes.get("common", {})), _channels(sizes)
    text = sizes.get("text_encoder", QWEN3_06B)["hidden_size"]
    with _drawn(seed, device, dtype):
        dit = AceStepTransformer1DModel(
            **common,
            **sizes.get("transformer", {}),
            in_channels=3 * channels,
            audio_acoustic_hidden_dim=channels,
            is_turbo=family == "turbo",
            model_version=family,
        )
        told = {"text_hidden_dim": text, **sizes.get("condition_encoder", {})}
        encoder = AceStepConditionEncoder(**common, **told, timbre_hidden_dim=channels)
        encoder.silence_latent.normal_()
        codes = {"audio_acoustic_hidden_dim": channels, **common}
        tokenizer = AceStepAudioTokenizer(**codes, **sizes.get("audio_tokenizer", {}))
        detokenizer = AceStepAudioTokenDetokenizer(**codes)
    made = (dit, encoder, tokenizer, detokenizer)
    return Parts(family, *(part.requires_grad_(False).eval() for part in made))


def common(sizes: Sizes, seed: int, device: torch.device, dtype: torch.dtype) -> Common:
    """Return VAE, text encoder and tokenizer."""
    text = dict(sizes.get("text_encoder", QWEN3_06B))
    vocabulary = VOCABULARY if text == QWEN3_06B else 1024
    with _drawn(seed, device, dtype):
        encoder = Qwen3Model(Qwen3Config(vocab_size=vocabulary, **text))
    with _drawn(seed, device, torch.float32):
        vae = _scaled(AutoencoderOobleck(**_vae_config(sizes)))
    return Common(vae.requires_grad_(False).eval(), encoder.requires_grad_(False).eval(), _bytes())


def _channels(sizes: Sizes) -> int:
    return int(sizes.get("vae", {}).get("latent_channels", 64))


def _vae_config(sizes: Sizes) -> dict[str, Any]:
    told = {k: v for k, v in sizes.get("vae", {}).items() if k != "latent_channels"}
    return {
        "encoder_hidden_size": 2 * _channels(sizes),
        "downsampling_ratios": [2, 4, 4, 6, 10],
        "decoder_input_channels": _channels(sizes),
        "sampling_rate": 48_000,
        **told,
    }


@torch.no_grad()
def _scaled(vae: Any) -> Any:
    """Give random weights a level: music of -20 dBFS becomes unit latents, and back."""
    place = vae.decoder.conv1.weight_v.device
    latents = torch.randn(1, vae.config.decoder_input_channels, 50, device=place)
    vae.decoder.conv2.weight_g.mul_(LOUD / vae.decode(latents).sample.std())
    mean = vae.encode(LOUD * torch.randn(1, 2, 96_000, device=place)).latent_dist.mean
    half = vae.config.decoder_input_channels
    vae.encoder.conv2.weight_g[:half].mul_(1 / mean.std())
    vae.encoder.conv2.bias[:half] = 0
    return vae


@contextmanager
def _drawn(seed: int, device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Make modules on `device` in `dtype`, their weights drawn there with `seed`."""
    before = torch.get_default_dtype()
    torch.manual_seed(seed)
    torch.set_default_dtype(dtype)
    try:
        with device:
            yield
    finally:
        torch.set_default_dtype(before)


def _bytes() -> PreTrainedTokenizerFast:
    """Return a tokenizer of one token a byte, so that a text's length is its number of tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|endoftext|>"],
    )
