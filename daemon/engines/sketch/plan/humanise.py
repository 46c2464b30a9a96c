"""Small deviations of a player in time and strength, within the style's range."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from daemon.engines.sketch.plan.styles import Humanise
from daemon.engines.sketch.plan.types import PlanNote

_STRUM_S = 0.011  # from string to string
_TOGETHER = 1e-6  # quarters; notes closer than this are one stroke
_NOTES_PER_CHECK = 512


def humanised(
    notes: Sequence[PlanNote],
    rule: Humanise,
    rng: np.random.Generator,
    check: Callable[[], None] = lambda: None,
) -> tuple[PlanNote, ...]:
    """Return `notes` in order of time with `offset_s` and velocity as a player would have them.

    The notes of one stroke share a deviation, spread by strumming where they are marked `roll` or
    `up`. Offsets stay within −`early_ms` … +`late_ms` but for the spread. `check` is called on the
    way.
    """
    if not notes:
        return ()
    ordered = sorted(notes, key=lambda n: (n.start_quarter, n.midi))
    late_s = _deviations(rule, rng, len(ordered))
    changes = rng.integers(-rule.velocity, rule.velocity + 1, len(ordered)).tolist()
    out: list[PlanNote] = []
    first = 0
    for i, note in enumerate(ordered):
        if i % _NOTES_PER_CHECK == 0:
            check()
        if note.start_quarter - ordered[first].start_quarter > _TOGETHER:
            out += _stroke(ordered[first:i], rule, late_s[first], changes[first:i])
            first = i
    return tuple(out + _stroke(ordered[first:], rule, late_s[first], changes[first:]))


def _deviations(rule: Humanise, rng: np.random.Generator, count: int) -> list[float]:
    """Return seconds by which strokes are late, negative ones early."""
    middle, reach = (rule.late_ms - rule.early_ms) / 2, (rule.late_ms + rule.early_ms) / 2
    drawn = np.clip(rng.normal(middle, reach / 2, count), -rule.early_ms, rule.late_ms)
    return (drawn / 1000).tolist()


def _stroke(
    notes: Sequence[PlanNote], rule: Humanise, late_s: float, changes: Sequence[int]
) -> list[PlanNote]:
    out = []
    for i, (note, change) in enumerate(zip(notes, changes, strict=True)):
        order = len(notes) - 1 - i if note.articulation == "up" else i
        spread = _STRUM_S * rule.spread * order if note.articulation in ("roll", "up") else 0.0
        velocity = min(127, max(1, note.velocity + change))
        out.append(
            PlanNote(
                note.start_quarter, note.length_quarters, note.midi, velocity,
                round(late_s + spread, 6), note.articulation,
            )
        )  # fmt: skip
    return out
