"""Small deviations of a player in time and strength, within the style's range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from daemon.engines.sketch.plan.styles import Humanise
from daemon.engines.sketch.plan.types import PlanNote

_STRUM_S = 0.011  # from string to string
_TOGETHER = 1e-6  # quarters; notes closer than this are one stroke


def humanised(
    notes: Sequence[PlanNote], rule: Humanise, rng: np.random.Generator
) -> tuple[PlanNote, ...]:
    """Return `notes` in order of time with `offset_s` and velocity as a player would have them.

    The notes of one stroke share a deviation, spread by strumming where they are marked `roll` or
    `up`. Offsets stay within −`early_ms` … +`late_ms` but for the spread.
    """
    ordered = sorted(notes, key=lambda n: (n.start_quarter, n.midi))
    out: list[PlanNote] = []
    stroke: list[PlanNote] = []
    for note in ordered:
        if stroke and note.start_quarter - stroke[0].start_quarter > _TOGETHER:
            out += _stroke(stroke, rule, rng)
            stroke = []
        stroke.append(note)
    return tuple(out + _stroke(stroke, rule, rng)) if stroke else ()


def _stroke(notes: list[PlanNote], rule: Humanise, rng: np.random.Generator) -> list[PlanNote]:
    middle, reach = (rule.late_ms - rule.early_ms) / 2, (rule.late_ms + rule.early_ms) / 2
    deviation = float(np.clip(rng.normal(middle, reach / 2), -rule.early_ms, rule.late_ms)) / 1000
    out = []
    for i, note in enumerate(notes):
        order = len(notes) - 1 - i if note.articulation == "up" else i
        spread = _STRUM_S * rule.spread * order if note.articulation in ("roll", "up") else 0.0
        change = int(rng.integers(-rule.velocity, rule.velocity + 1))
        velocity = min(127, max(1, note.velocity + change))
        out.append(replace(note, offset_s=round(deviation + spread, 6), velocity=velocity))
    return out
