"""The bars that a stretch of time covers, and where things lie in them; standard library only."""

from __future__ import annotations

from dataclasses import dataclass

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
    first = grid.bars_length(start_s, 1, backwards=True)
    lines = grid.bar_lines(start_s - first - 1e-3, end_s + grid.bars_length(end_s, 1) + 1e-3)
    quarters = [round(grid.quarter_at(line), 6) for line in lines]
    low, high = grid.quarter_at(start_s), grid.quarter_at(end_s)
    bars = []
    for line, here, there in zip(lines, quarters, quarters[1:], strict=False):
        if there > low + _NEAR and here < high - _NEAR:
            bars.append(Bar(here, there - here, *grid.metre_at(line)))
    return bars
