"""Sections of a clip: where sound or harmony change for bars, and which stretches are alike.

Rows are bars. A section is several bars long; equal letters are alike.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.onsets import HOP_S as ONSET_HOP_S
from daemon.engines.sketch.listen.onsets import Onsets
from daemon.engines.sketch.listen.pitch import HOP_S as LEVEL_HOP_S
from daemon.engines.sketch.listen.tonal import Tones
from daemon.engines.sketch.listen.types import Section

_SHORTEST_BARS = 2
_SHORTEST_BAR_SHARE = 0.5  # of a bar at either end of the clip to count as one
_LEVEL_DB = 6.0  # a change of this size counts like twice as many onsets
_SMALLEST = 0.12  # difference between bars that can matter
_LOOP_BARS = 4  # harmony is taken over as many bars, so that a loop is one thing
_HARMONY = 6.0  # weight of a whole change of pitch classes
_BORDER_COST = 12.0
_PHRASES = ((4, 1.0), (2, 1.3), (1, 1.8))  # bars, and what a border costs after multiples of them
_ALIKE = 2.0
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_QUIET = 1e-5


def find_sections(
    onsets: Onsets, tones: Tones, level: np.ndarray, grid: Grid, length_s: float
) -> tuple[Section, ...]:
    """Return sections without gaps from 0 to `length_s`, at least one unless the clip is empty.

    `level` is of `pitch.Pitch`. Borders lie on bar lines.
    """
    edges = _bar_edges(grid, length_s)
    bars = np.concatenate([_sound(onsets, level, edges), _harmony(tones, edges)], axis=1)
    cuts = _borders(bars)
    labels = _labels(bars, cuts)
    return tuple(
        Section(float(edges[a]), float(edges[b]), label)
        for (a, b), label in zip(pairwise(cuts), labels, strict=True)
    )


def _bar_edges(grid: Grid, length_s: float) -> np.ndarray:
    """Bar lines inside the clip and its two ends; scraps at the ends belong to their neighbours."""
    least = _SHORTEST_BAR_SHARE * grid.bars_length(0.0, 1)
    inner = [s for s in grid.bar_lines(0.0, length_s) if least <= s <= length_s - least]
    return np.array([0.0, *inner, length_s])


def _sound(onsets: Onsets, level: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Level and density of every bar in units of how much neighbours differ, `(bars, 4)`."""
    loud = _means(np.square(level)[:, None], edges / LEVEL_HOP_S)
    floor = float(loud.max()) * 1e-6 + _QUIET**2
    strokes = np.stack([onsets.strength, onsets.low, onsets.high], axis=1)
    dense = _means(strokes, edges / ONSET_HOP_S)
    dense = np.log2(dense + 0.1 * dense.max(axis=0) + 1e-9)
    rows = np.concatenate([10 * np.log10(loud + floor) / _LEVEL_DB, dense], axis=1)
    if len(rows) < 2:
        return np.asarray(rows)
    # The median step over √2, as a standard deviation (1.48 of a normal distribution's).
    usual = 1.48 / np.sqrt(2) * np.median(np.abs(np.diff(rows, axis=0)), axis=0)
    return np.asarray(rows / np.maximum(usual, _SMALLEST))


def _harmony(tones: Tones, edges: np.ndarray) -> np.ndarray:
    """Pitch classes about every bar, `(bars, 12)`."""
    chroma = np.sqrt(tones.pooled(edges)).reshape(len(edges) - 1, -1, 12).sum(axis=1)
    chroma /= np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-9)
    loop = min(_LOOP_BARS, len(chroma))
    around = np.lib.stride_tricks.sliding_window_view(chroma, loop, axis=0).mean(axis=2)
    # The first and the last bars are heard with the whole loop that they are in.
    before = loop // 2
    return np.asarray(_HARMONY * np.pad(around, ((before, loop - 1 - before), (0, 0)), mode="edge"))


def _means(rows: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Mean of `rows` between consecutive fractional `edges`, at least one row each."""
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=float)])
    low = np.clip(np.round(edges[:-1]).astype(int), 0, len(rows) - 1)
    high = np.clip(np.round(edges[1:]).astype(int), low + 1, len(rows))
    return np.asarray((sums[high] - sums[low]) / (high - low)[:, None])


def _borders(bars: np.ndarray) -> list[int]:
    """Return the bars at which stretches begin, and the end: least squares within, few borders."""
    count = len(bars)
    sums = np.concatenate([np.zeros((1, bars.shape[1])), np.cumsum(bars, axis=0)])
    squares = np.r_[0.0, np.cumsum(np.square(bars).sum(axis=1))]
    best, back = np.full(count + 1, np.inf), np.zeros(count + 1, int)
    best[0] = 0.0
    for end in range(min(_SHORTEST_BARS, count), count + 1):
        starts = np.arange(0, max(1, end - _SHORTEST_BARS + 1))
        lengths = end - starts
        spread = squares[end] - squares[starts]
        spread = spread - np.square(sums[end] - sums[starts]).sum(axis=1) / lengths
        costs = best[starts] + spread + _border_costs(lengths)
        back[end] = int(np.argmin(costs))
        best[end] = costs[back[end]]
    cuts = [count]
    while cuts[-1] > 0:
        cuts.append(int(back[cuts[-1]]))
    return cuts[::-1]


def _border_costs(lengths: np.ndarray) -> np.ndarray:
    """Cost of stretches of so many bars: whole phrases are likelier."""
    conditions = [lengths % bars == 0 for bars, _ in _PHRASES]
    return _BORDER_COST * np.select(conditions, [cost for _, cost in _PHRASES])


def _labels(bars: np.ndarray, cuts: list[int]) -> list[str]:
    """Give every stretch the letter of the nearest earlier one that is like it, or a new one."""
    known: list[np.ndarray] = []
    letters = []
    for first, last in pairwise(cuts):
        here = bars[first:last].mean(axis=0)
        away = [float(np.linalg.norm(here - other)) for other in known]
        if away and (min(away) < _ALIKE or len(known) == len(_LETTERS)):
            letters.append(_LETTERS[int(np.argmin(away))])
        else:
            known.append(here)
            letters.append(_LETTERS[len(known) - 1])
    return letters
