"""Projects that are closed, switched, copied, saved and opened again while jobs run."""

from __future__ import annotations

import json

import moves
import pytest
from fake_model import Project

LISTENER = "punchin_Background listener.lua"


def ready(desk, **values):
    item = desk.item(desk.audio(seconds=4), length=4.0, **values)
    desk.select(1.0, 2.0)
    return item


def takes(project):
    return [len(item.takes) for item in project.items()]


def open_tab(world, project=None):
    world.projects.append(project or Project())
    world.current = len(world.projects) - 1
    return world.project


def test_another_tab_in_front(desk):
    ready(desk)
    first = desk.project
    desk.sent("Repaint time selection")
    second = open_tab(desk.world)
    desk.world.frozen.clear()
    desk.until(lambda: takes(first) == [2])
    assert len(first.undo) == 1
    assert (second.items(), second.undo) == ([], [])


def test_stems_go_to_the_tab_they_were_asked_from(desk):
    ready(desk)
    first = desk.project
    desk.sent("Separate stems")
    second = open_tab(desk.world)
    desk.world.frozen.clear()
    desk.until(lambda: len(first.tracks) > 1)
    assert second.tracks == []


def test_an_old_reaper_adds_tracks_to_the_project_in_front_only(desk):
    desk.world.missing |= {"InsertTrackInProject"}
    ready(desk)
    first = desk.project
    desk.sent("Separate stems")
    second = open_tab(desk.world)
    desk.world.frozen.clear()
    desk.until(lambda: desk.world.boxes)
    assert "go to its tab and use Import finished jobs" in desk.world.boxes[0][1]
    assert (len(first.tracks), second.tracks) == (1, [])
    desk.world.current = 0
    desk.press("Import finished jobs")
    desk.until(lambda: len(first.tracks) > 1)


def test_a_closed_project_gets_its_take_when_it_is_opened_again(desk):
    ready(desk)
    desk.save()
    desk.sent("Repaint time selection")
    saved = desk.project.snapshot()
    desk.world.close_project()
    desk.world.frozen.clear()
    desk.world.tick(60)
    assert (desk.world.boxes, desk.project.items()) == ([], [])
    project = open_tab(desk.world, saved)
    desk.until(lambda: takes(project) == [2])
    desk.world.tick(60)
    assert takes(project) == [2]


def test_a_project_that_is_closed_while_its_clip_is_exported(desk):
    ready(desk, D_PLAYRATE=1.5).values["D_LENGTH"] = 2.5
    desk.press("Repaint time selection")
    desk.world.close_project()
    desk.until(lambda: desk.world.boxes)
    assert "project was closed" in desk.world.boxes[0][1]
    assert not list(desk.folder.rglob("export-*.wav"))


def test_an_item_that_is_deleted_while_it_is_exported(desk):
    item = ready(desk, D_PLAYRATE=1.5)
    item.values["D_LENGTH"] = 2.5
    desk.press("Repaint time selection")
    moves.delete(desk.project, item)
    desk.until(lambda: desk.world.boxes)
    assert "the item is gone" in desk.world.boxes[0][1]
    assert not list(desk.folder.rglob("export-*.wav"))


def test_reaper_was_closed_while_the_job_ended(desk):
    ready(desk)
    desk.save()
    desk.sent("Repaint time selection")
    desk.restart()
    desk.press("Background listener")
    desk.until(lambda: takes(desk.project) == [2])
    desk.restart()
    desk.press("Background listener")
    desk.world.tick(60)
    assert takes(desk.project) == [2]
    assert len(desk.project.undo) == 0


def test_reaper_crashed_before_the_project_was_saved(desk):
    """The project file knows nothing of the take, so it comes again; and only once."""
    ready(desk)
    desk.save()
    desk.sent("Repaint time selection")
    saved = desk.project.snapshot()
    desk.arrive()
    desk.world.projects = [saved]
    desk.restart()
    desk.press("Background listener")
    desk.until(lambda: takes(desk.project) == [2])
    desk.world.tick(60)
    assert takes(desk.project) == [2]


def test_an_undo_that_brings_back_old_memory_brings_no_take_twice(desk):
    """Whether REAPER's undo also covers what scripts keep in a project: it must not matter."""
    ready(desk)
    desk.sent("Repaint time selection")
    before = dict(desk.project.ext)
    desk.arrive()
    desk.world.undo()
    desk.project.ext = before
    desk.world.tick(90)
    assert takes(desk.project) == [1]


def test_sixty_jobs_that_ended_while_reaper_was_closed(desk, reaper_house):
    """The daemon lists its last 50; the project knows of all."""
    item = ready(desk)
    desk.save()
    desk.sent("Repaint time selection")
    with reaper_house.tcp() as client:
        for number in range(55):
            client.send(
                "/punchin/generate", f"other-{desk.world.lua_name}-{number}", "seconds", 0.1
            )
        desk.until(lambda: not listed(desk, "r-"), "still listed")
    desk.restart()
    item = desk.project.items()[0]
    desk.press("Background listener")
    desk.until(lambda: len(item.takes) == 2)


def listed(desk, prefix):
    rows = json.loads((desk.home / "recent.json").read_text())
    return any(row["id"].startswith(prefix) and desk.noted().get(row["id"]) for row in rows)


# -- copies ----------------------------------------------------------------------------------------


def copy_of(project, path):
    made = project.snapshot()
    made.path = path
    return made


def test_a_copy_in_another_tab_is_left_alone(desk):
    """Saved under another name before the job: the same items, but not the project that asked."""
    ready(desk)
    desk.save("song.rpp")
    desk.delivered("Repaint time selection")
    first = desk.project
    second = open_tab(desk.world, copy_of(first, str(desk.folder / "song 2.rpp")))
    desk.world.current = 0
    desk.sent("Repaint time selection")
    desk.world.current = 1
    desk.world.frozen.clear()
    desk.until(lambda: takes(first) == [3])
    desk.world.tick(60)
    assert takes(second) == [2]


def test_a_copy_has_jobs_of_its_own(desk):
    ready(desk)
    desk.save("song.rpp")
    desk.delivered("Repaint time selection")
    first = desk.project
    second = open_tab(desk.world, copy_of(first, str(desk.folder / "song 2.rpp")))
    desk.delivered("Repaint time selection")
    desk.world.tick(60)
    assert (takes(first), takes(second)) == ([2], [3])
    assert first.ext["punchin", "id"] != second.ext["punchin", "id"]


def test_saved_under_another_name_while_the_job_ran(desk):
    ready(desk)
    desk.save("song.rpp")
    desk.sent("Repaint time selection")
    desk.save("song 2.rpp")
    desk.arrive()
    assert takes(desk.project) == [2]


def test_the_same_file_in_two_tabs(desk):
    ready(desk)
    desk.save("song.rpp")
    desk.delivered("Repaint time selection")
    first = desk.project
    second = open_tab(desk.world, copy_of(first, first.path))
    desk.delivered("Repaint time selection")
    desk.world.tick(60)
    assert (takes(first), takes(second)) == ([2], [3])


# -- the first save --------------------------------------------------------------------------------


def in_media(desk, project):
    return all(
        take.source.path.startswith(project.media)
        for item in project.items()
        for take in item.takes
        if take.ext.get("punchin")
    )


@pytest.mark.parametrize("action", ["Repaint time selection", "Vocal to BGM"])
def test_files_of_an_unsaved_project_are_collected_at_its_first_save(desk, action):
    item = ready(desk)
    desk.delivered(action)
    project = desk.project
    ours = [t for i in project.items() for t in i.takes if t.ext.get("punchin")]
    before = [(t.source.path, desk.heard(t, t.item.start, t.item.end)) for t in ours]
    desk.save()
    project.dirty = False
    desk.until(lambda: in_media(desk, project))
    for take, (path, sound) in zip(ours, before, strict=True):
        assert take.source.path != path
        assert desk.folder.joinpath(path).is_file(), "an undo may want it again"
        assert (desk.heard(take, take.item.start, take.item.end) == sound).all()
    assert project.dirty, "REAPER asks to save again"
    assert len(project.undo) == 1
    assert item.takes[0].source.path.endswith("clip.wav")
    assert not list(desk.folder.rglob("*.draft"))


def test_a_job_that_ends_after_the_first_save_is_collected_too(desk):
    ready(desk)
    desk.sent("Repaint time selection")
    desk.save()
    desk.arrive()
    desk.until(lambda: in_media(desk, desk.project))


def test_an_undo_after_the_first_save_copies_nothing_twice(desk):
    ready(desk)
    desk.delivered("Repaint time selection")
    with moves.edit(desk.project, "Move item"):
        desk.project.items()[0].values["D_POSITION"] = 5.0
    desk.save()
    desk.until(lambda: in_media(desk, desk.project))
    count = len(list(desk.folder.joinpath("projects").rglob("*.wav")))
    desk.world.undo()
    assert not in_media(desk, desk.project)
    desk.until(lambda: in_media(desk, desk.project))
    assert len(list(desk.folder.joinpath("projects").rglob("*.wav"))) == count


def test_a_media_folder_that_is_full_is_told_once(desk):
    ready(desk)
    desk.world.ext["punchin", "takes"] = "2"
    desk.delivered("Repaint time selection")
    old = [t.source.path for t in desk.project.items()[0].takes]
    blocked = desk.folder / "projects" / "Media"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("")
    desk.save()
    desk.until(lambda: desk.world.boxes)
    desk.world.tick(90)
    ((_, text),) = desk.world.boxes
    assert "copy it by hand" in text
    assert [t.source.path for t in desk.project.items()[0].takes] == old
