"""What several tests of actions share."""

from __future__ import annotations

import json

from fake_model import Source, Take


def recipe(take):
    """What a take remembers of how it was made."""
    return json.loads(take.ext["punchin"])


def note(desk):
    """The last line of the console."""
    return desk.world.console[-1] if desk.world.console else ""


def waits(desk):
    """An item with a repaint that runs until it is cancelled."""
    item = desk.item(desk.audio())
    item.notes = "prompt: wait 60"
    desk.select(0.5, 1.0)
    desk.press("Repaint time selection")
    desk.until(lambda: "%" in desk.world.ext.get(("punchin", "progress"), ""), "no job runs")
    return item


def two_takes(desk):
    """An item with two takes of the same file, the first of them active."""
    item = desk.item(desk.audio(), at=3.0)
    second = Take(item=item, source=Source(path=item.takes[0].source.path), name="second")
    item.takes.append(second)
    return item
