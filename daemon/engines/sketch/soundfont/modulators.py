"""Modulators: what velocity and key change in a zone (SoundFont 2.04, sections 8.2 and 8.4).

Of the sources, velocity, key and `none` are known when a note is struck; wheels and pedals rest
here, and what they would change is left out. Of the default modulators that from velocity to
attenuation holds; that from velocity to the filter is left out, as most players do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.soundfont.generators import Gen

_NONE, _VELOCITY, _KEY = 0, 2, 3
_CONTROLLER = 0x80


@dataclass(frozen=True)
class Modulator:
    """`goal` (a generator) gets `amount` × what `source` and `scale` say; both are bit fields."""

    source: int
    goal: int
    amount: int
    scale: int = 0

    def added(self, key: int, velocity: int) -> float:
        """Return what the generator gets for a note."""
        return self.amount * _value(self.source, key, velocity) * _value(self.scale, key, velocity)


TO_ATTENUATION = Modulator(0x0502, Gen.ATTENUATION, 960)


def told(records: np.ndarray) -> tuple[Modulator, ...]:
    """Return the modulators of a zone's records that have a note for their source."""
    rows = records[["source", "goal", "amount", "scale"]].tolist()
    return tuple(Modulator(*row) for row in rows if _of_note(row[0]) and _of_note(row[3]))


def merged(*layers: Iterable[Modulator]) -> tuple[Modulator, ...]:
    """Return modulators where a later one replaces an earlier of same sources and goal."""
    found = {(m.source, m.goal, m.scale): m for layer in layers for m in layer}
    return tuple(found.values())


def added(modulators: Iterable[Modulator], goal: int, key: int, velocity: int) -> float:
    """Return what all modulators add to a generator."""
    return sum(m.added(key, velocity) for m in modulators if m.goal == goal)


def _of_note(source: int) -> bool:
    return not source & _CONTROLLER and source & 0x7F in (_NONE, _VELOCITY, _KEY)


def _value(source: int, key: int, velocity: int) -> float:
    """Return a source's value: 0…1, or −1…1 if it is bipolar; 1 for none."""
    index = source & 0x7F
    if index == _NONE:
        return 1.0
    level = (velocity if index == _VELOCITY else key) / 127
    if source & 0x100:
        level = 1 - level
    curve = (source >> 10) & 0x3F
    if not source & 0x200:
        return _curved(level, curve)
    return math.copysign(_curved(abs(2 * level - 1), curve), 2 * level - 1)


def _curved(level: float, curve: int) -> float:
    """Return linear, concave, convex or switched 0…1 (section 9.5.3: 96 dB of a square)."""
    if curve == 1:
        return min(1.0, -40 / 96 * math.log10(max(1e-9, 1 - level)))
    if curve == 2:
        return max(0.0, 1 + 40 / 96 * math.log10(max(1e-9, level)))
    return float(level >= 0.5) if curve == 3 else level


def by_velocity(modulators: Iterable[Modulator]) -> bool:
    """Whether velocity changes more than the level."""
    return any(
        m.amount and m.goal != Gen.ATTENUATION and _VELOCITY in (m.source & 0x7F, m.scale & 0x7F)
        for m in modulators
    )
