"""The bars that a stretch of time covers, and where things lie in them; standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from daemon.audio.grid import Grid

_NEAR = 1e-3  # quarters; a bar that overlaps a window by less than this lies outside


@dataclass(frozen=True)
class Bar:
    """One bar: where it starts (quarters from the downbeat), how long it is, and its metre."""

    start: float
    quarters: float
    beats: int
    unit: int

    @property
    def end(self) -> float:
        """Quarters from the downbeat to the next bar line."""
        return self.start + self.quarters


def bars_between(grid: Grid, start_s: float, end_s: float) -> list[Bar]:
    """Return every bar that overlaps `[start_s, end_s)`, whole, in order.

    A bar that a metre or tempo point cuts ends at the next bar line all the same.
    """
    low, high = grid.quarter_at(start_s), grid.quarter_at(end_s)
    for reach in (1, 2, 4, 8):
        # Beside a change of metre a bar may be longer than those the change is reached from.
        bars = _bars_around(grid, start_s, end_s, reach)
        if bars and bars[0].start <= low + _NEAR and bars[-1].end >= high - _NEAR:
            break
    inside = [bar for bar in bars if bar.end > low + _NEAR and bar.start < high - _NEAR]
    return inside or [min(bars, key=lambda bar: abs(bar.start - low))]


def _bars_around(grid: Grid, start_s: float, end_s: float, reach: int) -> list[Bar]:
    before = grid.bars_length(start_s, reach, backwards=True)
    after = grid.bars_length(end_s, reach)
    lines = grid.bar_lines(start_s - before - 1e-3, end_s + after + 1e-3)
    quarters = [round(grid.quarter_at(line), 6) for line in lines]
    return [
        Bar(here, there - here, *grid.metre_at(line))
        for line, (here, there) in zip(lines, pairwise(quarters), strict=False)
        if there > here
    ]
