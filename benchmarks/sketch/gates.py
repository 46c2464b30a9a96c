"""Which module measures which gates, and how they are called."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.performer import Performer
from benchmarks.sketch.table import Figure, none

HEARING = ("hearing", "singing")  # these need no engine, only its ear
PLAYING = ("rendering", "joining", "levels", "wishes", "exactness", "styles", "speed")
NAMES = (*HEARING, *PLAYING)
_QUICK_EVERY = 4


def measured(name: str, clips: Sequence[Clip], player: Performer | None) -> list[Figure]:
    """Return the figures of one module; a failure becomes a row of the table, not its end."""
    module = importlib.import_module(f"benchmarks.sketch.{name}")
    try:
        return module.figures(clips) if name in HEARING else module.figures(clips, player)
    except Exception as reason:  # the other rows are still worth having
        return [none(name, "", f"{type(reason).__name__}: {reason}")]


def thinned(clips: Sequence[Clip]) -> list[Clip]:
    """Return about a quarter of each group, for a first look."""
    kept = []
    for group in dict.fromkeys(c.group for c in clips):
        kept += [c for c in clips if c.group == group][::_QUICK_EVERY]
    return kept
