"""Loads models into modules of diffusers and transformers: safetensors only, no foreign code.

Every name and shape that a file announces is held against the module's before a byte of weights is
read; then tensors go from the mapped file to the device one by one, in the dtype they run in. What
is wrong is error 303 with the file's name.

Threads: the worker's main thread.
"""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AceStepAudioTokenDetokenizer,
    AceStepAudioTokenizer,
    AceStepConditionEncoder,
    AceStepTransformer1DModel,
    AutoencoderOobleck,
)
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from bridge.protocol.errors import error
from daemon import tensors
from daemon.engines.acestep import weights
from daemon.engines.acestep.latents.lean import lean, on_cuda
from daemon.engines.acestep.models import headers, original
from daemon.engines.acestep.models.folders import TEXT_ENCODER, Found, number, read_json
from daemon.engines.acestep.parts import HOP, RATE, Checkpoint, Placement, Shared

_STEM = "diffusion_pytorch_model"
_KINDS: dict[str, Any] = {
    "transformer": AceStepTransformer1DModel,
    "condition_encoder": AceStepConditionEncoder,
    "audio_tokenizer": AceStepAudioTokenizer,
    "audio_token_detokenizer": AceStepAudioTokenDetokenizer,
}
_OPTIONAL = frozenset({"audio_tokenizer", "audio_token_detokenizer"})
# Shift, steps, guidance (1: none) that each family was trained for.
_MADE_FOR = {"turbo": (3.0, 8, 1.0), "base": (1.0, 50, 7.0), "sft": (1.0, 50, 7.0)}


def load_checkpoint(found: Found, placement: Placement) -> Checkpoint:
    """Return the checkpoint at `found`; on the CPU if `placement.offload`. Raises 303."""
    load = _from_folders if found.layout == "diffusers" else _from_one_file
    made = load(found, placement)
    shift, steps, guidance = made_for(found)
    return Checkpoint(
        name=found.name,
        family=found.family,
        xl=found.xl,
        transformer=made["transformer"],
        condition_encoder=made["condition_encoder"],
        audio_tokenizer=made.get("audio_tokenizer"),
        audio_detokenizer=made.get("audio_token_detokenizer"),
        shift=shift,
        steps=steps,
        guidance=guidance,
    )


def load_shared(found: Found, placement: Placement) -> Shared:
    """Return the VAE and the text encoder that lie with `found`. Raises 302, 303."""
    if found.vae is None or found.text_encoder is None or found.tokenizer is None:
        raise error(
            302, f"{found.folder} has no vae and {TEXT_ENCODER} in one place inside or beside it: "
            "punchin models pull turbo brings both"
        )  # fmt: skip
    return Shared(
        vae=_vae(found.vae, placement),
        text_encoder=_text_encoder(found.text_encoder, placement),
        tokenizer=_tokenizer(found.tokenizer),
    )


def made_for(found: Found) -> tuple[float, int, float]:
    """Return shift, steps and guidance of the checkpoint: its configuration's, else its family's.

    A variant whose name ends in `shift1` was distilled for that shift.
    """
    shift, steps, guidance = _MADE_FOR[found.family]
    named = [part for part in found.name.split("-") if part in ("shift1", "shift2", "shift3")]
    if named:
        shift = float(named[-1].removeprefix("shift"))
    file = found.folder / ("transformer" if found.layout == "diffusers" else "") / "config.json"
    return (
        float(number(found.config, "shift", shift, file)),
        int(number(found.config, "num_inference_steps", steps, file)),
        float(number(found.config, "guidance_scale", guidance, file)),
    )


# -- the checkpoint's own parts ------------------------------------------------------------------


def _from_folders(found: Found, placement: Placement) -> dict[str, Any]:
    made = {}
    for name, kind in _KINDS.items():
        folder = found.folder / name
        if name in _OPTIONAL and not folder.is_dir():
            continue
        module = _module(kind, read_json(folder / "config.json"), folder / "config.json")
        held = weights.announced(headers.shards(folder, _STEM))
        weights.fill(module, held, placement.transformer_dtype, _home(placement))
        made[name] = module
    return made


def _from_one_file(found: Found, placement: Placement) -> dict[str, Any]:
    files = headers.shards(found.folder, "model")
    file = found.folder / f"{original.SILENCE}.pt"
    silence = {original.SILENCE: (file, _silence(file))}
    made = {}
    for name, kind in _KINDS.items():
        held = weights.announced(files, _only(name))
        if name in _OPTIONAL and not held:
            continue
        config = original.config_of(name, found.config)
        module = _module(kind, config, found.folder / "config.json")
        given = silence if name == "condition_encoder" else {}
        weights.fill(module, held, placement.transformer_dtype, _home(placement), given)
        made[name] = module
    return made


def _only(component: str) -> Callable[[str], str | None]:
    def rename(key: str) -> str | None:
        placed = original.place(key)
        return placed[1] if placed and placed[0] == component else None

    return rename


def _silence(file: Path) -> torch.Tensor:
    """Return the encoded silence `(1, frames, C)`; the file has the channels before the frames."""
    try:
        stored = torch.load(file, weights_only=True, map_location="cpu")
        return stored.transpose(1, 2).contiguous()
    except pickle.UnpicklingError:  # torch's own words advise to run what is in there
        raise error(
            303, f"{file} is damaged, or holds more than numbers and is not read because it can "
            "run code: fetch the model again"
        ) from None  # fmt: skip
    except (OSError, RuntimeError, AttributeError, IndexError) as e:
        why = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise error(303, f"{file} can't be read ({why}): fetch the model again") from None


def _module(kind: Any, config: Mapping[str, Any], file: Path) -> Any:
    """Return an unfilled module; what its class does not know of `config` is left out."""
    known = inspect.signature(kind.__init__).parameters
    told = {key: value for key, value in config.items() if key in known}
    try:
        return weights.unfilled(lambda: kind(**told))
    except (TypeError, ValueError, RuntimeError, AssertionError, ZeroDivisionError) as e:
        raise error(303, f"{file} makes no {kind.__name__} ({e}): fetch it again") from None


def _home(placement: Placement) -> torch.device:
    return torch.device("cpu") if placement.offload else placement.device


# -- what all checkpoints share --------------------------------------------------------------------


def _vae(folder: Path, placement: Placement) -> Any:
    """Return the VAE without weight norm; below float32 its output layer stays float32."""
    config = read_json(folder / "config.json")
    module = _module(AutoencoderOobleck, config, folder / "config.json")
    if module.config.sampling_rate != RATE or prod(module.config.downsampling_ratios) != HOP:
        raise error(
            303, f"{folder / 'config.json'} is not of an ACE-Step VAE ({RATE} Hz, {HOP} samples a "
            "frame): fetch the model again"
        )  # fmt: skip
    held = weights.announced(headers.shards(folder, _STEM))
    weights.fill(module, held, torch.float32, torch.device("cpu"))
    if placement.device.type == "cuda":
        on_cuda(placement.device)  # compiled now, so that no job waits for it
    return torch.nn.Module.to(lean(module, placement.vae_dtype), _home(placement))


def _text_encoder(folder: Path, placement: Placement) -> Any:
    files = headers.shards(folder, "model")
    for file in files:
        tensors.read(file)
    transformers_logging.disable_progress_bar()
    try:
        model, told = AutoModel.from_pretrained(
            folder,
            dtype=placement.transformer_dtype,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as e:
        why = str(e).splitlines()[0]
        raise error(303, f"{folder} can't be loaded ({why}): fetch the model again") from None
    wrong = [*told["missing_keys"], *told["mismatched_keys"]]
    if wrong:
        raise error(303, f"{files[0]} lacks {wrong[0]}, or has another shape of it: fetch it again")
    return model.requires_grad_(False).eval().to(_home(placement))


def _tokenizer(folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as e:
        why = str(e).splitlines()[0]
        raise error(303, f"{folder} holds no tokenizer ({why}): fetch the model again") from None
