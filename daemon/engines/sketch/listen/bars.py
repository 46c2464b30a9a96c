"""Where the bars lie, when the tempo is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.barlines import hypotheses
from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.onsets import Onsets
from daemon.engines.sketch.listen.phase import Scene, refined
from daemon.engines.sketch.listen.pulse import Pulses, pulses
from daemon.engines.sketch.listen.tonal import Tones


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
    scene = Scene(onsets, tones, pulses(grid, length_s), length_s, attacks)
    shifts, scores = hypotheses(scene, check)
    odds = np.exp(scores - scores.max())
    best = int(np.argmax(odds))
    shift = refined(scene, float(shifts[best]))
    return _placed(grid, scene.beat, shift), float(odds[best] / odds.sum())


def _placed(grid: Grid, beat: Pulses, shift: float) -> Grid:
    """Put the downbeat at `shift` pulses, wrapped by whole bars into the clip's first bar."""
    start = float(beat.at(np.array([0.0]))[0])
    wrapped = start + (shift - start) % beat.per_bar
    # A downbeat a few milliseconds before the clip must not wrap to a whole bar later.
    if (wrapped - start - beat.per_bar) * beat.mean_s > -0.05:
        wrapped -= beat.per_bar
    second = float(beat.second_of(np.array([wrapped]))[0])
    return replace(grid, downbeat=second)
