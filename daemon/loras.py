"""LoRA files by their headers: where the weights lie, and what belongs to which layer.

Names: those of PEFT over the original modules (`base_model.model.layers.0.self_attn.q_proj.lora_A`)
and those of diffusers (`transformer.layers.0.self_attn.to_q.lora_A`).
"""

from __future__ import annotations

import re
from pathlib import Path

from bridge.protocol.errors import error
from daemon.tensors import Tensor, read

_FILES = ("adapter_model.safetensors", "pytorch_lora_weights.safetensors")
_HEADER_BYTES = 8 << 20  # ten times that of any LoRA; the daemon reads it
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


Mark = tuple[int, int]
"""Size in bytes and time of the last change in ns."""


def parts_of(file: Path) -> dict[str, dict[str, Tensor]]:
    """Return the tensors of a LoRA's file by layer, as the file calls it, and by part.

    The parts are `down` and `up`, maybe `magnitude` and `alpha`. Raises 303.
    """
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in read(file, _HEADER_BYTES).items():
        layer, role = _place(file, name)
        found.setdefault(layer, {})[role] = tensor
    for layer, rows in found.items():
        if not {"down", "up"} <= rows.keys():
            raise error(303, f"{file} lacks one of the two halves for {layer}: copy it again")
    if not found:
        raise error(303, f"{file} holds no LoRA: name another file")
    return found


def mark_of(path: Path) -> Mark:
    """Return what tells the file at `path`, as it is now, from others. Raises 303."""
    try:
        facts = file_of(path).stat()
    except OSError as e:
        raise error(303, f"{path} can't be read ({e.strerror}): check its rights") from None
    return facts.st_size, facts.st_mtime_ns


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


def _place(file: Path, name: str) -> tuple[str, str]:
    """Return the layer that a tensor belongs to, as the file calls it, and its part."""
    match = _PART.match(_FRAMES.sub("", name, count=1))
    if not match:
        raise error(303, f"{file} holds {name}, which is no part of a LoRA: name another file")
    return match["layer"], _ROLE[match["part"]]
