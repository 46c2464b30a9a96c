"""What every player knows before it plays: bars, form, chords, the voice, the feel."""

from __future__ import annotations

import bisect
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmonise import Sung
from daemon.engines.sketch.plan.harmony import Changes
from daemon.engines.sketch.plan.steps import Hit, fit, hits, is_compound, swung
from daemon.engines.sketch.plan.styles import Style
from daemon.engines.sketch.plan.types import Section

_BARS_PER_CHECK = 16
_FORMS = ("AAAB", "AABA", "ABAB", "AABC", "ABAC")  # of four bars

Check = Callable[[], None]


@dataclass(frozen=True)
class Voice:
    """The singer, for whom the band leaves room; notes in order of time."""

    notes: tuple[Sung, ...] = ()

    def share(self, start: float, end: float) -> float:
        """Share of `[start, end)` (quarters) that is sung."""
        sung = sum(min(n.end, end) - max(n.start, start) for n in self.during(start, end))
        return sung / (end - start)

    def during(self, start: float, end: float) -> list[Sung]:
        """Return the notes that sound in `[start, end)`."""
        first = max(0, bisect.bisect_left(self.notes, start, key=lambda n: n.start) - 1)
        found = []
        for note in self.notes[first:]:
            if note.start >= end:
                break
            if note.end > start:
                found.append(note)
        return found


@dataclass(frozen=True)
class Song:
    """The frame that all players share.

    `tune` is what the lead shall play. `feel` 0.5 is half time, 2 double time. With `ending` the
    last bar is one held stroke. `check` is called while notes are written, to be cancelled.
    """

    style: Style
    key: str
    seed: int
    bars: tuple[Bar, ...]
    sections: tuple[Section, ...]
    changes: Changes
    voice: Voice = Voice()
    tune: tuple[Sung, ...] = ()
    feel: float = 1.0
    ending: bool = False
    check: Check = lambda: None

    @cached_property
    def _section_starts(self) -> list[float]:
        return [s.start_quarter for s in self.sections]

    @cached_property
    def _bar_starts(self) -> list[float]:
        return [bar.start for bar in self.bars]

    def walk(self) -> Iterator[tuple[int, Bar]]:
        """Yield every bar with its number, and check for cancellation on the way."""
        for i, bar in enumerate(self.bars):
            if i % _BARS_PER_CHECK == 0:
                self.check()
            yield i, bar

    def bar_at(self, quarter: float) -> Bar:
        """Return the bar in which `quarter` lies; the first or last one outside."""
        return self.bars[max(0, bisect.bisect_right(self._bar_starts, quarter) - 1)]

    def rng(self, *names: str) -> np.random.Generator:
        """Return the stream of chance that belongs to `names`; the same names, the same stream."""
        return stream(self.seed, *names)

    def pick(self, count: int, *names: str) -> int:
        """Return a choice among `count` for `names`; neighbouring seeds choose differently."""
        return picked(self.seed, count, *names)

    def chosen(self, variants: Sequence[str], *names: str) -> str:
        """Return one of the variants, as `pick` says."""
        return variants[self.pick(len(variants), *names)]

    def figure(self, rows: Sequence[str], bar: Bar, *names: str) -> str:
        """Return the pattern that `names` play in `bar`, one of four of a phrase.

        Halves of the style's own bars are put together anew, so that few seeds meet in a bar.
        """
        letter = self.letter(bar, *names)
        first, second = (tuple(dict.fromkeys(half)) for half in zip(*_halves(rows), strict=True))
        half = self.chosen(first, *names, letter, "first half")
        return half + self.chosen(second, *names, letter, "second half")

    def letter(self, bar: Bar, *names: str) -> str:
        """Return which of a phrase's bars `bar` is for `names`: A, B or C."""
        start = self.section(bar).start_quarter - 1e-6
        place = bisect.bisect_left(self._bar_starts, bar.start)
        place -= bisect.bisect_left(self._bar_starts, start)
        return self.chosen(_FORMS, *names, "form")[place % 4]

    def section(self, bar: Bar) -> Section:
        """Return the section that `bar` belongs to."""
        at = bisect.bisect_right(self._section_starts, bar.start + 1e-6)
        return self.sections[max(0, at - 1)]

    def is_ending(self, bar: Bar) -> bool:
        """Whether `bar` is the held last one."""
        return self.ending and bar is self.bars[-1]

    def opens_section(self, bar: Bar) -> bool:
        """Whether a section begins with `bar`."""
        return abs(self.section(bar).start_quarter - bar.start) < 1e-6

    def closes_section(self, bar: Bar) -> bool:
        """Whether another section, or the end, follows `bar`."""
        return abs(self.section(bar).end_quarter - bar.end) < 1e-6

    def hits(self, pattern: str, bar: Bar, rng: np.random.Generator) -> list[Hit]:
        """Return a 4/4 pattern's steps for `bar`, in its metre, at the song's feel, swung."""
        index = max(0, bisect.bisect_right(self._bar_starts, bar.start) - 1)
        fitted = fit(paced(pattern, self.feel, index), bar.beats, bar.unit)
        found = [h for h in hits(fitted, rng) if h.at < bar.quarters - 1e-6]
        if is_compound(bar.beats, bar.unit):
            return found
        pair = 1.0 if self.style.swing_grid == 8 else 0.5
        return [self._swung(hit, pair, bar.quarters) for hit in found]

    def _swung(self, hit: Hit, pair: float, bar_quarters: float) -> Hit:
        start = swung(hit.at, self.style.swing, pair)
        end = min(bar_quarters, swung(hit.at + hit.length, self.style.swing, pair))
        return Hit(round(start, 6), round(end - start, 6), hit.symbol, hit.velocity)


def _halves(rows: Sequence[str]) -> list[tuple[str, str]]:
    return [(row[:8], row[8:]) for row in rows]


def paced(pattern: str, feel: float, bar_index: int) -> str:
    """Stretch a pattern over two bars (`feel` 0.5) or play it twice in one (`feel` 2)."""
    if feel >= 2:
        return pattern[::2] * 2
    if feel > 0.5:
        return pattern
    half = pattern[:8] if bar_index % 2 == 0 else pattern[8:]
    pairs = zip(half, half[1:] + ".", strict=True)
    return "".join(step + _hold(step, after) for step, after in pairs)


def _hold(step: str, after: str) -> str:
    return "-" if step == "-" or (after == "-" and step != ".") else "."


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of chance for a seed and what it is used for."""
    keys = [zlib.crc32(name.encode()) for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *keys])))


@lru_cache(maxsize=2048)
def picked(seed: int, count: int, *names: str) -> int:
    """Return 0 … `count` − 1 for `names`; seeds in a row, as a job's takes have, always differ.

    Every run of `count` seeds that begins at a multiple of it goes through all values.
    """
    if count < 2:
        return 0
    if count == 2:
        return (seed + zlib.crc32(" ".join(names).encode())) % 2
    block, place = divmod(seed, count)
    last = _last(block, count, names)
    if place == count - 1:
        return last
    rest = [i for i in stream(block, *names).permutation(count).tolist() if i != last]
    if rest[0] == _last(block - 1, count, names):
        rest[0], rest[1] = rest[1], rest[0]
    return int(rest[place])


def _last(block: int, count: int, names: Sequence[str]) -> int:
    """Return what the last seed of a block gets; drawn apart, so that the next one can avoid it."""
    return int(stream(block + 1, "last", *names).integers(count))
