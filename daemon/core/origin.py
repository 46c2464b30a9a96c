"""What a result was made to, where a variation of it needs that again. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.audio.types import SourceInfo


@dataclass(frozen=True)
class Origin:
    """Frames `clip` of `source`. `sounds`: they sound in the result, under what was made to them.

    `dataclasses.asdict` gives what `from_dict` reads.
    """

    source: SourceInfo
    clip: tuple[int, int]
    sounds: bool

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Origin:
        """Read it back, also after a journey through JSON."""
        return cls(SourceInfo(**data["source"]), (data["clip"][0], data["clip"][1]), data["sounds"])
