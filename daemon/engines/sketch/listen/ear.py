"""Listening to a clip from end to end: the public functions of this package.

Samples are float32 `(frames, channels)`, nominal peak ±1. Long clips are read in blocks: beyond
the clip itself a 10-minute one needs some 150 MB. `check` is called at least every 100 ms of work
and may raise to abandon it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.bars import find_bars, find_metre
from daemon.engines.sketch.listen.harmony import decode, spans
from daemon.engines.sketch.listen.frames import Check, to_ear, unchecked
from daemon.engines.sketch.listen.keys import find_key
from daemon.engines.sketch.listen.kind import kind_of, traits
from daemon.engines.sketch.listen.level import loudness_lufs, peak_dbfs
from daemon.engines.sketch.listen.notes import notes_from
from daemon.engines.sketch.listen.names import key_name, parse_key, relative_key, uses_flats
from daemon.engines.sketch.listen.onsets import (
    Onsets,
    attack_strength,
    onset_strength,
    pick_onsets,
)
from daemon.engines.sketch.listen.pitch import track_pitch
from daemon.engines.sketch.listen.pulse import pulses
from daemon.engines.sketch.listen.tempo import find_tempo
from daemon.engines.sketch.listen.tonal import Tones, tones
from daemon.engines.sketch.listen.types import NO_CHORD, ChordSpan, Kind, Listening, Note

_SPEECH_DOUBT = 0.3  # share of the key's confidence that is left when the clip is speech
_SHORTEST_S = 0.05


@dataclass(frozen=True)
class _Told:
    """What the client said about the grid; None and False where it said nothing."""

    grid: Grid | None
    bpm: float | None
    metre: tuple[int, int] | None
    downbeat: bool


@dataclass(frozen=True)
class _Bars:
    """A grid with how sure its tempo and its downbeat are."""

    grid: Grid
    tempo_confidence: float
    downbeat_confidence: float


def listen(
    samples: np.ndarray,
    rate: int,
    grid: Grid | None = None,
    *,
    bpm: float | None = None,
    metre: tuple[int, int] | None = None,
    downbeat_told: bool = False,
    key: str | None = None,
    check: Check = unchecked,
) -> Listening:
    """Hear all that `Listening` holds in `samples` at `rate` Hz.

    A told `grid` gives tempo and metre; its downbeat is kept when `downbeat_told`, else searched
    for. Without one, `bpm` and `metre` (`(beats, unit)`) may be told by themselves. A told `key` is
    kept, with confidence 1.
    """
    peak = peak_dbfs(samples)
    signal = to_ear(samples, rate, check)
    length_s = len(samples) / rate
    if length_s < _SHORTEST_S or peak <= -60:
        return _nothing(length_s, grid or _steady(bpm, metre), key, peak, samples, rate, check)
    onsets, notes_heard = onset_strength(signal, check), tones(signal, check)
    told = _Told(grid, bpm, metre, downbeat_told)
    bars = _bars(told, onsets, notes_heard, attack_strength(signal), length_s)
    check()
    pitch = track_pitch(signal, check)
    sung = notes_from(pitch)
    measured = traits(onsets, notes_heard, pitch, sung, length_s)
    kind = kind_of(measured, peak)
    notes = sung if kind in ("singing", "solo") else ()
    found_key, sure, chords = _harmony(notes_heard, bars.grid, length_s, kind, notes, key, check)
    return Listening(
        length_s=length_s,
        grid=bars.grid,
        tempo_confidence=bars.tempo_confidence,
        downbeat_confidence=bars.downbeat_confidence,
        key=found_key,
        key_confidence=sure,
        relative_key=relative_key(found_key) if found_key else None,
        chords=chords,
        notes=notes,
        voiced=min(1.0, sum(n.length_s for n in notes) / length_s),
        kind=kind,
        has_drums=kind == "drums" or (kind == "mix" and measured.drums),
        loudness_lufs=loudness_lufs(samples, rate, check),
        peak_dbfs=peak,
        onsets_per_beat=_density(onsets, bars.grid, length_s),
    )


def find_grid(
    samples: np.ndarray,
    rate: int,
    bpm: float | None = None,
    metre: tuple[int, int] | None = None,
    check: Check = unchecked,
) -> tuple[Grid, float]:
    """Find tempo (when `bpm` is None) and bars only; the confidence 0…1 is of both together."""
    signal = to_ear(samples, rate, check)
    if len(samples) / rate < _SHORTEST_S:
        return _steady(bpm, metre), 0.0
    onsets, heard = onset_strength(signal, check), tones(signal, check)
    told = _Told(None, bpm, metre, False)
    bars = _bars(told, onsets, heard, attack_strength(signal), len(samples) / rate)
    return bars.grid, bars.tempo_confidence * bars.downbeat_confidence


def melody(samples: np.ndarray, rate: int, check: Check = unchecked) -> tuple[Note, ...]:
    """Notes of a lone voice or instrument."""
    return notes_from(track_pitch(to_ear(samples, rate, check), check))


def chords(
    samples: np.ndarray, rate: int, grid: Grid, key: str | None = None, check: Check = unchecked
) -> tuple[ChordSpan, ...]:
    """Chords of a mix whose bars are known."""
    length_s = len(samples) / rate
    heard = tones(to_ear(samples, rate, check), check)
    return _harmony(heard, grid, length_s, "mix", (), key, check)[2]


def key(samples: np.ndarray, rate: int, check: Check = unchecked) -> tuple[str | None, float]:
    """Key and confidence from the notes alone, without bars or chords."""
    heard = tones(to_ear(samples, rate, check), check)
    return find_key(_degrees(heard))


def _steady(bpm: float | None, metre: tuple[int, int] | None) -> Grid:
    return Grid.steady(bpm or 120.0, *(metre or (4, 4)))


def _bars(
    told: _Told,
    onsets: Onsets,
    heard: Tones,
    attacks: tuple[np.ndarray, np.ndarray],
    length_s: float,
) -> _Bars:
    """Keep what was told of tempo, metre and downbeat, and find the rest."""
    if told.grid is not None and told.downbeat:
        return _Bars(told.grid, 1.0, 1.0)
    bpm, sure = (told.bpm, 1.0) if told.grid or told.bpm else find_tempo(onsets)
    grid = told.grid or _steady(bpm, told.metre)
    if told.grid is None and told.metre is None:
        grid = _steady(bpm, find_metre(onsets, heard, grid, length_s))
    placed, downbeat_sure = find_bars(onsets, heard, grid, length_s, attacks)
    return _Bars(placed, sure, downbeat_sure)


def _harmony(
    heard: Tones,
    grid: Grid,
    length_s: float,
    kind: Kind,
    notes: tuple[Note, ...],
    told_key: str | None,
    check: Check,
) -> tuple[str | None, float, tuple[ChordSpan, ...]]:
    """Key, its confidence and the chords, each as far as this kind of clip tells."""
    none = (ChordSpan(0.0, length_s, NO_CHORD),)
    told = key_name(*parse_key(told_key)) if told_key else None
    if kind in ("drums", "silence"):
        return told, 1.0 if told else 0.0, none
    if kind != "mix":
        weights = _sung_degrees(notes) if notes else _degrees(heard)
        found, sure = find_key(weights)
        doubt = _SPEECH_DOUBT if kind == "speech" else 1.0
        return (told, 1.0, none) if told else (found, sure * doubt, none)
    found, sure = told, 1.0
    if told is None:
        _, path = decode(heard, grid, length_s, None, check)
        found, sure = find_key(_degrees(heard), path)
    edges, path = decode(heard, grid, length_s, found, check)
    return found, sure, spans(edges, path, uses_flats(found))


def _degrees(heard: Tones) -> np.ndarray:
    """Total activation of each pitch class, `(12,)`."""
    return heard.notes.sum(axis=0, dtype=np.float64).reshape(-1, 12).sum(axis=0)


def _sung_degrees(notes: tuple[Note, ...]) -> np.ndarray:
    """Seconds that each pitch class is sung, in the singer's own tuning, `(12,)`."""
    midi = np.array([n.midi for n in notes])
    length = np.array([n.length_s for n in notes])
    detune = np.angle((length * np.exp(2j * np.pi * midi)).sum()) / (2 * np.pi)
    return np.bincount(np.round(midi - detune).astype(int) % 12, length, 12)


def _density(onsets: Onsets, grid: Grid, length_s: float) -> float:
    """Onsets a beat over the clip."""
    return len(pick_onsets(onsets)) * pulses(grid, length_s).mean_s / length_s


def _nothing(
    length_s: float,
    grid: Grid,
    told_key: str | None,
    peak: float,
    samples: np.ndarray,
    rate: int,
    check: Check,
) -> Listening:
    """Describe a clip with nothing to hear."""
    told = key_name(*parse_key(told_key)) if told_key else None
    return Listening(
        length_s=length_s,
        grid=grid,
        tempo_confidence=0.0,
        downbeat_confidence=0.0,
        key=told,
        key_confidence=1.0 if told else 0.0,
        relative_key=relative_key(told) if told else None,
        chords=(ChordSpan(0.0, length_s, NO_CHORD),),
        notes=(),
        voiced=0.0,
        kind="silence",
        has_drums=False,
        loudness_lufs=loudness_lufs(samples, rate, check),
        peak_dbfs=peak,
        onsets_per_beat=0.0,
    )
