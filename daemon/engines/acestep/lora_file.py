"""A LoRA as a file: what it changes, layer by layer.

A file of pairs A `(r, in)` and B `(out, r)` changes a weight W `(out, in)` by s·α/r·B·A: s is the
scale asked for, α and r are the file's own (α = r where it says nothing; with `use_rslora` the
divisor is √r). DoRA files also hold a magnitude m `(out,)`: W becomes m·V/‖V‖ by rows, with
V = W + α/r·B·A; s scales that change.

Names: those of PEFT over the original modules (`base_model.model.layers.0.self_attn.q_proj.lora_A`)
and those of diffusers (`transformer.layers.0.self_attn.to_q.lora_A`). α is told by the tensor
`alpha` beside a pair, else by diffusers in the file's header, else by PEFT in `adapter_config.json`
beside the file; `alpha_pattern` there gives layers an α of their own.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from bridge.protocol.errors import error
from daemon.engines.acestep.models.headers import Tensor
from daemon.engines.acestep.models.headers import read as read_header
from daemon.engines.acestep.models.original import rename

_FILES = ("adapter_model.safetensors", "pytorch_lora_weights.safetensors")
_IN_HEADER = "lora_adapter_metadata"
_CHANGES_THE_MODEL = ("pissa", "olora", "corda", "loftq")
"""Ways to begin training that take the first halves out of the model's own weights."""
_FRAMES = re.compile(r"^(base_model\.model\.|transformer\.|decoder\.|diffusion_model\.)*")
_PART = re.compile(
    r"^(?P<layer>.+?)\.(?P<part>lora_A|lora_B|lora_down|lora_up|lora_magnitude_vector|dora_scale|alpha)"
    r"(\.default)?(\.weight)?$"
)
_ROLE = {
    "lora_A": "down",
    "lora_down": "down",
    "lora_B": "up",
    "lora_up": "up",
    "lora_magnitude_vector": "magnitude",
    "dora_scale": "magnitude",
    "alpha": "alpha",
}


@dataclass(frozen=True, eq=False)
class Change:
    """What a file does to one layer: `down` (r, in), `up` (out, r), `factor` α/r, `magnitude`."""

    down: torch.Tensor
    up: torch.Tensor
    factor: float
    magnitude: torch.Tensor | None

    def of(self, weight: torch.Tensor) -> torch.Tensor:
        """Return what is to be added to `weight`, float32, at scale 1."""
        low, high = (t.to(weight.device, torch.float32) for t in (self.down, self.up))
        delta = self.factor * (high @ low)
        if self.magnitude is None:
            return delta
        whole = weight.float() + delta
        size = self.magnitude.to(weight.device, torch.float32).reshape(-1, 1)
        return whole * (size / whole.norm(dim=1, keepdim=True)) - weight.float()


@dataclass(frozen=True, eq=False)
class Lora:
    """A file's changes by the transformer's layer."""

    file: Path
    changes: Mapping[str, Change]


@dataclass(frozen=True)
class Told:
    """What is told about a file: `alpha` (None: the rank) and that of layers, by pattern.

    With `root` α is divided by √r. A pattern is met by a layer whose name ends with it, as in PEFT.
    """

    alpha: float | None = None
    patterns: tuple[tuple[re.Pattern[str], float], ...] = ()
    root: bool = False

    def factor(self, names: Sequence[str], rank: int) -> float:
        """Return α/r of a layer of this rank that is called one of `names`."""
        alphas = (a for pattern, a in self.patterns if any(map(pattern.fullmatch, names)))
        alpha = next(alphas, self.alpha)
        return 1.0 if alpha is None else alpha / self.divisor(rank)

    def divisor(self, rank: int) -> float:
        """Return what α is divided by."""
        return math.sqrt(rank) if self.root else rank


def read(path: Path) -> Lora:
    """Read a LoRA: a safetensors file, or the folder that PEFT saves. Raises 303."""
    file = file_of(path)
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in read_header(file).items():
        layer, role = _place(file, name)
        found.setdefault(layer, {})[role] = tensor
    try:
        with safe_open(file, framework="pt") as opened:
            told = _told(file, opened.metadata() or {})
            changes = {
                rename(layer): _change(file, layer, rows, opened, told)
                for layer, rows in found.items()
            }
    except (OSError, SafetensorError) as e:
        raise error(303, f"{file} can't be read ({e}): copy it again") from None
    if not changes:
        raise error(303, f"{file} holds no LoRA: name another file")
    return Lora(file, changes)


def file_of(path: Path) -> Path:
    """Return the file of weights at `path`, itself or in that folder. Raises 303."""
    if path.is_dir():
        inside = [path / name for name in _FILES if (path / name).is_file()]
        inside = inside or sorted(path.glob("*.safetensors"))
        if len(inside) != 1:
            raise error(303, f"{path} holds {len(inside)} files of weights: name one of them")
        return inside[0]
    if not path.is_file():
        raise error(303, f"no LoRA at {path}: check the path")
    return path


def _told(file: Path, header: Mapping[str, str]) -> Told:
    """Return what diffusers wrote into the header, else what PEFT wrote beside the file."""
    where, beside = file, file.parent / "adapter_config.json"
    try:
        if _IN_HEADER in header:
            told = json.loads(header[_IN_HEADER])
            told = {key.removeprefix("transformer."): value for key, value in told.items()}
        elif beside.is_file():
            where = beside
            told = dict(json.loads(beside.read_text("utf-8")).items())
        else:
            return Told()
        kind, start = str(told.get("peft_type", "LORA")), told.get("init_lora_weights", True)
        rows = told.get("alpha_pattern") or {}
        patterns = ((re.compile(rf"(.*\.)?({key})"), float(rows[key])) for key in rows)
        alpha = float(told["lora_alpha"]) if "lora_alpha" in told else None
        made = Told(alpha, tuple(patterns), bool(told.get("use_rslora")))
    except (OSError, ValueError, TypeError, AttributeError, re.error) as e:
        raise error(
            303, f"what {where} says of the LoRA can't be read ({e}): copy it again"
        ) from None
    if kind != "LORA":
        raise error(303, f"{file} is a {kind}, not a LoRA: convert it, or train a LoRA")
    if isinstance(start, str) and start.lower().startswith(_CHANGES_THE_MODEL):
        raise error(
            303, f"{file} was trained on weights changed by {start}: save it again with PEFT's "
            "path_initial_model_for_weight_conversion"
        )  # fmt: skip
    return made


def _place(file: Path, name: str) -> tuple[str, str]:
    """Return the layer that a tensor belongs to, as the file calls it, and its part."""
    match = _PART.match(_FRAMES.sub("", name, count=1))
    if not match:
        raise error(303, f"{file} holds {name}, which is no part of a LoRA: name another file")
    return match["layer"], _ROLE[match["part"]]


def _change(file: Path, layer: str, rows: Mapping[str, Tensor], opened: Any, told: Told) -> Change:
    if not {"down", "up"} <= rows.keys():
        raise error(303, f"{file} lacks one of the two halves for {layer}: copy it again")
    held = {role: opened.get_tensor(tensor.name) for role, tensor in rows.items()}
    for part in held.values():
        if not (part.is_floating_point() and bool(part.isfinite().all())):
            raise error(
                303, f"{file}: what it holds for {layer} is not finite numbers: copy it again"
            )
    down, up = held["down"], held["up"]
    alpha, magnitude = held.get("alpha"), held.get("magnitude")
    fits = down.ndim == 2 and up.ndim == 2 and down.shape[0] == up.shape[1] > 0
    fits = fits and (alpha is None or alpha.numel() == 1)
    if not fits or (magnitude is not None and magnitude.numel() != up.shape[0]):
        raise error(303, f"{file}: the parts for {layer} do not fit: copy it again")
    rank = down.shape[0]
    if alpha is not None:
        return Change(down, up, float(alpha) / told.divisor(rank), magnitude)
    return Change(down, up, told.factor((layer, rename(layer)), rank), magnitude)
