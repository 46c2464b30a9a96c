"""How new music lies against the beat: its phase and its drift, from its onsets.

Onsets are laid on the told grid, and the grid is only a ruler: what counts is how the new music
lies against the clip beside it, which need not lie on the grid itself. Positions are quarter notes.
The phase is a circular mean (Fisher 1993, Statistical Analysis of Circular Data) over the longest
of quarter, eighth and sixteenth that the onsets agree on; its resultant length is the confidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.acestep.grid.onsets import Onsets

LEAST_ONSETS = 8
LEAST_CONFIDENCE = 0.6
MOST_DRIFT = 0.03
_DIVISIONS = (1.0, 0.5, 0.25)
_DRIFTS = np.linspace(-MOST_DRIFT, MOST_DRIFT, 121)
_GAIN = 0.1  # a large drift is only believed where it agrees so much better than none
_DEVIATIONS = 3.0


@dataclass(frozen=True)
class Reading:
    """Where onsets lie on a ruler.

    `phase` in quarter notes from the ruler's marks, late is positive, within half a `division`;
    `drift`: by which share they come slower (positive) than the ruler. `confidence` 0…1.
    """

    phase: float
    drift: float
    division: float
    confidence: float
    onsets: int

    @property
    def sure(self) -> bool:
        """Whether there is enough to go by."""
        return self.onsets >= LEAST_ONSETS and self.confidence >= LEAST_CONFIDENCE


@dataclass(frozen=True)
class Error:
    """How new music lies against its reference: seconds late at its middle, and the drift.

    `to_grid`: the reference was the told grid. `confidence` 0…1 is the lesser of both readings'.
    """

    late_s: float
    drift: float
    confidence: float
    onsets: int
    to_grid: bool


def read(found: Onsets, grid: Grid, middle_s: float, division: float | None = None) -> Reading:
    """Read onsets, in seconds of `grid`; the phase is that at `middle_s`.

    `division` is that of another reading that this one is to be compared with.
    """
    if len(found) < LEAST_ONSETS:
        return Reading(0.0, 0.0, division or 1.0, 0.0, len(found))
    quarters = np.array([grid.quarter_at(float(t)) for t in found.times])
    centre = grid.quarter_at(middle_s)
    weights = np.sqrt(found.strengths)
    readings = [
        _agreeing(quarters, centre, weights, d) for d in ((division,) if division else _DIVISIONS)
    ]
    return next((r for r in readings if r.confidence >= LEAST_CONFIDENCE), readings[-1])


def _agreeing(quarters: np.ndarray, centre: float, weights: np.ndarray, division: float) -> Reading:
    """Return phase and drift at which the onsets agree best on a division."""
    sums = _resultants(_slowed(quarters, centre, _DRIFTS[:, None]), weights, division)
    steady = complex(_resultants(quarters, weights, division))
    best = int(np.abs(sums).argmax())
    drift = float(_DRIFTS[best]) if abs(sums[best]) > abs(steady) + _GAIN else 0.0
    drift += _slope(_slowed(quarters, centre, drift), weights, division)
    found = complex(_resultants(_slowed(quarters, centre, drift), weights, division))
    phase = float(np.angle(found)) / (2 * np.pi) * division
    return Reading(phase, drift, division, abs(found), len(quarters))


def _slowed(quarters: np.ndarray, centre: float, drift: float | np.ndarray) -> np.ndarray:
    """Return positions without a drift about `centre`."""
    return np.asarray((quarters - centre) / (1 + drift) + centre)


def _resultants(quarters: np.ndarray, weights: np.ndarray, division: float) -> np.ndarray:
    return np.asarray(np.exp(2j * np.pi * quarters / division) @ weights / weights.sum())


def _slope(quarters: np.ndarray, weights: np.ndarray, division: float) -> float:
    """Return the drift that is left, 0 where it may be chance: least squares, three deviations."""
    phase = np.angle(_resultants(quarters, weights, division)) / (2 * np.pi) * division
    apart = quarters - phase
    apart = apart - np.round(apart / division) * division
    x = quarters - np.average(quarters, weights=weights)
    y = apart - np.average(apart, weights=weights)
    spread = float(weights @ x**2)
    slope = float(weights @ (x * y)) / spread if spread > 0 else 0.0
    rest = float(weights**2 @ (x * (y - slope * x)) ** 2)
    return slope if abs(slope) * spread > _DEVIATIONS * np.sqrt(rest) else 0.0


def compare(
    new: Onsets, kept: Onsets, grid: Grid, grid_told: bool, middle_s: float
) -> Error | None:
    """Return how the new music lies against the kept; None where nothing can be said.

    Where the kept music has no beat, the grid itself is the reference, if it was told.
    """
    reference = read(kept, grid, middle_s)
    to_grid = not reference.sure
    if to_grid and not grid_told:
        return None
    mine = read(new, grid, middle_s, None if to_grid else reference.division)
    if not mine.sure:
        return None
    apart = mine.phase - (0.0 if to_grid else reference.phase)
    apart -= round(apart / mine.division) * mine.division
    confidence = mine.confidence if to_grid else min(mine.confidence, reference.confidence)
    drift = mine.drift - (0.0 if to_grid else reference.drift)
    seconds = apart * 60 / grid.tempo_at(middle_s)
    return Error(seconds, drift, confidence, len(new), to_grid)
