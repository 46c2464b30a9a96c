"""What listening to a clip yields, as plain frozen values; standard library only.

Seconds count from the first sample of the clip. Pitches are MIDI note numbers (60 = middle C,
fractions allowed). Confidences are 0…1.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from daemon.audio.grid import Grid

if TYPE_CHECKING:
    from daemon.engines.sketch.listen.trace import Trace

Kind = Literal["singing", "speech", "solo", "drums", "mix", "silence"]
NO_CHORD = "N"
SILENCE_DB = -120.0  # a finite floor, so that silence stays valid JSON


@dataclass(frozen=True)
class Note:
    """One sung or played note; `end_s` > `start_s`."""

    start_s: float
    end_s: float
    midi: float
    confidence: float

    @property
    def length_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class ChordSpan:
    """One chord, `C F#m Bb7 Cmaj7 Am7 Gsus4 Bdim`, or `N` where there is none."""

    start_s: float
    end_s: float
    name: str


@dataclass(frozen=True)
class Section:
    """A stretch of whole bars; sections with the same `label` (`A`, `B`, …) are alike."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True)
class Listening:
    """All that was heard in a clip.

    - `grid`: tempo and bars; told values are kept as told.
    - `tempo_confidence`, `downbeat_confidence`: 1 where they were told.
    - `key`: `C# minor`, or None where there is none to hear; `relative_key` has the same notes.
    - `chords`: without gaps from 0 to `length_s`, neighbours differ. All `N` for a lone voice.
    - `notes`: the melody, in order and without overlap; of a mix the leading line, roughly. None
      for speech and drums.
    - `voiced`: share of time with melody, 0…1.
    - `kind`: what the clip is; `has_drums` says whether percussion is in it. `kind_confidence` is
      0.5 where it could as well be another.
    - `loudness_lufs` (integrated, BS.1770) and `peak_dbfs`: never below `SILENCE_DB`. Where
      the whole was not asked for the loudness is None, `sections` are none, `kind_confidence` 1.
    - `onsets_per_beat`: mean number of onsets in one beat of the metre.
    - `swing`: 0 where eighths are even, 1 where they are triplets (2 : 1).
    - `sections`: without gaps from 0 to `length_s`.
    - `trace`: what reuse compares bars by; it takes no part in comparisons.
    """

    length_s: float
    grid: Grid
    tempo_confidence: float
    downbeat_confidence: float
    key: str | None
    key_confidence: float
    relative_key: str | None
    chords: tuple[ChordSpan, ...]
    notes: tuple[Note, ...]
    voiced: float
    kind: Kind
    has_drums: bool
    loudness_lufs: float | None
    peak_dbfs: float
    onsets_per_beat: float
    kind_confidence: float = 1.0
    swing: float = 0.0
    sections: tuple[Section, ...] = ()
    trace: Trace | None = field(default=None, compare=False, repr=False)

    def chord_at(self, second: float) -> str:
        """Name of the chord that sounds at `second`; the nearest one outside the clip."""
        if not self.chords:
            return NO_CHORD
        index = bisect.bisect_right(self.chords, second, key=lambda span: span.start_s) - 1
        return self.chords[max(0, index)].name
