"""From a selection to a take and back: every action against a real daemon."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_model import Tempo


def test_a_repaint_is_a_new_take_that_fits_to_the_sample(desk):
    item = desk.item(desk.audio(seconds=4), at=1.25, length=3.0, offset=0.5)
    desk.select(2.0, 3.0)
    desk.delivered("Repaint time selection")
    old, new = item.takes
    assert item.active == 1
    assert new.name.startswith("repaint ")
    assert (old.name, old.values["D_STARTOFFS"]) == ("original", 0.5)
    for start, end in ((1.25, 2.0), (3.0, 4.25)):
        assert np.array_equal(desk.heard(old, start, end), desk.heard(new, start, end))
    assert not np.array_equal(desk.heard(old, 2.0, 3.0), desk.heard(new, 2.0, 3.0))


def test_one_step_undoes_it_and_the_files_stay(desk):
    item = desk.item(desk.audio(), length=2.0)
    desk.select(0.5, 1.0)
    desk.delivered("Repaint time selection")
    path = item.takes[1].source.path
    assert desk.world.undo() == "Punchin: Repaint"
    (item,) = desk.project.items()
    assert [take.name for take in item.takes] == ["original"]
    assert desk.folder.joinpath(path).is_file()
    desk.world.tick(30)
    assert len(item.takes) == 1, "what was undone is not brought in again"


@pytest.mark.parametrize(("action", "side"), [("Extend item right", 1), ("Extend item left", -1)])
def test_an_extension_lengthens_the_item_and_nothing_moves(desk, action, side):
    item = desk.item(desk.audio(), at=10.0, length=2.0)
    old = item.takes[0]
    before = desk.heard(old, 10.0, 12.0)
    desk.delivered(action)
    new = item.takes[1]
    bars_s = 4 * 4 * 60 / 120
    assert item.values["D_LENGTH"] == pytest.approx(2.0 + bars_s)
    assert item.start == pytest.approx(10.0 - (bars_s if side < 0 else 0.0))
    assert np.array_equal(desk.heard(old, 10.0, 12.0), before)
    assert np.array_equal(desk.heard(new, 10.0, 12.0), before)
    added = desk.heard(new, 12.0, 13.0) if side > 0 else desk.heard(new, 9.0, 10.0)
    assert np.any(added)


@pytest.mark.parametrize("action", ["Vocal to BGM", "Separate stems", "Layer an instrument"])
def test_stems_come_on_tracks_below(desk, action):
    item = desk.item(desk.audio(), at=3.0, length=1.5, offset=0.25)
    desk.item(None, track=None)
    desk.project.items()[1].values["B_UISEL"] = 0.0
    desk.world.answers.append(["strings"])  # Layer asks which instrument
    desk.delivered(action)
    tracks = desk.project.tracks
    assert tracks[0].items == [item]
    made = [t for t in tracks[1:-1] if t.items]
    assert made
    for track in made:
        (new,) = track.items
        assert new.start == 3.0
        assert new.values["D_LENGTH"] == pytest.approx(1.5, abs=1e-4)
    assert sum(t.values["I_FOLDERDEPTH"] for t in tracks) == 0
    assert len(item.takes) == 1


def test_music_for_the_time_selection(desk):
    desk.select(4.0, 6.0)
    desk.delivered("Generate in time selection")
    items = desk.project.items()
    assert items
    assert {i.start for i in items} == {4.0}
    assert {round(i.values["D_LENGTH"], 4) for i in items} == {2.0}


@pytest.mark.parametrize("action", ["Cover selected item", "Retake selected item"])
def test_a_variation_is_a_take_in_the_same_place(desk, action):
    item = desk.item(desk.audio(), at=5.0, length=1.0, offset=0.5)
    desk.delivered(action)
    new = item.takes[1]
    assert np.any(desk.heard(new, 5.0, 6.0))
    assert item.values["D_LENGTH"] == 1.0


def test_a_result_is_varied_from_its_own_recipe(desk, reaper_house):
    item = desk.item(desk.audio())
    desk.select(0.5, 1.0)
    desk.delivered("Repaint time selection")
    first = json.loads(item.takes[1].ext["punchin"])
    desk.delivered("Retake selected item")
    second = json.loads(item.takes[2].ext["punchin"])
    assert reaper_house.job(second["job"])["request"]["of"] == f"{first['job']}:1"


@pytest.mark.parametrize(
    "bent",
    [{"D_PLAYRATE": 1.5}, {"D_PITCH": 2.0}, {"I_CHANMODE": 2.0}, {"I_CHANMODE": 1.0}],
    ids=lambda values: next(iter(values)),
)
def test_a_take_that_is_not_its_file_is_exported(desk, reaper_house, bent):
    item = desk.item(desk.audio(seconds=4), at=1.0, length=2.0, offset=0.25, **bent)
    desk.select(1.5, 2.0)
    desk.delivered("Repaint time selection")
    old, new = item.takes
    request = reaper_house.job(json.loads(new.ext["punchin"])["job"])["request"]
    assert request["source"] != old.source.path
    assert new.values["D_PLAYRATE"] == 1.0
    before, after = desk.heard(old, 1.0, 1.5), desk.heard(new, 1.0, 1.5)
    assert np.max(np.abs(before - after)) < 1e-6


def test_tempo_metre_and_bar_line_are_told_in_the_source_s_time(desk, reaper_house):
    desk.project.tempi += [Tempo(0.0, 90.0, 3, 4)]
    item = desk.item(desk.audio(seconds=8), at=1.0, length=4.0, offset=0.5)
    desk.select(2.0, 4.0)
    desk.delivered("Repaint time selection")
    request = reaper_house.job(json.loads(item.takes[1].ext["punchin"])["job"])["request"]
    assert (request["bpm"], request["meter"]) == (90.0, "3/4")
    # A bar of 3/4 at 90 lasts 2 s; the one that began at 0 s began 0.5 s before the source.
    assert request["downbeat"] == pytest.approx(-0.5)


def test_a_change_of_tempo_inside_goes_as_a_map(desk, reaper_house):
    desk.project.tempi += [Tempo(2.0, 100.0, 3, 4, True), Tempo(4.0, 140.0)]
    item = desk.item(desk.audio(seconds=8), at=1.0, length=4.0)
    desk.select(2.0, 3.0)
    desk.delivered("Repaint time selection")
    request = reaper_house.job(json.loads(item.takes[1].ext["punchin"])["job"])["request"]
    rows = request["tempomap"]
    rows = json.loads(rows) if isinstance(rows, str) else rows
    assert [row[0] for row in rows] == pytest.approx([-1.0, 1.0, 3.0])
    assert [row[1] for row in rows] == pytest.approx([120.0, 100.0, 140.0])
    assert [row[4] for row in rows] == [0, 1, 0]


def test_words_come_from_the_item_s_notes(desk, reaper_house):
    item = desk.item(desk.audio())
    item.notes = "prompt: darker drums\r\n[verse]\r\nla la"
    desk.select(0.5, 1.0)
    desk.delivered("Repaint time selection")
    request = reaper_house.job(json.loads(item.takes[1].ext["punchin"])["job"])["request"]
    assert (request["prompt"], request["lyrics"]) == ("darker drums", "[verse]\nla la")
