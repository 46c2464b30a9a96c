"""Listening to a clip from end to end: the public functions of this package.

Samples are float32 `(frames, channels)`, nominal peak ±1, in an array or a reader. They are gone
through once, in blocks: beyond the clip itself a 10-minute one needs some 150 MB. `check` is called
at least every 100 ms of work and may raise to abandon it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.audio.clips import Samples
from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.bars import find_bars
from daemon.engines.sketch.listen.frames import Check, to_ear, unchecked
from daemon.engines.sketch.listen.gathering import (
    Features,
    Gathered,
    Line,
    completed,
    gather,
)
from daemon.engines.sketch.listen.harmony import decode, spans
from daemon.engines.sketch.listen.keys import find_key, melody_key
from daemon.engines.sketch.listen.lead import lead_notes
from daemon.engines.sketch.listen.metre import find_metre
from daemon.engines.sketch.listen.names import key_name, parse_key, relative_key, uses_flats
from daemon.engines.sketch.listen.notes import notes_from
from daemon.engines.sketch.listen.onsets import pick_onsets
from daemon.engines.sketch.listen.pitch import track_pitch
from daemon.engines.sketch.listen.pulse import pulses
from daemon.engines.sketch.listen.sections import find_sections
from daemon.engines.sketch.listen.swing import find_swing
from daemon.engines.sketch.listen.tempo import DEFAULT_BPM, find_tempo
from daemon.engines.sketch.listen.tonal import Tones, tones
from daemon.engines.sketch.listen.trace import Trace
from daemon.engines.sketch.listen.types import (
    NO_CHORD,
    ChordSpan,
    Listening,
    Note,
    Section,
)

_SPEECH_DOUBT = 0.3  # share of the key's confidence that is left when the clip is speech


@dataclass(frozen=True)
class _Told:
    """What the client said about the grid; None and False where it said nothing."""

    grid: Grid | None
    bpm: float | None
    metre: tuple[int, int] | None
    downbeat: bool

    def guess(self, bpm: float) -> Grid:
        """Return the told grid, or a steady one from what was told and `bpm`."""
        return self.grid or Grid.steady(self.bpm or bpm, *(self.metre or (4, 4)))


@dataclass(frozen=True)
class Bars:
    """A grid with how sure its tempo and its downbeat are: 0…1, 1 for what was told."""

    grid: Grid
    tempo_confidence: float
    downbeat_confidence: float


def listen(
    samples: Samples,
    rate: int,
    grid: Grid | None = None,
    *,
    bpm: float | None = None,
    metre: tuple[int, int] | None = None,
    downbeat_told: bool = False,
    key: str | None = None,
    check: Check = unchecked,
    gathered: Gathered | None = None,
    whole: bool = True,
) -> Listening:
    """Hear all that `Listening` holds in `samples` at `rate` Hz, but for what only the `whole` has.

    A told `grid` gives tempo and metre; its downbeat is kept when `downbeat_told`, else searched
    for. Without one, `bpm` and `metre` (`(beats, unit)`) may be told by themselves. A told `key` is
    kept, with confidence 1. Where `gathered` holds what `gather` took in of these samples, they are
    not gone through again.
    """
    told = _Told(grid, bpm, metre, downbeat_told)
    clip = gathered or gather(samples, rate, check, whole)
    clip = completed(clip, samples, rate, check) if whole else clip
    if clip.features is None:
        return _nothing(clip, told, key)
    ear, length_s = clip.features, clip.length_s
    line = ear.line or Line((), np.zeros(0), 1.0)
    bars = _bars(told, ear, check)
    check()
    onsets_s = pick_onsets(ear.onsets)
    notes = line.notes if ear.kind in ("singing", "solo") else ()
    if ear.kind == "mix":
        notes = lead_notes(ear.tones, onsets_s, check)
    found_key, sure, spans_heard = _harmony(ear, bars.grid, key, check)
    beat = pulses(bars.grid, length_s)
    return Listening(
        length_s=length_s,
        grid=bars.grid,
        tempo_confidence=bars.tempo_confidence,
        downbeat_confidence=bars.downbeat_confidence,
        key=found_key,
        key_confidence=sure,
        relative_key=relative_key(found_key) if found_key else None,
        chords=spans_heard,
        notes=notes,
        voiced=min(1.0, sum(n.length_s for n in notes) / length_s),
        kind=ear.kind,
        kind_confidence=line.kind_sure if whole else 1.0,
        has_drums=ear.has_drums,
        loudness_lufs=clip.loudness_lufs,
        peak_dbfs=clip.peak_dbfs,
        onsets_per_beat=len(onsets_s) * beat.mean_s / length_s,
        swing=find_swing(ear.attacks, beat),
        sections=_sections(ear, line, bars.grid) if whole else (),
        trace=Trace(ear.onsets, ear.tones),
    )


def find_grid(
    samples: Samples,
    rate: int,
    bpm: float | None = None,
    metre: tuple[int, int] | None = None,
    check: Check = unchecked,
    gathered: Gathered | None = None,
) -> tuple[Grid, float]:
    """Find tempo (when `bpm` is None) and bars only; the confidence 0…1 is of both together.

    `gathered` as for `listen`.
    """
    bars = hear_bars(samples, rate, bpm, metre, check, gathered)
    return bars.grid, bars.downbeat_confidence


def hear_bars(
    samples: Samples,
    rate: int,
    bpm: float | None = None,
    metre: tuple[int, int] | None = None,
    check: Check = unchecked,
    gathered: Gathered | None = None,
) -> Bars:
    """Find what `find_grid` does, with the confidences of tempo and downbeat apart."""
    told = _Told(None, bpm, metre, False)
    clip = gathered or gather(samples, rate, check, whole=False)
    if clip.features is None:
        return Bars(told.guess(DEFAULT_BPM), 1.0 if bpm else 0.0, 0.0)
    return _bars(told, clip.features, check)


def melody(samples: Samples, rate: int, check: Check = unchecked) -> tuple[Note, ...]:
    """Notes of a lone voice or instrument."""
    return notes_from(track_pitch(to_ear(samples, rate, check), check), check)


def chords(
    samples: Samples, rate: int, grid: Grid, key: str | None = None, check: Check = unchecked
) -> tuple[ChordSpan, ...]:
    """Chords of a mix whose bars are known."""
    heard = tones(to_ear(samples, rate, check), check)
    return _decoded(heard, grid, len(samples) / rate, key, check)[2]


def key(samples: Samples, rate: int, check: Check = unchecked) -> tuple[str | None, float]:
    """Key and confidence from the notes alone, without bars or chords."""
    heard = tones(to_ear(samples, rate, check), check)
    return find_key(_degrees(heard))


def _bars(told: _Told, ear: Features, check: Check) -> Bars:
    """Keep what was told of tempo, metre and downbeat, and find the rest."""
    if told.grid is not None and told.downbeat:
        return Bars(told.grid, 1.0, 1.0)
    bpm, sure = (told.bpm, 1.0) if told.grid or told.bpm else find_tempo(ear.onsets)
    grid = told.guess(bpm or DEFAULT_BPM)
    if told.grid is None and told.metre is None and ear.kind in ("mix", "drums"):
        metre = find_metre(ear.onsets, ear.tones, grid, ear.length_s, check)
        grid = Grid.steady(grid.points[0].bpm, *metre)
    placed, downbeat_sure = find_bars(ear.onsets, ear.tones, grid, ear.length_s, ear.attacks, check)
    # Bars at a wrong tempo are wrong, wherever they begin.
    return Bars(placed, sure, downbeat_sure * sure)


def _harmony(
    ear: Features, grid: Grid, told_key: str | None, check: Check
) -> tuple[str | None, float, tuple[ChordSpan, ...]]:
    """Key, its confidence and the chords, each as far as this kind of clip tells."""
    told = key_name(*parse_key(told_key)) if told_key else None
    if ear.kind == "mix":
        return _decoded(ear.tones, grid, ear.length_s, told, check)
    none = (ChordSpan(0.0, ear.length_s, NO_CHORD),)
    if told is not None:
        return told, 1.0, none
    if ear.kind == "drums":
        return None, 0.0, none
    notes = ear.line.notes if ear.line else ()
    found, sure = melody_key(notes, grid) if notes else find_key(_degrees(ear.tones))
    return found, sure * (_SPEECH_DOUBT if ear.kind == "speech" else 1.0), none


def _decoded(
    heard: Tones, grid: Grid, length_s: float, told_key: str | None, check: Check
) -> tuple[str | None, float, tuple[ChordSpan, ...]]:
    """Key and chords of a mix: chords without a key first, the key from them, chords again."""
    found, sure = told_key, 1.0
    if found is None:
        _, path = decode(heard, grid, length_s, None, check)
        found, sure = find_key(_degrees(heard), path)
    edges, path = decode(heard, grid, length_s, found, check)
    return found, sure, spans(edges, path, uses_flats(found))


def _degrees(heard: Tones) -> np.ndarray:
    """Total activation of each pitch class, `(12,)`."""
    return heard.notes.sum(axis=0, dtype=np.float64).reshape(-1, 12).sum(axis=0)


def _sections(ear: Features, line: Line, grid: Grid) -> tuple[Section, ...]:
    return find_sections(ear.onsets, ear.tones, line.level, grid, ear.length_s)


def _nothing(clip: Gathered, told: _Told, told_key: str | None) -> Listening:
    """Describe a clip with nothing to hear."""
    key = key_name(*parse_key(told_key)) if told_key else None
    return Listening(
        length_s=clip.length_s,
        grid=told.guess(DEFAULT_BPM),
        tempo_confidence=1.0 if told.grid or told.bpm else 0.0,
        downbeat_confidence=1.0 if told.downbeat else 0.0,
        key=key,
        key_confidence=1.0 if key else 0.0,
        relative_key=relative_key(key) if key else None,
        chords=(ChordSpan(0.0, clip.length_s, NO_CHORD),),
        notes=(),
        voiced=0.0,
        kind="silence",
        has_drums=False,
        loudness_lufs=clip.loudness_lufs,
        peak_dbfs=clip.peak_dbfs,
        onsets_per_beat=0.0,
        sections=(Section(0.0, clip.length_s, "A"),),
    )
