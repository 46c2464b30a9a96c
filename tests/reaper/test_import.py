"""Import finished jobs: what could not be delivered when it was done."""

from __future__ import annotations

import json

import numpy as np
from steps import note


def test_what_was_locked_is_brought_in_later(desk):
    item = desk.item(desk.audio())
    go = desk.folder / "go"
    item.notes = f"prompt: hold {go}"
    desk.select(0.5, 1.0)
    desk.press("Repaint time selection")
    desk.until(lambda: ("punchin", "jobs") in desk.project.ext)
    item.values["C_LOCK"] = 1.0
    go.touch()
    desk.until(lambda: desk.world.boxes)
    assert "unlock it and use Import finished jobs" in desk.world.boxes.pop()[1]
    assert "is locked" in desk.told("Import finished jobs"), "as long as it is"
    desk.world.boxes.clear()
    item.values["C_LOCK"] = 0.0
    desk.delivered("Import finished jobs")
    assert item.takes[1].name.startswith("repaint ")
    assert "1 job was brought in" in note(desk)
    assert "nothing to bring in" in desk.told("Import finished jobs")


def test_a_job_that_ended_while_reaper_was_closed_is_brought_in(desk, reaper_house):
    item = desk.item(desk.audio())
    desk.select(0.5, 1.0)
    desk.press("Repaint time selection")
    desk.until(lambda: ("punchin", "jobs") in desk.project.ext)
    (job,) = json.loads(desk.project.ext["punchin", "jobs"])
    desk.world.states.clear()
    with reaper_house.udp() as client:
        client.send("/punchin/job", job)
    desk.until(lambda: (reaper_house.folder(job) / "job.json").exists())
    desk.until(lambda: reaper_house.job(job)["state"] == "done")
    desk.delivered("Import finished jobs")
    assert len(item.takes) == 2
    desk.world.tick(30)
    assert len(item.takes) == 2, "once"


def test_where_the_files_are_is_told_when_the_item_is_gone(desk):
    item = desk.item(desk.audio())
    go = desk.folder / "go"
    item.notes = f"prompt: hold {go}"
    desk.select(0.5, 1.0)
    desk.press("Repaint time selection")
    desk.until(lambda: "%" in desk.world.ext.get(("punchin", "progress"), ""))
    desk.project.tracks[0].items.clear()
    go.touch()
    desk.until(lambda: desk.world.boxes)
    assert "its item is gone" in desk.world.boxes[0][1]
    assert np.all([p.exists() for p in desk.folder.rglob("*mix*")])
