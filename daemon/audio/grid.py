"""The musical grid: seconds, quarter notes and bars over a tempo map. Standard library only.

Seconds count from the first sample of whatever the grid belongs to (a source, or a window of it).
Quarter notes count from the downbeat and may be negative. Tempo is always quarter notes per minute,
whatever the metre. Outside its points a map holds its first and its last tempo.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

_SNAP_S = 1e-6  # a bar line that lies this close to an asked-for edge counts as on it


@dataclass(frozen=True)
class TempoPoint:
    """Tempo and metre from `second` on; with `ramp` the tempo moves evenly in time to the next."""

    second: float
    bpm: float
    beats: int = 4
    unit: int = 4
    ramp: bool = False

    @property
    def bar_quarters(self) -> float:
        """Length of one bar in quarter notes."""
        return self.beats * 4 / self.unit


@dataclass(frozen=True)
class Grid:
    """Where beats and bars lie.

    `points` are ordered by time, at least one. `downbeat` (s) is where a bar starts.
    """

    points: tuple[TempoPoint, ...]
    downbeat: float = 0.0

    def __post_init__(self) -> None:
        if not self.points:
            raise ValueError("a grid needs at least one tempo point")
        times = [p.second for p in self.points]
        if any(b <= a for a, b in itertools.pairwise(times)):
            raise ValueError("tempo points must be in order of time")

    @classmethod
    def steady(cls, bpm: float, beats: int = 4, unit: int = 4, downbeat: float = 0.0) -> Grid:
        """Return a grid with one tempo and one metre."""
        return cls((TempoPoint(0.0, bpm, beats, unit),), downbeat)

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[float]], downbeat: float = 0.0) -> Grid:
        """Build from the wire form `[[second, bpm, beats, unit, ramp], …]`, `ramp` optional."""
        points = (
            TempoPoint(float(r[0]), float(r[1]), int(r[2]), int(r[3]), bool(len(r) > 4 and r[4]))
            for r in rows
        )
        return cls(tuple(sorted(points, key=lambda p: p.second)), downbeat)

    def rows(self) -> list[list[float]]:
        """Return the wire form."""
        return [[p.second, p.bpm, p.beats, p.unit, int(p.ramp)] for p in self.points]

    @property
    def is_steady(self) -> bool:
        """Whether one tempo and one metre hold throughout."""
        return len(self.points) == 1

    def shifted(self, offset_s: float) -> Grid:
        """Return the same grid for audio that begins `offset_s` later."""
        moved = tuple(replace(p, second=p.second - offset_s) for p in self.points)
        return Grid(moved, self.downbeat - offset_s)

    # -- seconds and quarter notes ---------------------------------------------------------------

    def quarter_at(self, second: float) -> float:
        """Quarter notes from the downbeat to `second`."""
        return self._from_first(second) - self._first_downbeat

    def second_at(self, quarter: float) -> float:
        """Seconds of the point `quarter` quarter notes after the downbeat."""
        if self.is_steady:
            return self.downbeat + quarter * 60 / self.points[0].bpm
        return self._to_second(quarter + self._first_downbeat)

    def tempo_at(self, second: float) -> float:
        """Quarter notes per minute at `second`."""
        i = self._index(second)
        here = self.points[i]
        if not here.ramp or i + 1 == len(self.points) or second <= here.second:
            return here.bpm
        there = self.points[i + 1]
        return here.bpm + (there.bpm - here.bpm) * (second - here.second) / (
            there.second - here.second
        )

    def metre_at(self, second: float) -> tuple[int, int]:
        """`(beats, unit)` in force at `second`."""
        p = self.points[self._index(second + _SNAP_S)]
        return p.beats, p.unit

    # -- bars ------------------------------------------------------------------------------------

    def bars_length(self, second: float, bars: float, backwards: bool = False) -> float:
        """Seconds that `bars` bars take from `second` on (or up to it, `backwards`).

        With one tempo this is bars × beats × 4/unit × 60/bpm to the last digit.
        """
        if self.is_steady:
            p = self.points[0]
            return bars * p.beats * 4 / p.unit * 60 / p.bpm
        here, left = second, bars
        while left > 1e-12:
            step = min(left, 1.0)
            probe = here - 2 * _SNAP_S if backwards else here
            quarters = step * self.points[self._index(probe + _SNAP_S)].bar_quarters
            here = self.second_at(self.quarter_at(here) + (-quarters if backwards else quarters))
            left -= step
        return abs(here - second)

    def bar_lines(self, start_s: float, end_s: float) -> list[float]:
        """Seconds of every bar line in `[start_s, end_s)`."""
        lines: list[float] = []
        second = self._bar_line_at_or_after(start_s)
        while second < end_s - _SNAP_S:
            lines.append(second)
            second += self.bars_length(second, 1)
        return lines

    def _bar_line_at_or_after(self, start_s: float) -> float:
        line = self.downbeat
        if self.is_steady:
            bar = self.bars_length(line, 1)
            return line + math.ceil((start_s - line) / bar - _SNAP_S / bar) * bar
        while line > start_s + _SNAP_S:
            line -= self.bars_length(line, 1, backwards=True)
        while line < start_s - _SNAP_S:
            line += self.bars_length(line, 1)
        return line

    # -- the integral of the map -----------------------------------------------------------------

    @cached_property
    def _sums(self) -> list[float]:
        """Quarter notes from the first point to each point."""
        sums = [0.0]
        for a, b in zip(self.points, self.points[1:], strict=False):
            mean = (a.bpm + b.bpm) / 2 if a.ramp else a.bpm
            sums.append(sums[-1] + mean / 60 * (b.second - a.second))
        return sums

    @cached_property
    def _times(self) -> list[float]:
        return [p.second for p in self.points]

    @cached_property
    def _first_downbeat(self) -> float:
        """Quarter notes from the first point to the downbeat."""
        return self._from_first(self.downbeat)

    def _index(self, second: float) -> int:
        return max(0, bisect.bisect_right(self._times, second) - 1)

    def _from_first(self, second: float) -> float:
        i = self._index(second)
        here = self.points[i]
        mean = (here.bpm + self.tempo_at(second)) / 2 if second > here.second else here.bpm
        return self._sums[i] + mean / 60 * (second - here.second)

    def _to_second(self, quarters: float) -> float:
        i = max(0, bisect.bisect_right(self._sums, quarters) - 1)
        here, left = self.points[i], quarters - self._sums[i]
        v = here.bpm / 60
        if not here.ramp or i + 1 == len(self.points) or left <= 0:
            return here.second + left / v
        there = self.points[i + 1]
        slope = (there.bpm / 60 - v) / (there.second - here.second)
        if abs(slope) < 1e-12:
            return here.second + left / v
        return here.second + (math.sqrt(v * v + 2 * slope * left) - v) / slope
