"""Which kind of checkpoint can do which of the model's tasks.

After ACE-Step's own table of models: what was distilled (turbo) or tuned for songs (sft) has lost
the tasks on single tracks, and a distilled model has no velocity to follow backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from bridge.protocol.errors import error
from daemon.engines.acestep.models.folders import Found

Task = Literal["text2music", "repaint", "cover", "extract", "lego", "complete", "flow-edit"]

_SONGS = ("turbo", "sft", "base")
ABLE: dict[Task, tuple[str, ...]] = {
    "text2music": _SONGS,
    "repaint": _SONGS,
    "cover": _SONGS,
    "flow-edit": ("base", "sft"),
    "extract": ("base",),
    "lego": ("base",),
    "complete": ("base",),
}
"""Families for each task, the one to prefer first."""

_DOES = {
    "extract": "take a track out of a mix",
    "lego": "add a track to a mix",
    "complete": "play to a vocal",
    "flow-edit": "change a song and keep the rest",
}


def able(task: Task, found: Sequence[Found]) -> Found | None:
    """Return the checkpoint to do `task` with, the first of the family preferred; None if none."""
    for family in ABLE[task]:
        for one in found:
            if one.family == family:
                return one
    return None


def needed(task: Task, found: Sequence[Found]) -> Found:
    """Return the checkpoint to do `task` with. Raises 301, which names what to fetch."""
    one = able(task, found)
    if one is None:
        have = ", ".join(f.name for f in found) or "the models here"
        raise error(
            301,
            f"{have} can't {_DOES.get(task, task)}: punchin models pull {ABLE[task][0]}",
        )
    return one
