"""Chords that the musician told, laid over the bars of a piece; standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.protocol.chords import bars_of
from daemon.engines.sketch.listen.names import chord_tones, key_name, parse_chord, scale_of
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.types import PlanChord

# What it speaks for a key when the row begins or ends on its tonic chord, in chord tones.
_BEGINS, _ENDS = 1.5, 0.75
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


def key_of_chords(options: Mapping[str, Any]) -> str | None:
    """Return the key that holds most tones of the told chords; None where none are told."""
    names = [n for bar in bars_of(str(options.get("chords") or "N")) for n in bar if n != "N"]
    if not names:
        return None

    def holds(key: tuple[int, bool]) -> float:
        scale = scale_of(key_name(*key))
        inside = sum(len(chord_tones(n) & scale) - len(chord_tones(n) - scale) for n in names)
        return inside + _BEGINS * _is_tonic(names[0], key) + _ENDS * _is_tonic(names[-1], key)

    keys = [(tonic, minor) for minor in (False, True) for tonic in range(12)]
    return key_name(*max(keys, key=holds))


def _is_tonic(name: str, key: tuple[int, bool]) -> bool:
    parsed = parse_chord(name)
    return (
        parsed is not None and (parsed[0], parsed[1].startswith("m") and parsed[1] != "maj7") == key
    )
