"""What a result was made to, where a variation of it needs that again. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.audio.types import SourceInfo


@dataclass(frozen=True)
class Origin:
    """Frames `clip` of `source`. `sounds`: they sound in the result, under what was made to them.

    `op` made the result; `around` are the frames that it may have heard beside the clip, or None.

    `dataclasses.asdict` gives what `from_dict` reads.
    """

    source: SourceInfo
    clip: tuple[int, int]
    sounds: bool
    op: str = ""
    around: tuple[int, int] | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Origin:
        """Read it back, also after a journey through JSON."""
        clip, around = tuple(data["clip"]), data.get("around")
        source = SourceInfo(**data["source"])
        op = data.get("op", "")
        return cls(source, clip, data["sounds"], op, tuple(around) if around else None)
