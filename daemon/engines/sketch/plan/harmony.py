"""Chords in a key: roman numerals, sevenths, progressions over bars; standard library only."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from daemon.engines.sketch.listen.names import (
    MAJOR_SCALE,
    MINOR_SCALE,
    QUALITIES,
    chord_name,
    parse_chord,
    parse_key,
    scale_of,
    uses_flats,
)
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.types import PlanChord

_NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii")
_NEAR = 1e-6


def chord_of_numeral(numeral: str, key: str) -> str:
    """Return the chord that a roman numeral means in `key`: upper case major, lower case minor.

    `b` and `#` before it move its root, `°` makes it diminished, `7` adds the key's seventh.
    """
    tonic, is_minor = parse_key(key)
    body = numeral.strip("b#")
    shift = numeral.count("#") - numeral[: len(numeral) - len(numeral.lstrip("b#"))].count("b")
    letters = body.rstrip("°7")
    step = (MINOR_SCALE if is_minor else MAJOR_SCALE)[_NUMERALS.index(letters.lower())]
    quality = "dim" if "°" in body else "m" if letters.islower() else ""
    name = chord_name(tonic + step + shift, quality, uses_flats(key))
    return coloured(name, key) if body.endswith("7") else name


def coloured(name: str, key: str) -> str:
    """Return a triad with the seventh that the key gives it; other chords as they are."""
    parsed = parse_chord(name)
    if parsed is None or parsed[1] not in ("", "m"):
        return name
    root, quality = parsed
    scale = scale_of(key)
    major_seventh = (root + 11) % 12 in scale and (root + 10) % 12 not in scale
    seventh = ("maj7" if major_seventh else "7") if quality == "" else "m7"
    return chord_name(root, seventh, uses_flats(key))


def tones_from_root(name: str) -> list[int]:
    """Return the pitch classes of a chord, root first; empty for `N`."""
    parsed = parse_chord(name)
    if parsed is None:
        return []
    return [(parsed[0] + step) % 12 for step in QUALITIES[parsed[1]]]


def progression(
    numerals: str, key: str, bars: Sequence[Bar], final: bool = False
) -> list[PlanChord]:
    """Lay a progression over `bars`, one chord a bar, from its start.

    With `final` the last bar is the tonic and the one before it the dominant.
    """
    names = [chord_of_numeral(word, key) for word in numerals.split()]
    chosen = [names[i % len(names)] for i in range(len(bars))]
    if final and len(bars) >= 2:
        is_minor = parse_key(key)[1]
        chosen[-1] = chord_of_numeral("i" if is_minor else "I", key)
        chosen[-2] = chord_of_numeral("V", key)
    pairs = zip(bars, chosen, strict=True)
    return [PlanChord(bar.start, bar.end, name) for bar, name in pairs]


def without_gaps(chords: Sequence[PlanChord], key: str) -> list[PlanChord]:
    """Join equal neighbours and let `N` take the chord before it (the tonic at the start)."""
    is_minor = parse_key(key)[1]
    name = chord_of_numeral("i" if is_minor else "I", key)
    known = next((c.name for c in chords if c.name != "N"), name)
    out: list[PlanChord] = []
    for chord in chords:
        known = chord.name if chord.name != "N" else known
        if out and out[-1].name == known:
            out[-1] = PlanChord(out[-1].start_quarter, chord.end_quarter, known)
        else:
            out.append(PlanChord(chord.start_quarter, chord.end_quarter, known))
    return out


class Changes:
    """A sequence of chords that can be asked what sounds when."""

    def __init__(self, chords: Sequence[PlanChord]) -> None:
        assert chords
        self.chords = tuple(chords)
        self._starts = [c.start_quarter for c in self.chords]

    def at(self, quarter: float) -> PlanChord:
        """Return the chord at `quarter`, the nearest one outside."""
        i = bisect.bisect_right(self._starts, quarter + _NEAR) - 1
        return self.chords[max(0, i)]

    def between(self, start: float, end: float) -> list[float]:
        """Return the quarters at which a chord begins inside `(start, end)`, in order."""
        first = bisect.bisect_right(self._starts, start)
        return self._starts[first : bisect.bisect_left(self._starts, end)]

    def after(self, quarter: float) -> PlanChord:
        """Return the chord that follows the one at `quarter` (the last one stays)."""
        i = bisect.bisect_right(self._starts, quarter + _NEAR)
        return self.chords[min(i, len(self.chords) - 1)]
