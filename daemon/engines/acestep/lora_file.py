"""A LoRA as a file: what it changes, layer by layer.

A file of pairs A `(r, in)` and B `(out, r)` changes a weight W `(out, in)` by s·α/r·B·A: s is the
scale asked for, α and r are the file's own (α = r where it says nothing; with `use_rslora` the
divisor is √r). DoRA files also hold a magnitude m `(out,)`: W becomes m·V/‖V‖ by rows, with
V = W + α/r·B·A; s scales that change.

α is told by the tensor
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
from daemon.engines.acestep.models.original import rename
from daemon.loras import file_of, parts_of
from daemon.tensors import Tensor

_IN_HEADER = "lora_adapter_metadata"
_CHANGES_THE_MODEL = ("pissa", "olora", "corda", "loftq")
"""Ways to begin training that take the first halves out of the model's own weights."""


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
    found = parts_of(file)
    try:
        with safe_open(file, framework="pt") as opened:
            told = _told(file, opened.metadata() or {})
            changes = {
                rename(layer): _change(file, layer, rows, opened, told)
                for layer, rows in found.items()
            }
    except (OSError, SafetensorError) as e:
        raise error(303, f"{file} can't be read ({e}): copy it again") from None
    return Lora(file, changes)


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


def _change(file: Path, layer: str, rows: Mapping[str, Tensor], opened: Any, told: Told) -> Change:
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
