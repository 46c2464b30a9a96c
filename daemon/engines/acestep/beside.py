"""Models beside the checkpoints that only some ops need: loaded when they are first needed.

The language model plans and understands; the separator takes a mix apart. Both are optional: what
an op does without them is the op's to say.

Threads: the worker's main thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from daemon.engines.acestep.lm import model as language_models
from daemon.engines.acestep.lm.model import Language
from daemon.engines.acestep.parts import Placement
from daemon.engines.acestep.separate import demucs
from daemon.engines.acestep.separate.demucs import Demucs


@dataclass(eq=False)
class Beside:
    """Folders of language models and separators, and what was loaded from them.

    Of several language models the largest is taken, of several separators the one with the fewest
    stems: the others are asked for by the stems that it lacks. `placement` may be changed after a
    `clear`; where parts take turns, these models stay on the CPU.
    """

    placement: Placement
    language_models: tuple[Path, ...] = ()
    separators: tuple[Path, ...] = ()
    _held: dict[str, Any] = field(default_factory=dict)

    def language(self, codes: int) -> Language | None:
        """Return the language model, loaded; None where there is none. Raises 303.

        `codes` is the size of the checkpoint's code book.
        """
        if not self.language_models:
            return None
        folder = max(self.language_models, key=_weight)
        found: Language = self._made(
            folder, lambda placement: language_models.load(folder, placement, codes)
        )
        return found

    def separator(self, stems: frozenset[str] = frozenset()) -> Demucs | None:
        """Return the separator that has `stems`, else the plainest; None without any.

        None as well where the package is missing. Raises 302, 303.
        """
        if not self.separators or not demucs.available():
            return None
        loaded = [self._made(folder, partial(_separator, folder)) for folder in self.separators]
        plainest = sorted(loaded, key=lambda one: len(one.sources))
        for one in plainest:
            if stems <= set(one.sources):
                return one
        return plainest[0]

    def clear(self) -> None:
        """Let go of all that was loaded."""
        self._held.clear()

    def _made(self, folder: Path, load: Callable[[Placement], Any]) -> Any:
        key = str(folder)
        if key not in self._held:
            here = self.placement
            if here.offload:
                here = replace(here, device=torch.device("cpu"))
            self._held[key] = load(here)
        return self._held[key]


def _separator(folder: Path, placement: Placement) -> Demucs:
    return demucs.load(folder, placement.device)


def _weight(folder: Path) -> int:
    """Bytes of a model's weights."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))
