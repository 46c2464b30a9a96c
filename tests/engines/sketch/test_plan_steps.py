"""The pattern grammar, its fit to metres, swing, and the bars of a grid."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.audio.grid import Grid, TempoPoint
from daemon.engines.sketch.plan.bars import bars_between
from daemon.engines.sketch.plan.song import paced
from daemon.engines.sketch.plan.steps import ALPHABET, fit, hits, swung

PATTERNS = st.text(sorted(ALPHABET), min_size=16, max_size=16)


def _rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(1))


def test_four_four_is_kept_as_written() -> None:
    assert fit("x...x..xx-..x.x.", 4, 4) == "x...x..xx-..x.x."


@pytest.mark.parametrize(
    ("beats", "unit"), [(3, 4), (2, 4), (5, 4), (7, 4), (6, 8), (7, 8), (12, 8)]
)
def test_a_fitted_pattern_fills_the_bar(beats: int, unit: int) -> None:
    fitted = fit("xxxxxxxxxxxxxxxx", beats, unit)
    assert len(fitted) == beats * 16 // unit
    assert fitted[0] == "x"


def test_six_eight_keeps_a_backbeat_on_the_second_dotted_beat() -> None:
    snare = fit("....x.......x...", 6, 8)
    assert [i for i, step in enumerate(snare) if step == "x"] == [6]


def test_eighths_stay_eighths_in_six_eight() -> None:
    assert fit("x.x.x.x.x.x.x.x.", 6, 8) == "x.x.x.x.x.x."


def test_holds_lengthen_the_step_before() -> None:
    first, second = hits("R---..5-........", _rng())
    assert (first.at, first.length, first.symbol) == (0.0, 1.0, "R")
    assert (second.at, second.length, second.symbol) == (1.5, 0.5, "5")


def test_accents_are_louder_than_normal_and_ghost_steps() -> None:
    accent, normal, soft, ghost = hits("Xxog............", _rng())
    assert accent.velocity > normal.velocity > soft.velocity > ghost.velocity


@settings(deadline=None, max_examples=60)
@given(PATTERNS, st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 4), (7, 8)]))
def test_hits_never_leave_the_bar(pattern: str, metre: tuple[int, int]) -> None:
    quarters = metre[0] * 4 / metre[1]
    for hit in hits(fit(pattern, *metre), _rng()):
        assert 0 <= hit.at < quarters
        assert hit.at + hit.length <= quarters + 1e-9


def test_full_swing_puts_the_off_beat_on_the_third_triplet() -> None:
    assert swung(0.5, 1.0, 1.0) == pytest.approx(2 / 3)
    assert swung(1.0, 1.0, 1.0) == 1.0
    assert swung(0.25, 0.6, 0.5) == pytest.approx(0.3)


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1), st.floats(0, 8), st.floats(0.001, 1))
def test_swing_keeps_the_order_of_steps(swing: float, at: float, later: float) -> None:
    assert swung(at, swing, 1.0) <= swung(at + later, swing, 1.0) + 1e-9


def test_half_time_stretches_a_pattern_over_two_bars() -> None:
    pattern = "x...R---x.......5"[:16]
    assert paced(pattern, 0.5, 0) == "x.......R-------"
    assert paced(pattern, 0.5, 1)[0] == "x"
    assert paced("x.x.x.x.x.x.x.x.", 2.0, 0) == "xxxxxxxxxxxxxxxx"


def test_bars_cover_a_window_that_begins_inside_one() -> None:
    grid = Grid.steady(120, downbeat=0.7)
    bars = bars_between(grid, 0.0, 5.0)
    assert [bar.start for bar in bars] == [-4.0, 0.0, 4.0, 8.0]


def test_bars_follow_a_change_of_metre() -> None:
    grid = Grid((TempoPoint(0.0, 120, 4, 4), TempoPoint(4.0, 90, 3, 4)))
    bars = bars_between(grid, 0.0, 8.0)
    assert [bar.quarters for bar in bars] == pytest.approx([4, 4, 3, 3])
    assert [(bar.beats, bar.unit) for bar in bars] == [(4, 4), (4, 4), (3, 4), (3, 4)]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.floats(0.4, 6),
            st.sampled_from([50.0, 90.0, 180.0, 400.0]),
            st.sampled_from([(4, 4), (3, 4), (5, 4), (6, 8), (1, 4)]),
        ),
        min_size=1,
        max_size=3,
    ),
    st.floats(-2, 5),
    st.floats(-3, 9),
    st.floats(0.001, 4),
)
def test_bars_always_cover_the_window(
    changes: list[tuple[float, float, tuple[int, int]]],
    downbeat: float,
    start: float,
    length: float,
) -> None:
    points, at = [], 0.0
    for gap, bpm, metre in changes:
        points.append(TempoPoint(at, bpm, *metre))
        at += gap
    grid = Grid(tuple(points), downbeat)
    bars = bars_between(grid, start, start + length)
    assert bars[0].start <= grid.quarter_at(start) + 2e-3
    assert bars[-1].end >= grid.quarter_at(start + length) - 2e-3
    assert all(a.end == b.start for a, b in pairwise(bars))
