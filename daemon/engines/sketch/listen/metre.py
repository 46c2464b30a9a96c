"""The metre of a clip whose tempo is known: 4/4, 3/4 or 6/8.

6/8 and 3/4 have bars of the same length; what tells them apart is whether strokes come back after a
quarter or after a dotted one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.barlines import hypotheses
from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.onsets import HOP_S, Onsets
from daemon.engines.sketch.listen.phase import Scene
from daemon.engines.sketch.listen.pulse import pulses
from daemon.engines.sketch.listen.tonal import Tones

_FEWEST_BARS = 3  # of 4/4; shorter clips count as 4/4
_METRES = ((4, 4), (3, 4), (6, 8))
# A multinomial logit fitted like `barlines.WEIGHTS`. For every metre: how well its best bar lines
# are marked, and how far onsets, low ones and high ones come back after a bar; then what each metre
# makes of onsets that come back after 1.5, 1 and 2 quarters.
_BAR_WEIGHTS = np.array([0.4, 4.4, 5.1, 5.4])
_BIAS = np.array([1.1, -1.4, 0.3])
_STROKE_QUARTERS = (1.5, 1.0, 2.0)
_STROKE_WEIGHTS = np.array([[-0.7, -0.9, 1.1], [-3.2, 6.2, -1.8], [3.8, -5.3, 0.7]])


def find_metre(
    onsets: Onsets, tones: Tones, grid: Grid, length_s: float, check: Check = unchecked
) -> tuple[int, int]:
    """Return `(beats, unit)` of the metre in which the bars of a clip stand out most.

    `grid` gives the tempo.
    """
    if length_s < _FEWEST_BARS * grid.bars_length(0.0, 1):
        return 4, 4
    quarter_s = grid.bars_length(0.0, 1) / grid.points[0].bar_quarters
    features = np.array(
        [_features(onsets, tones, grid, metre, length_s, quarter_s, check) for metre in _METRES]
    )
    strokes = [_comes_back(onsets.strength, quarter_s * x) for x in _STROKE_QUARTERS]
    scores = features @ _BAR_WEIGHTS + _BIAS + _STROKE_WEIGHTS @ np.array(strokes)
    return _METRES[int(np.argmax(scores))]


def _features(
    onsets: Onsets,
    tones: Tones,
    grid: Grid,
    metre: tuple[int, int],
    length_s: float,
    quarter_s: float,
    check: Check,
) -> list[float]:
    points = tuple(replace(p, beats=metre[0], unit=metre[1]) for p in grid.points)
    tried = replace(grid, points=points)
    scene = Scene(onsets, tones, pulses(tried, length_s), length_s)
    marked = float(hypotheses(scene, check)[1].max())
    bar_s = metre[0] * 4 / metre[1] * quarter_s
    parts = (onsets.strength, onsets.low, onsets.high)
    return [marked, *(_comes_back(part, bar_s) for part in parts)]


def _comes_back(strength: np.ndarray, after_s: float) -> float:
    """Correlation of onset strength with itself `after_s` later; 0 where the clip is too short."""
    lag = round(after_s / HOP_S)
    if lag >= len(strength) - 4:
        return 0.0
    centred = strength - strength.mean()
    early, late = centred[:-lag], centred[lag:]
    size = float(np.sqrt((early @ early) * (late @ late)))
    return float(early @ late) / size if size > 0 else 0.0
