"""LoRA: several at once, taken on and off while the model stays loaded.

A file of pairs A `(r, in)` and B `(out, r)` changes a weight W `(out, in)` by s·α/r·B·A: s is the
scale asked for, α and r are the file's own (α = r where it says nothing; with `use_rslora` the
divisor is √r). DoRA files also hold a magnitude m `(out,)`: W becomes m·V/‖V‖ by rows, with
V = W + α/r·B·A; s scales that change. Changes add up in float32 and are written into the weights in
place, so nothing is slower with a LoRA than without. The weights as loaded are kept on the CPU and
put back bit for bit.

Names: those of PEFT over the original modules (`base_model.model.layers.0.self_attn.q_proj.lora_A`)
and those of diffusers (`transformer.layers.0.self_attn.to_q.lora_A`).

Threads: the worker's main thread.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from bridge.protocol.errors import error
from daemon.engines.acestep.models.headers import Tensor
from daemon.engines.acestep.models.headers import read as read_header
from daemon.engines.acestep.models.original import rename
from daemon.engines.acestep.parts import Checkpoint

_FILES = ("adapter_model.safetensors", "pytorch_lora_weights.safetensors")
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


def read(path: Path) -> Lora:
    """Read a LoRA: a safetensors file, or the folder that PEFT saves. Raises 303."""
    file = _file(path)
    told = _told(file)
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in read_header(file).items():
        layer, role = _place(file, name)
        found.setdefault(layer, {})[role] = tensor
    try:
        with safe_open(file, framework="pt") as opened:
            changes = {layer: _change(file, layer, rows, opened, told)
                       for layer, rows in found.items()}  # fmt: skip
    except (OSError, SafetensorError) as e:
        raise error(303, f"{file} can't be read ({e}): copy it again") from None
    if not changes:
        raise error(303, f"{file} holds no LoRA: name another file")
    return Lora(file, changes)


def _file(path: Path) -> Path:
    if path.is_dir():
        inside = [path / name for name in _FILES if (path / name).is_file()]
        inside = inside or sorted(path.glob("*.safetensors"))
        if len(inside) != 1:
            raise error(303, f"{path} holds {len(inside)} files of weights: name one of them")
        return inside[0]
    if not path.is_file():
        raise error(303, f"no LoRA at {path}: check the path")
    return path


def _told(file: Path) -> dict[str, Any]:
    """Return what PEFT wrote beside the weights, empty where there is nothing."""
    beside = file.parent / "adapter_config.json"
    if not beside.is_file():
        return {}
    try:
        told = json.loads(beside.read_text("utf-8"))
    except (OSError, ValueError) as e:
        raise error(303, f"{beside} can't be read ({e}): copy it again") from None
    kind = str(told.get("peft_type", "LORA"))
    if kind != "LORA":
        raise error(303, f"{file} is a {kind}, not a LoRA: convert it, or train a LoRA")
    return dict(told)


def _place(file: Path, name: str) -> tuple[str, str]:
    """Return the transformer's layer that a tensor belongs to, and its part in the change."""
    match = _PART.match(_FRAMES.sub("", name, count=1))
    if not match:
        raise error(303, f"{file} holds {name}, which is no part of a LoRA: name another file")
    return rename(match["layer"]), _ROLE[match["part"]]


def _change(
    file: Path, layer: str, rows: Mapping[str, Tensor], opened: Any, told: Mapping[str, Any]
) -> Change:
    if not {"down", "up"} <= rows.keys():
        raise error(303, f"{file} lacks one of the two halves for {layer}: copy it again")
    held = {role: opened.get_tensor(tensor.name) for role, tensor in rows.items()}
    down, up = held["down"], held["up"]
    if down.ndim != 2 or up.ndim != 2 or down.shape[0] != up.shape[1]:
        raise error(303, f"{file}: the halves for {layer} do not fit: copy it again")
    rank = down.shape[0]
    alpha = float(held["alpha"]) if "alpha" in held else float(told.get("lora_alpha", rank))
    divisor = math.sqrt(rank) if told.get("use_rslora") else rank
    return Change(down, up, alpha / divisor, held.get("magnitude"))


# -- taking them on and off ------------------------------------------------------------------------


class Loras:
    """The LoRAs in use, and the weights as they were without them.

    `changed` is called after weights changed: what was computed with the old ones is stale.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.changed = changed
        self._used: tuple[tuple[Lora, float], ...] = ()
        self._held: dict[Path, tuple[tuple[int, int], Lora]] = {}
        self._originals: dict[str, dict[str, torch.Tensor]] = {}

    def use(self, wanted: Mapping[Path, float], checkpoints: Sequence[Checkpoint]) -> bool:
        """Have exactly `wanted` in use: scales by path. Return whether anything changed.

        Raises 303 for a file that is wrong, or that fits no layer of `checkpoints`; then nothing
        has changed.
        """
        used = tuple((self._lora(path), scale) for path, scale in wanted.items() if scale)
        if used == self._used:
            return False
        for lora, _ in used:
            if all(_misfit(lora, checkpoint) for checkpoint in checkpoints):
                why = _misfit(lora, checkpoints[-1]) if checkpoints else "no model is loaded"
                raise error(303, f"{lora.file} does not fit the model ({why}): name another one")
        self._used = used
        self._held = {path: held for path, held in self._held.items() if path in wanted}
        for checkpoint in checkpoints:
            self._write(checkpoint)
        self.changed()
        return True

    def arrive(self, checkpoint: Checkpoint) -> None:
        """Change a checkpoint that was just loaded."""
        self.leave(checkpoint.name)
        self._write(checkpoint)

    def leave(self, name: str) -> None:
        """Forget what was kept of a checkpoint that is let go."""
        self._originals.pop(name, None)

    def unfit(self, checkpoint: Checkpoint) -> tuple[Path, ...]:
        """Return the files in use that `checkpoint` runs without, made as they are for another."""
        return tuple(lora.file for lora, _ in self._used if _misfit(lora, checkpoint))

    def must_fit(self, checkpoint: Checkpoint) -> None:
        """Raise 303 if a file in use was made for another model than `checkpoint`."""
        for file in self.unfit(checkpoint):
            what = f"{file} was made for another model than {checkpoint.name}"
            raise error(303, f"{what}: take it off (punchin lora {file} 0)")

    def _lora(self, path: Path) -> Lora:
        """Return what the file at `path` holds, read anew when the file is another."""
        facts = _file(path).stat()
        mark = (facts.st_mtime_ns, facts.st_size)
        held = self._held.get(path)
        if held is None or held[0] != mark:
            held = self._held[path] = (mark, read(path))
        return held[1]

    @torch.no_grad()
    def _write(self, checkpoint: Checkpoint) -> None:
        fitting = [(lora, scale) for lora, scale in self._used if not _misfit(lora, checkpoint)]
        originals = self._originals.setdefault(checkpoint.name, {})
        for layer in originals.keys() | {name for lora, _ in fitting for name in lora.changes}:
            weight = checkpoint.transformer.get_submodule(layer).weight
            if layer not in originals:
                originals[layer] = weight.detach().to("cpu", copy=True)
            changes = [(lora.changes[layer], s) for lora, s in fitting if layer in lora.changes]
            if changes:
                base = originals[layer].to(weight.device, torch.float32)
                weight.copy_(base + sum(scale * change.of(base) for change, scale in changes))
            else:
                weight.copy_(originals.pop(layer))


def _misfit(lora: Lora, checkpoint: Checkpoint) -> str:
    """Return why a LoRA does not fit a checkpoint, empty where it does."""
    layers = dict(checkpoint.transformer.named_modules())
    for name, change in lora.changes.items():
        layer = layers.get(name)
        if not isinstance(layer, torch.nn.Linear):
            return f"it has no layer {name}"
        shape = (change.up.shape[0], change.down.shape[1])
        if tuple(layer.weight.shape) != shape:
            return f"{name} is {list(layer.weight.shape)}, the LoRA's {list(shape)}"
    return ""
