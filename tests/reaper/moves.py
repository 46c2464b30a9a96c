"""What a musician does to items while a job runs, as undo steps of the fake project."""

from __future__ import annotations

import copy
from contextlib import contextmanager

import numpy as np
from fake_model import Item, Project, Take, Track, free_item
from fake_sound import played, source_seconds


@contextmanager
def edit(project: Project, name: str):
    """Everything inside is one undo step."""
    before = project.snapshot()
    yield
    project.undo.append((name, before))
    project.changes += 1


def clone(item: Item) -> Item:
    """A copy with GUIDs of its own, as splitting and pasting make them."""
    made = Item(track=item.track, active=item.active, notes=item.notes)
    made.values, made.ext = dict(item.values), dict(item.ext)
    for take in item.takes:
        new = Take(item=made, source=copy.copy(take.source), name=take.name)
        new.values, new.ext, new.stretch = dict(take.values), dict(take.ext), list(take.stretch)
        made.takes.append(new)
    return made


def trim_left(project: Project, item: Item, by: float) -> None:
    with edit(project, "Trim left"):
        cut_left(item, by)


def cut_left(item: Item, by: float) -> None:
    item.values["D_POSITION"] += by
    item.values["D_LENGTH"] -= by
    for take in item.takes:
        take.values["D_STARTOFFS"] += by * take.values["D_PLAYRATE"]


def split(project: Project, item: Item, at: float) -> Item:
    """Split at item time `at` (s); the left part keeps its GUIDs. Returns the right one."""
    with edit(project, "Split"):
        right = clone(item)
        item.track.items.append(right)
        item.values["D_LENGTH"] = at
        cut_left(right, at)
    return right


def delete(project: Project, item: Item) -> None:
    with edit(project, "Delete item"):
        item.track.items.remove(item)
        free_item(item)


def cut_and_paste(project: Project, item: Item, at: float) -> Item:
    with edit(project, "Paste"):
        made = clone(item)
        made.values["D_POSITION"] = at
        item.track.items[item.track.items.index(item)] = made
        free_item(item)
    return made


def to_new_track(project: Project, item: Item) -> Track:
    with edit(project, "Move item"):
        track = Track(name="Elsewhere")
        project.tracks.insert(0, track)
        item.track.items.remove(item)
        item.track = track
        track.items.append(item)
    return track


def difference(old: Take, new: Take, region: tuple[float, float], rate: int = 44100):
    """Return the largest difference of two takes of an item outside and inside the region.

    The region is in seconds of the old take's source.
    """
    item = old.item
    at = np.arange(round(item.values["D_LENGTH"] * rate)) / rate
    where = source_seconds(old, at)
    inside = (where > region[0] - 1e-6) & (where < region[1] - 1e-6)
    gap = np.max(np.abs(played(old, at, 8) - played(new, at, 8)), axis=1)
    return max(gap[~inside], default=0.0), max(gap[inside], default=0.0)
