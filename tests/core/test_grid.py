"""The musical grid: seconds, quarter notes and bars over steady tempi, changes and ramps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.grid import Grid, TempoPoint

BPM = st.floats(40, 240)
METRE = st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8), (5, 4), (12, 8), (2, 2)])


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    times = draw(st.lists(st.integers(0, 600), min_size=1, max_size=6, unique=True))
    points = [
        TempoPoint(t / 10, draw(BPM), *draw(METRE), draw(st.booleans())) for t in sorted(times)
    ]
    return Grid(tuple(points), draw(st.floats(0, 60)))


@given(grids(), st.floats(-30, 120))
@settings(deadline=None)
def test_quarter_notes_and_seconds_are_inverse(grid: Grid, second: float):
    assert grid.second_at(grid.quarter_at(second)) == pytest.approx(second, abs=1e-6)


@given(grids(), st.floats(-30, 120), st.floats(0.001, 5))
@settings(deadline=None)
def test_quarter_notes_never_run_backwards(grid: Grid, second: float, step: float):
    assert grid.quarter_at(second + step) > grid.quarter_at(second)


@given(grids(), st.floats(-20, 100))
@settings(deadline=None)
def test_shifting_moves_the_origin_and_nothing_else(grid: Grid, offset: float):
    moved = grid.shifted(offset)
    for second in (0.0, 7.3, 31.0):
        assert moved.quarter_at(second - offset) == pytest.approx(grid.quarter_at(second), abs=1e-6)


@given(BPM, METRE, st.floats(0.25, 64))
def test_bars_at_one_tempo_follow_the_formula(bpm: float, metre: tuple[int, int], bars: float):
    beats, unit = metre
    grid = Grid.steady(bpm, beats, unit, downbeat=3.7)
    assert grid.bars_length(12.3, bars) == bars * beats * 4 / unit * 60 / bpm
    assert grid.bars_length(12.3, bars, backwards=True) == grid.bars_length(0.0, bars)


@given(grids(), st.floats(0, 60), st.integers(1, 6))
@settings(deadline=None)
def test_bars_forwards_and_back_meet_where_the_metre_stays(grid: Grid, start: float, bars: int):
    same = Grid(tuple(TempoPoint(p.second, p.bpm, 4, 4, p.ramp) for p in grid.points))
    length = same.bars_length(start, bars)
    assert same.bars_length(start + length, bars, backwards=True) == pytest.approx(length, abs=1e-4)


def test_a_change_of_metre_counts_from_its_bar_on():
    grid = Grid((TempoPoint(0.0, 120, 4, 4), TempoPoint(4.0, 120, 3, 4)))
    assert grid.bars_length(0.0, 4) == pytest.approx(2 + 2 + 1.5 + 1.5)
    assert grid.bars_length(7.0, 4, backwards=True) == pytest.approx(1.5 + 1.5 + 2 + 2)
    assert grid.bar_lines(0.0, 7.5) == pytest.approx([0, 2, 4, 5.5, 7])
    assert grid.metre_at(3.9) == (4, 4)
    assert grid.metre_at(4.0) == (3, 4)


def test_a_ramp_is_linear_in_time():
    grid = Grid((TempoPoint(0.0, 60, ramp=True), TempoPoint(10.0, 120)))
    assert grid.tempo_at(5.0) == pytest.approx(90)
    assert grid.quarter_at(10.0) == pytest.approx(15)  # mean of 60 and 120 bpm for ten seconds
    assert grid.tempo_at(11.0) == 120
    assert grid.tempo_at(-1.0) == 60


def test_the_first_and_the_last_tempo_hold_outside():
    grid = Grid((TempoPoint(5.0, 60), TempoPoint(10.0, 120)))
    assert grid.second_at(grid.quarter_at(0.0)) == pytest.approx(0.0)
    assert grid.bars_length(20.0, 1) == pytest.approx(2.0)
    assert grid.bars_length(4.0, 1, backwards=True) == pytest.approx(4.0)


def test_bar_lines_are_sought_from_the_downbeat_both_ways():
    grid = Grid.steady(120, downbeat=1.25)
    assert grid.bar_lines(0.0, 6.0) == pytest.approx([1.25, 3.25, 5.25])
    assert grid.bar_lines(-3.0, 1.25) == pytest.approx([-2.75, -0.75])


@given(grids())
@settings(deadline=None)
def test_the_wire_form_comes_back(grid: Grid):
    assert Grid.from_rows(grid.rows(), grid.downbeat) == grid


def test_an_empty_or_disordered_map_is_a_defect():
    with pytest.raises(ValueError, match="at least one"):
        Grid(())
    with pytest.raises(ValueError, match="order"):
        Grid((TempoPoint(1.0, 60), TempoPoint(1.0, 70)))
