"""The key `lora`: files that change a model, each with how much: `/a.safetensors=0.8 | /b=1`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sized
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from bridge.protocol.errors import error
from bridge.protocol.shapes import string

SCALE_MOST = 4.0
MOST = 8
NONE = "none"
_BETWEEN = " | "
_NUMBER = re.compile(r"[-+]?[0-9]*\.?[0-9]+(e[-+]?[0-9]+)?", re.IGNORECASE)


def parse(row: str) -> dict[str, float]:
    """Return the scale of each path of a row that `lora_row` gave, in its order."""
    if row == NONE:
        return {}
    pairs = (item.rpartition("=") for item in row.split(_BETWEEN))
    return {path: float(scale) for path, _, scale in pairs}


def join(loras: Mapping[str, float]) -> str:
    """Return the row of `loras`, scales by path."""
    if not loras:
        return NONE
    return _BETWEEN.join(f"{path}={scale:g}" for path, scale in loras.items())


def lora_row(value: Any) -> str:
    """Return the row in one form: a path without a scale has 1, the last word on a path counts.

    Raises 101.
    """
    row = string(value).strip()
    if row == NONE:
        return NONE
    return join(dict(_pair(item.strip()) for item in row.split("|")))


def lora_path(value: Any) -> str:
    """Return the path of one LoRA. Raises 101."""
    path = string(value).strip()
    if "|" in path or not _absolute(path):
        what = f"{path[:80] or 'nothing'} is not the whole path of a LoRA"
        raise error(101, f"{what}: send one that begins at the root and has no |")
    return path


def _pair(item: str) -> tuple[str, float]:
    path, _, scale = item.rpartition("=")
    number = _NUMBER.fullmatch(scale.strip())
    return lora_path(path if number else item), float(scale) if number else 1.0


def _absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


def within_most(loras: Sized) -> None:
    """Raise 103 for more LoRAs than can be in use at once."""
    if len(loras) > MOST:
        raise error(103, f"{len(loras)} LoRAs at once are too many: use at most {MOST}")


def lora_row_limit(row: str) -> None:
    """Raise 103 for too many LoRAs or a scale out of range."""
    loras = parse(row)
    within_most(loras)
    for path, scale in loras.items():
        if not 0 <= scale <= SCALE_MOST:
            what = f"the scale {scale:g} of {path[-60:]} is out of range"
            raise error(103, f"{what}: use 0-{SCALE_MOST:g}")
