"""How many numbers a checkpoint holds, read from the headers of all its files.

What is missing or damaged there is named in milliseconds, before anything large is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from daemon import tensors
from daemon.engines.acestep.models import headers
from daemon.engines.acestep.models.folders import Found


@dataclass(frozen=True)
class Weights:
    """How many numbers each part of a model has."""

    checkpoint: int
    text_encoder: int
    vae: int


def numbers_in(found: Found) -> Weights:
    """Return how many numbers a checkpoint and what it shares hold. Raises 303."""
    if found.layout == "original":
        own = _count(headers.shards(found.folder, "model"))
    else:
        folders = ("transformer", "condition_encoder", "audio_tokenizer", "audio_token_detokenizer")
        own = sum(
            _count(headers.shards(found.folder / name, "diffusion_pytorch_model"))
            for name in folders
            if (found.folder / name).is_dir()
        )
    text = _count(headers.shards(found.text_encoder, "model")) if found.text_encoder else 0
    vae = _count(headers.shards(found.vae, "diffusion_pytorch_model")) if found.vae else 0
    return Weights(own, text, vae)


def _count(files: tuple[Path, ...]) -> int:
    return sum(tensor.numbers for file in files for tensor in tensors.read(file).values())
