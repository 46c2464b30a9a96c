"""Chord voicings: close or open, led smoothly from the one before, out of the singer's way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from daemon.engines.sketch.plan.harmony import tones_from_root

_CENTRE_WEIGHT = 0.25
_CLASH_COST = 6.0


@lru_cache(maxsize=4096)
def candidates(
    tones: tuple[int, ...], voices: int, low: int, high: int
) -> tuple[tuple[int, ...], ...]:
    """Return the voicings of `tones` (pitch classes, root first) with `voices` notes in range.

    Close positions of every inversion, and those opened by dropping the second voice from above;
    fewer notes where so many don't fit.
    """
    found: list[tuple[int, ...]] = []
    for bottom in range(low, high + 1):
        if bottom % 12 not in tones:
            continue
        close = _stacked(bottom, tones, voices)
        found.append(close)
        if len(close) >= 4 and close[-2] - 12 >= low:
            found.append(tuple(sorted((*close[:-2], close[-2] - 12, close[-1]))))
    inside = tuple(v for v in found if v[-1] <= high)
    if inside:
        return inside
    lowest = low + (tones[0] - low) % 12
    return (tuple(p for p in _stacked(lowest, tones, voices) if p <= high),)


def _stacked(bottom: int, tones: tuple[int, ...], voices: int) -> tuple[int, ...]:
    pitches = [bottom]
    while len(pitches) < voices:
        pitches.append(next(p for p in range(pitches[-1] + 1, pitches[-1] + 13) if p % 12 in tones))
    return tuple(pitches)


def voiced(
    name: str,
    previous: Sequence[int],
    bounds: tuple[int, int],
    voices: int,
    colour: str,
    centre: float,
    avoid: Collection[int] = (),
) -> tuple[int, ...]:
    """Return a voicing of the chord `name` within `bounds`, lowest note first.

    It moves as little as possible from `previous`, lies around `centre` and shuns semitone clashes
    with the pitches in `avoid`. `colour` `power` plays root and fifth only.
    """
    tones = tones_from_root(name)
    if colour == "power":
        tones = [tones[0], tones[2]]
    elif len(tones) > voices:
        tones = [t for i, t in enumerate(tones) if i != 2] if voices == 3 else tones[:voices]
    options = candidates(tuple(tones), voices, *bounds)

    def cost(option: tuple[int, ...]) -> float:
        middle = abs(sum(option) / len(option) - centre) * _CENTRE_WEIGHT * len(option)
        return _movement(previous, option) + middle + _CLASH_COST * clashes(option, avoid)

    return min(options, key=cost)


def _movement(previous: Sequence[int], option: Sequence[int]) -> float:
    if not previous:
        return 0.0
    return float(sum(min(abs(p - q) for q in previous) for p in option))


def clashes(pitches: Collection[int], avoid: Collection[int]) -> int:
    """Count pitches that lie a semitone (or a minor ninth) from a note of the voice."""
    return sum(any(abs(p - sung) in (1, 13) for sung in avoid) for p in pitches)
