"""From the original layout to diffusers': one folder for each component, weights renamed.

Reading is strict, so what is written is whole. The folder grows beside its place and moves there in
one step.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from safetensors import SafetensorError

from bridge.protocol.errors import error
from daemon.engines.acestep.loading import load_checkpoint
from daemon.engines.acestep.models.download import INCOMING
from daemon.engines.acestep.models.folders import Found, read_json, recognise
from daemon.engines.acestep.models.original import CLASSES
from daemon.engines.acestep.parts import Placement

TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
_FIELDS = {"audio_token_detokenizer": "audio_detokenizer"}


def convert(folder: Path, to: Path, dtype: str = "bfloat16") -> Path:
    """Write the checkpoint at `folder` to the new folder `to`, weights in `dtype`; return `to`.

    The VAE and the text encoder are copied as they are. Raises 302, 303, 401.
    """
    found = recognise(folder)
    if found.layout == "diffusers":
        raise error(303, f"{folder} has diffusers' layout already: use it as it is")
    if to.exists():
        raise error(401, f"{to} is there already: name another folder, or remove it")
    if found.vae is None or found.text_encoder is None:
        raise error(
            302, f"{folder} has no vae and text encoder beside it: punchin models pull turbo"
        )
    growing = to.parent / INCOMING / to.name
    try:
        shutil.rmtree(growing, ignore_errors=True)
        growing.mkdir(parents=True)
        _write(found, found.vae, found.text_encoder, growing, TYPES[dtype])
        growing.replace(to)
    except (OSError, SafetensorError) as e:
        raise error(
            401, f"{to} can't be written ({e}): make room, or name another folder"
        ) from None
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    return to


def _write(found: Found, vae: Path, text: Path, to: Path, dtype: torch.dtype) -> None:
    made = load_checkpoint(found, Placement(torch.device("cpu"), dtype, torch.float32))
    # The folder may get another name, which tells the family where the configuration does not.
    made.transformer.register_to_config(model_version=found.family)
    index: dict[str, list[str]] = {}
    for component, kind in CLASSES.items():
        module = getattr(made, _FIELDS.get(component, component))
        if module is not None:
            module.save_pretrained(to / component)
            index[component] = ["diffusers", kind]
    scheduler: Any = FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0)
    scheduler.save_pretrained(to / "scheduler")
    shutil.copytree(vae, to / "vae")
    shutil.copytree(text, to / "text_encoder", ignore=_tokenizer_files)
    shutil.copytree(text, to / "tokenizer", ignore=_encoder_files)
    index |= {
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "vae": ["diffusers", "AutoencoderOobleck"],
        "text_encoder": ["transformers", "Qwen3Model"],
        "tokenizer": ["transformers", _tokenizer_class(text)],
    }
    head = {"_class_name": "AceStepPipeline", "_diffusers_version": diffusers.__version__}
    (to / "model_index.json").write_text(json.dumps({**head, **index}, indent=2), "utf-8")


def _tokenizer_class(text: Path) -> str:
    told = read_json(text / "tokenizer_config.json").get("tokenizer_class", "")
    return str(told or "Qwen2Tokenizer")


def _is_encoder(name: str) -> bool:
    return name.startswith("model") or name in ("config.json", "generation_config.json")


def _tokenizer_files(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not _is_encoder(name)]


def _encoder_files(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if _is_encoder(name)]
