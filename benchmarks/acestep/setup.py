"""An engine over random weights: the session that `opening` would make of files."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.acestep.weights import Common, Parts, Sizes, checkpoint, common
from daemon.engines.acestep.beside import Beside
from daemon.engines.acestep.latents.lean import lean
from daemon.engines.acestep.loading import made_for
from daemon.engines.acestep.models.folders import Found
from daemon.engines.acestep.parts import Checkpoint, Placement, Shared
from daemon.engines.acestep.placement import take
from daemon.engines.acestep.session import Session

_NOWHERE = Path("random")


@dataclass(frozen=True, eq=False)
class Models:
    """Random checkpoints by family, and what they share, as they were drawn."""

    parts: dict[str, Parts]
    common: Common
    placement: Placement


def models(sizes: Sizes, device: torch.device, families: tuple[str, ...]) -> Models:
    """Draw the checkpoints: bfloat16 with a float32 VAE on CUDA, float32 elsewhere."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    drawn = {f: checkpoint(sizes, f, 10 + i, device, dtype) for i, f in enumerate(families)}
    return Models(drawn, common(sizes, 1, device, dtype), Placement(device, dtype, torch.float32))


def session(made: Models) -> Session:
    """Return a session over the checkpoints, its VAE a copy that is made ready to run."""
    take(made.placement)
    shared = Shared(
        lean(copy.deepcopy(made.common.vae), made.placement.vae_dtype),
        made.common.text_encoder,
        made.common.tokenizer,
    )
    loaded = {family: _checkpoint(family, parts) for family, parts in made.parts.items()}
    return Session(
        made.placement,
        shared,
        tuple(_found(family) for family in loaded),
        lambda found: loaded[found.family],
        Beside(made.placement, (), ()),
    )


def _checkpoint(family: str, parts: Parts) -> Checkpoint:
    shift, steps, guidance = made_for(_found(family))
    return Checkpoint(
        name=_found(family).name,
        family=family,  # type: ignore[arg-type]
        xl=False,
        transformer=parts.transformer,
        condition_encoder=parts.condition_encoder,
        audio_tokenizer=parts.audio_tokenizer,
        audio_detokenizer=parts.audio_token_detokenizer,
        shift=shift,
        steps=steps,
        guidance=guidance,
    )


def _found(family: str) -> Found:
    name = f"random-{family}"
    facts: dict[str, Any] = {"vae": None, "text_encoder": None, "tokenizer": None}
    return Found(name, _NOWHERE / name, "diffusers", family, False, {}, **facts)  # type: ignore[arg-type]
