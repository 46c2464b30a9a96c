"""The files of safetensors that a model's part lies in: one, or shards by an index."""

from __future__ import annotations

import json
from pathlib import Path

from bridge.protocol.errors import error


def shards(folder: Path, stem: str) -> tuple[Path, ...]:
    """Return the files of `stem`.safetensors in `folder`: one, or those its index names.

    Raises 303 when a shard is missing, or when there are only pickled weights, which can run code.
    """
    single, index = folder / f"{stem}.safetensors", folder / f"{stem}.safetensors.index.json"
    if single.is_file():
        return (single,)
    if not index.is_file():
        pickled = [p.name for pattern in ("*.bin", "*.ckpt", "*.pth") for p in folder.glob(pattern)]
        but = f", only {pickled[0]}, which is not read because it can run code" if pickled else ""
        raise error(303, f"{single} is missing{but}: fetch the model again")
    named = _named(index)
    for file in named:
        if not file.is_file():
            raise error(303, f"{file} is missing, which {index.name} names: fetch the model again")
    return named


def _named(index: Path) -> tuple[Path, ...]:
    try:
        names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
        if not names or any(Path(name).name != name for name in names):
            raise ValueError("it names no files beside it")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise error(303, f"{index} can't be read ({e}): fetch it again") from None
    return tuple(index.parent / name for name in names)
