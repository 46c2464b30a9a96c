"""Where the bars lie, when the tempo is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.barlines import hypotheses
from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.onsets import Onsets
from daemon.engines.sketch.listen.phase import refined, sounding
from daemon.engines.sketch.listen.pulse import Pulses, pulses
from daemon.engines.sketch.listen.tonal import Tones

_FAINT_ONSET = 0.06  # a twentieth of a drum's; sung notes have 0.2, a drone's ripples 0.03
_EDGE_ROWS = 8  # where the clip begins and ends, anything rises


def find_bars(
    onsets: Onsets,
    tones: Tones,
    grid: Grid,
    length_s: float,
    attacks: tuple[np.ndarray, np.ndarray],
    check: Check = unchecked,
) -> tuple[Grid, float]:
    """Return `grid` with its downbeat where a bar starts, and a confidence 0…1.

    The downbeat lies within the first bar of the clip. `grid` gives tempo and metre, `attacks` is
    of `onsets.attack_strength`.
    """
    scene = sounding(onsets, tones, grid, length_s, attacks)
    shifts, scores = hypotheses(scene, check)
    odds = np.exp(scores - scores.max())
    best = int(np.argmax(odds))
    shift = refined(scene, float(shifts[best]))
    sure = float(odds[best] / odds.sum()) * _distinct(scene.onsets)
    return _placed(grid, pulses(grid, length_s), shift), sure


def _distinct(onsets: Onsets) -> float:
    """Return 1 where there are onsets, less towards a drone, whose ripples say nothing of bars."""
    inner = onsets.strength[_EDGE_ROWS:-_EDGE_ROWS]
    strong = float(np.percentile(inner, 98)) if len(inner) else 0.0
    return min(1.0, strong / _FAINT_ONSET)


def _placed(grid: Grid, beat: Pulses, shift: float) -> Grid:
    """Put the downbeat at `shift` pulses, wrapped by whole bars into the clip's first bar."""
    start = float(beat.at(np.array([0.0]))[0])
    wrapped = start + (shift - start) % beat.per_bar
    # A downbeat a few milliseconds before the clip must not wrap to a whole bar later.
    if (wrapped - start - beat.per_bar) * beat.mean_s > -0.05:
        wrapped -= beat.per_bar
    second = float(beat.second_of(np.array([wrapped]))[0])
    return replace(grid, downbeat=second)
