"""Tempo, metre, bar lines and tempo maps, told in seconds of the source."""

from __future__ import annotations

import json

import pytest
from fake_model import Tempo

from daemon.audio.grid import Grid


def grid_of(desk, start, end, shift=0.0):
    """The keys for a stretch of the project; the source begins at project time `shift`."""
    keys = desk.lua(
        f"return require('grid').of(0, {start}, {end}, function(s) return s - {shift} end)"
    )
    if "tempomap" in keys:
        keys["tempomap"] = json.loads(keys["tempomap"])
    return keys


def test_one_tempo(lone_desk):
    lone_desk.project.bpm, lone_desk.project.metre = 90.0, (3, 4)
    assert grid_of(lone_desk, 5.0, 7.0, 4.5) == {"bpm": 90.0, "meter": "3/4", "downbeat": -0.5}


def test_a_project_that_begins_at_a_tempo_marker(lone_desk):
    lone_desk.project.tempi = [Tempo(0.0, 100.0, 4, 4)]
    keys = grid_of(lone_desk, 1.0, 2.0)
    assert keys == {"bpm": 100.0, "meter": "4/4", "downbeat": 0.0}


def test_bpm_is_quarters_in_eighths_too(lone_desk):
    lone_desk.project.bpm, lone_desk.project.metre = 120.0, (6, 8)
    # A bar of 6/8 is three quarters: 1.5 s.
    assert grid_of(lone_desk, 2.0, 3.0) == {"bpm": 120.0, "meter": "6/8", "downbeat": 1.5}


def test_a_marker_where_the_clip_begins_is_no_change(lone_desk):
    """2.1 s comes back from REAPER a rounding error early: its tempo counts all the same."""
    for at in (2.1, 7 / 3, 0.1 + 0.2, 11.7):
        lone_desk.project.tempi = [Tempo(at, 137.3, 4, 4)]
        keys = grid_of(lone_desk, at, at + 1.0, at)
        assert keys["bpm"] == pytest.approx(137.3)
        assert keys["downbeat"] == pytest.approx(0.0, abs=1e-9)


def test_a_change_beside_the_stretch_is_none(lone_desk):
    lone_desk.project.tempi = [Tempo(0.0, 100.0, 4, 4), Tempo(12.0, 60.0)]
    assert grid_of(lone_desk, 4.8, 12.0)["bpm"] == 100.0


def test_a_change_of_metre(lone_desk):
    lone_desk.project.bpm = 120.0
    lone_desk.project.tempi = [Tempo(4.0, 120.0, 3, 4), Tempo(7.0, 120.0, 7, 8)]
    keys = grid_of(lone_desk, 2.5, 9.0, 2.0)
    rows = [[0.0, 120, 4, 4, 0], [2.0, 120, 3, 4, 0], [5.0, 120, 7, 8, 0]]
    assert keys == {"tempomap": rows, "downbeat": 0.0}


def test_a_ramp_inside_goes_on_to_its_end(lone_desk):
    lone_desk.project.tempi = [Tempo(2.0, 100.0, 4, 4, True), Tempo(10.0, 180.0)]
    keys = grid_of(lone_desk, 4.0, 6.0, 4.0)
    first, last = keys["tempomap"]
    # The bar that the clip lies in began on the way from 100 to 180.
    bar_s = first[0] + 4.0
    assert first[1] == pytest.approx(100 + 80 * (bar_s - 2.0) / 8.0, rel=1e-5)
    assert first[2:] == [4, 4, 1]
    assert last == [pytest.approx(6.0), 180, 4, 4, 0]


@pytest.mark.parametrize("start", [0.3, 2.0, 3.7, 6.2])
def test_the_daemon_finds_reaper_s_bar_lines_in_the_map(lone_desk, start):
    """What is sent means the same to the daemon: its bar lines are those of the project."""
    lone_desk.project.bpm = 96.0
    lone_desk.project.tempi = [
        Tempo(2.5, 110.0, 3, 4, True),
        Tempo(6.0, 150.0),
        Tempo(7.0 + 23 / 30, 80.0, 7, 8),  # 12 quarters after the first one: a bar line
    ]
    end = start + 5.0
    keys = grid_of(lone_desk, start, end, start)
    grid = Grid.from_rows(keys["tempomap"], keys["downbeat"])
    first, count = lone_desk.lua(
        f"local _, a = reaper.TimeMap2_timeToBeats(0, {start})\n"
        f"local _, b = reaper.TimeMap2_timeToBeats(0, {end})\n"
        "return {a, b - a + 1}"
    )
    mine = [
        lone_desk.lua(f"return reaper.TimeMap2_beatsToTime(0, 0, {first + n})") - start
        for n in range(count)
    ]
    theirs = grid.bar_lines(mine[0] - 1e-6, end - start)
    assert theirs == pytest.approx(mine, abs=1e-4)


def test_an_item_that_plays_faster_has_the_project_s_grid(desk, reaper_house):
    desk.project.tempi = [Tempo(0.0, 90.0, 4, 4)]
    item = desk.item(desk.audio(seconds=4), at=1.0, length=2.0, D_PLAYRATE=1.5)
    desk.select(1.5, 2.0)
    desk.delivered("Repaint time selection")
    job = reaper_house.job(json.loads(item.takes[1].ext["punchin"])["job"])
    assert job["request"]["bpm"] == 90.0
    assert job["request"]["downbeat"] == pytest.approx(-1.0)
