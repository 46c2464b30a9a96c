"""What a deck does, as others are told."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.player.program import Program

SILENT, PLAYING, WAITING, CUED = "stopped", "playing", "waiting", "cued"


@dataclass(frozen=True)
class Shown:
    """What a deck did at the end of its last block.

    `position` is the frame of `program` that comes next, `heard_s` when that is heard (None while
    nobody knows), `beat` the song's beat on which it is heard; None where the programme was not
    `launched` on the song's `beat` or `bar`. `frames`: the block's length.
    """

    mode: str = SILENT
    program: Program | None = None
    position: int = 0
    launched: str = "now"
    beat: float | None = None
    heard_s: float | None = None
    frames: int = 0
