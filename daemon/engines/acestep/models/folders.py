"""What a folder holds: one checkpoint, or several with what they share, in either layout.

- *diffusers*: `model_index.json` and one folder for each component.
- *original*: `config.json`, `model.safetensors` and `silence_latent.pt` of the transformer and its
  encoders; `vae/` and `Qwen3-Embedding-0.6B/` lie inside or beside it.

Only names and configurations are read here; `loading` reads weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bridge.protocol.errors import error

Layout = Literal["diffusers", "original"]
Family = Literal["turbo", "base", "sft"]
TEXT_ENCODER = "Qwen3-Embedding-0.6B"
_XL_WIDTH = 2048  # the widest transformer that is not called XL


@dataclass(frozen=True)
class Found:
    """A checkpoint on disk.

    `config` is the transformer's. `vae`, `text_encoder` and `tokenizer` are the folders of what all
    checkpoints share, None where there is none.
    """

    name: str
    folder: Path
    layout: Layout
    family: Family
    xl: bool
    config: Mapping[str, Any] = field(hash=False)
    vae: Path | None
    text_encoder: Path | None
    tokenizer: Path | None


@dataclass(frozen=True)
class Home:
    """What a folder of models holds: checkpoints and, in order of their names, the folders of
    language models and of separators.
    """

    folder: Path
    checkpoints: tuple[Found, ...]
    language_models: tuple[Path, ...]
    separators: tuple[Path, ...] = ()


def look(folder: Path) -> Home:
    """Return what lies in `folder`, itself a checkpoint or a folder of several.

    Raises 302 if there is no such folder, 303 if no checkpoint lies there.
    """
    if not folder.is_dir():
        raise error(302, f"no folder {folder}: punchin models pull turbo, or set engine.model")
    inside = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    homes = [folder] if _layout(folder) else [p for p in inside if _layout(p)]
    if not homes:
        raise error(
            303, f"{folder} holds no model (no model_index.json of ACE-Step 1.5): punchin models "
            "pull turbo"
        )  # fmt: skip
    beside = inside if homes != [folder] else [p for p in folder.parent.iterdir() if p.is_dir()]
    around = sorted({*inside, *beside})
    return Home(
        folder,
        tuple(recognise(p) for p in homes),
        tuple(p for p in around if _is_language_model(p)),
        tuple(p for p in around if _is_separator(p)),
    )


def recognise(folder: Path) -> Found:
    """Return what kind of checkpoint `folder` is. Raises 302, 303."""
    if not folder.is_dir():
        raise error(302, f"no folder {folder}: punchin models pull turbo, or set engine.model")
    layout = _layout(folder)
    if layout is None:
        raise error(
            303, f"{folder} is no model (neither model_index.json nor an ACE-Step config.json): "
            "name another folder, or punchin models pull turbo"
        )  # fmt: skip
    where = folder / "transformer" if layout == "diffusers" else folder
    config = read_json(where / "config.json")
    name = folder.name
    shared = _shared(folder, layout)
    wide = number(config, "hidden_size", 0, where / "config.json") > _XL_WIDTH
    return Found(name, folder, layout, _family(name, config), wide, config, *shared)


def read_json(file: Path) -> dict[str, Any]:
    """Return a JSON object from `file`. Raises 303."""
    try:
        content = json.loads(file.read_text("utf-8"))
        if not isinstance(content, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as e:
        raise error(303, f"{file} can't be read ({e}): fetch the model again") from None
    return content


def number(config: Mapping[str, Any], key: str, absent: float, file: Path) -> float:
    """Return the number `key` of `config`, which was read from `file`. Raises 303."""
    told = config.get(key, absent)
    if isinstance(told, bool) or not isinstance(told, int | float):
        raise error(303, f"{file}: {key} is {told!r} and should be a number: fetch the model again")
    return told


def _layout(folder: Path) -> Layout | None:
    if (folder / "model_index.json").is_file():
        kind = read_json(folder / "model_index.json").get("_class_name")
        return "diffusers" if kind == "AceStepPipeline" else None
    if (folder / "config.json").is_file():
        config = read_json(folder / "config.json")
        named = {"audio_acoustic_hidden_dim", "num_lyric_encoder_hidden_layers"}
        return "original" if named <= set(config) else None
    return None


def _is_language_model(folder: Path) -> bool:
    """Whether a causal language model with audio codes lies here, as their folders are called."""
    return "lm" in folder.name.lower().split("-") and (folder / "config.json").is_file()


def _is_separator(folder: Path) -> bool:
    """Whether models of Demucs lie here: a list of them, and their weights."""
    return any(folder.glob("*.yaml")) and any(folder.glob("*.safetensors"))


def _family(name: str, config: Mapping[str, Any]) -> Family:
    """Return the family; published sft models have the very config of base, so the name counts."""
    version = str(config.get("model_version") or "").lower()
    if config.get("is_turbo") or "turbo" in version:
        return "turbo"
    return "sft" if "sft" in version or "sft" in name.lower() else "base"


def _shared(folder: Path, layout: Layout) -> tuple[Path | None, Path | None, Path | None]:
    if layout == "diffusers":
        return folder / "vae", folder / "text_encoder", folder / "tokenizer"
    for place in (folder, folder.parent):
        vae, text = place / "vae", place / TEXT_ENCODER
        if vae.is_dir() and text.is_dir():
            return vae, text, text
    return None, None, None
