"""Chords that the musician told, laid over the bars of a piece; standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.protocol.chords import bars_of
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.types import PlanChord

_NEAR = 0.05  # quarters by which a piece may begin after a bar line and still begin with that bar


def told_chords(options: Mapping[str, Any], bars: Sequence[Bar], start: float) -> list[PlanChord]:
    """Return the chords of the key `chords` on `bars`, none where it is not given.

    The first told bar is the first that begins with the piece (from quarter `start` on); the row is
    repeated to its end, and a pick-up before it has the row's last bar.
    """
    if not options.get("chords"):
        return []
    rows = bars_of(str(options["chords"]))
    first = next((i for i, bar in enumerate(bars) if bar.start >= start - _NEAR), 0)
    chords = []
    for i, bar in enumerate(bars):
        names = rows[(i - first) % len(rows)]
        step = bar.quarters / len(names)
        chords += [
            PlanChord(bar.start + k * step, bar.start + (k + 1) * step, name)
            for k, name in enumerate(names)
        ]
    return chords
