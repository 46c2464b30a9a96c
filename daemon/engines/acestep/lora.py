"""LoRAs in use: several at once, taken on and off while the model stays loaded.

Changes add up in float32 and are written into the weights in place, so nothing is slower with a
LoRA than without. The weights as loaded are kept on the CPU and put back bit for bit. What a file
says is read by `lora_file`.

Threads: the worker's main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from bridge.protocol.errors import error
from daemon.engines.acestep.lora_file import Lora, read
from daemon.engines.acestep.parts import Checkpoint
from daemon.engines.acestep.recipe import Noted
from daemon.loras import Mark, mark_of


class Loras:
    """The LoRAs in use, and the weights as they were without them.

    `changed` is called after weights changed: what was computed with the old ones is stale.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.changed = changed
        self._used: tuple[tuple[Lora, float], ...] = ()
        self._held: dict[Path, tuple[Mark, Lora]] = {}
        self._scales: dict[Path, float] = {}
        self._originals: dict[str, dict[str, torch.Tensor]] = {}

    def use(self, wanted: Mapping[Path, float], checkpoints: Sequence[Checkpoint]) -> bool:
        """Have exactly `wanted` in use: scales by path. Return whether anything changed.

        Raises 303 for a file that is wrong, or that fits no layer of `checkpoints`; then nothing
        has changed.
        """
        scales = {path: scale for path, scale in wanted.items() if scale}
        used = tuple((self._lora(path), scale) for path, scale in scales.items())
        if used == self._used:
            return False
        for lora, _ in used:
            if all(_misfit(lora, checkpoint) for checkpoint in checkpoints):
                why = _misfit(lora, checkpoints[-1]) if checkpoints else "no model is loaded"
                raise error(303, f"{lora.file} does not fit the model ({why}): name another one")
        self._used, self._scales = used, scales
        self._held = {path: held for path, held in self._held.items() if path in wanted}
        for checkpoint in checkpoints:
            self._write(checkpoint)
        self.changed()
        return True

    def noted(self) -> tuple[Noted, ...]:
        """Return what is in use, as a recipe notes it."""
        return tuple(
            Noted(str(path), scale, *self._held[path][0]) for path, scale in self._scales.items()
        )

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
        mark = mark_of(path)
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
