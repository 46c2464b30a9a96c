"""Pulses: the beats that a metre is felt in, and the way between them and seconds.

4/4 has four pulses a bar, 3/4 three, 6/8 two of a dotted quarter. Pulse 0 lies on the downbeat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.audio.grid import Grid

_TABLE_STEP_S = 0.05


def pulses_of(beats: int, unit: int) -> tuple[int, float]:
    """Return `(pulses in a bar, quarter notes in a pulse)` of a metre."""
    if unit >= 8 and beats % 3 == 0 and beats > 3:
        return beats // 3, 12 / unit
    return beats, 4 / unit


@dataclass(frozen=True)
class Pulses:
    """The pulses of one clip: `per_bar` of them a bar, and a table of seconds against pulses."""

    per_bar: int
    quarters: float
    seconds: np.ndarray
    counts: np.ndarray

    @property
    def mean_s(self) -> float:
        """Mean length of a pulse in seconds."""
        span = float(self.counts[-1] - self.counts[0])
        return float(self.seconds[-1] - self.seconds[0]) / span

    def at(self, seconds: np.ndarray) -> np.ndarray:
        """Pulses (fractional) from the downbeat to each of `seconds`."""
        return np.interp(seconds, self.seconds, self.counts)

    def second_of(self, counts: np.ndarray) -> np.ndarray:
        """Seconds of each of `counts`."""
        return np.interp(counts, self.counts, self.seconds)


def pulses(grid: Grid, length_s: float, reach_s: float = 0.0) -> Pulses:
    """Tabulate the pulses of `grid` over a clip, and some bars and `reach_s` on either side."""
    beats, unit = grid.metre_at(length_s / 2)
    per_bar, quarters = pulses_of(beats, unit)
    margin = 4 * grid.bars_length(length_s / 2, 1) + 1 + reach_s
    first, last = min(0.0, grid.downbeat) - margin, max(length_s, grid.downbeat) + margin
    if grid.is_steady:
        seconds = np.array([first, last])
    else:
        seconds = np.arange(first, last + _TABLE_STEP_S, _TABLE_STEP_S)
    counts = np.array([grid.quarter_at(s) / quarters for s in seconds.tolist()])
    return Pulses(per_bar, quarters, seconds, counts)
