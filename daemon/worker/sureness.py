"""How sure a job is of the bars it works on, and how it says so where they are a guess.

Confidences are 0…1, and 1 for what the client told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from daemon.core.planner import Told
from daemon.engines.base import Heard

GUESS_BELOW = 0.5
"""What is less likely right than wrong is called a guess."""

# Jobs that play to the bars of a clip, or tell of them.
_BY_THE_BAR = frozenset(
    {"analyze", "bgm", "layer", "cover", "retake", "repaint", "extend", "edit"}
)  # fmt: skip


@dataclass(frozen=True)
class Sureness:
    """Whether the tempo was told, and how sure tempo and bar line are."""

    told: bool = True
    tempo: float = 1.0
    downbeat: float = 1.0

    def fields(self) -> dict[str, Any]:
        """Return what a `Request` says of it."""
        return {
            "grid_told": self.told,
            "tempo_confidence": self.tempo,
            "downbeat_confidence": self.downbeat,
        }

    def notes(self, op: str) -> list[str]:
        """Say what is a guess, where `op` goes by it."""
        said = []
        if op in _BY_THE_BAR and self.tempo < GUESS_BELOW:
            said.append("The tempo is a guess: send bpm to tell it.")
        if op in _BY_THE_BAR and self.downbeat < GUESS_BELOW:
            said.append("Where the bars begin is a guess: send downbeat to tell it.")
        return said


def of_heard(heard: Heard, told: Told) -> Sureness:
    """Return how sure the grid is that was `heard` where not all was told."""
    tempo = heard.confidence if heard.tempo_confidence is None else heard.tempo_confidence
    downbeat = heard.confidence if heard.downbeat_confidence is None else heard.downbeat_confidence
    return Sureness(
        told.tempo,
        1.0 if told.tempo else tempo,
        1.0 if told.downbeat is not None else downbeat,
    )
