"""What the ear takes in of a clip, before bars and harmony: it goes through the samples once.

The clip comes in blocks and leaves as one channel at `EAR_RATE_HZ` (53 MB for 10 minutes), which is
let go of once its features are there. What only some jobs ask for is left out where nobody does: it
takes most of the time.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from daemon.audio.clips import Samples, as_reader
from daemon.engines.sketch.listen.frames import (
    EAR_RATE_HZ,
    Check,
    ear_stream,
    finite,
    folded,
    unchecked,
)
from daemon.engines.sketch.listen.kind import (
    SILENT_DBFS,
    kind_of,
    plainly_mixed,
    traits,
    with_percussion,
)
from daemon.engines.sketch.listen.level import (
    block_frames,
    block_peak,
    decibels,
    gated_lufs,
    loudness_lufs,
    step_powers,
)
from daemon.engines.sketch.listen.notes import notes_from
from daemon.engines.sketch.listen.onsets import Onsets, attack_strength, onset_strength
from daemon.engines.sketch.listen.pitch import Pitch, track_pitch
from daemon.engines.sketch.listen.tonal import Tones, tones
from daemon.engines.sketch.listen.types import Kind, Note

_SHORTEST_S = 0.05
_SPARE = 16  # samples by which the ear's rate may round up
KEPT_S = 60.0
"""Clips up to this length keep what the ear heard of them for what is still left out: 5 MB."""


@dataclass(frozen=True)
class Line:
    """What following one pitch tells: notes, level (see `Pitch`), how sure the kind is.

    It is the clip's melody where the clip is one line.
    """

    notes: tuple[Note, ...]
    level: np.ndarray
    kind_sure: float


@dataclass(frozen=True)
class Features:
    """What was heard in a clip that is not silent; `line` is None where the kind is plain."""

    onsets: Onsets
    tones: Tones
    attacks: tuple[np.ndarray, np.ndarray]
    kind: Kind
    has_drums: bool
    length_s: float
    line: Line | None


@dataclass(frozen=True)
class Gathered:
    """A clip as the ear took it in; `features` is None for silence. Some 15 MB for 10 minutes.

    `loudness_lufs` is None where it was not asked for. `signal` is what the ear heard, kept of a
    short clip whose line may yet be asked for.
    """

    length_s: float
    peak_dbfs: float
    loudness_lufs: float | None
    features: Features | None
    signal: np.ndarray | None = None


def gather(samples: Samples, rate: int, check: Check = unchecked, whole: bool = True) -> Gathered:
    """Take in `(frames, channels)` at `rate` Hz; the samples are gone through once, in blocks.

    Unless the `whole` is asked for, loudness is left out, and the line of what is plainly a mix.
    """
    signal, peak, loudness = _taken_in(samples, rate, check, whole)
    length_s = len(samples) / rate
    if length_s < _SHORTEST_S or peak <= SILENT_DBFS:
        return Gathered(length_s, peak, loudness, None)
    found = Gathered(length_s, peak, loudness, _features(signal, peak, length_s, check), signal)
    found = completed(found, samples, rate, check) if whole else found
    return found if length_s <= KEPT_S else replace(found, signal=None)


def completed(found: Gathered, samples: Samples, rate: int, check: Check = unchecked) -> Gathered:
    """Return what was gathered of these samples with all that was left out."""
    if found.loudness_lufs is None:
        found = replace(found, loudness_lufs=loudness_lufs(samples, rate, check))
    ear = found.features
    if ear is not None and ear.line is None:
        signal = found.signal
        signal = _taken_in(samples, rate, check, False)[0] if signal is None else signal
        pitch, notes = _followed(signal, check)
        measured = traits(ear.onsets, ear.tones, pitch, notes, ear.length_s)
        line = Line(notes, pitch.level, kind_of(measured, found.peak_dbfs)[1])
        found = replace(found, features=replace(ear, line=line))
    return replace(found, signal=None)


def _taken_in(
    samples: Samples, rate: int, check: Check, loud: bool
) -> tuple[np.ndarray, float, float | None]:
    """Return the signal for the ear, the peak in dB full scale and, if asked, loudness in LUFS."""
    stream = ear_stream(rate)
    # Filled block by block: joining them at the end would hold all of it twice.
    signal = np.empty(len(samples) * EAR_RATE_HZ // rate + _SPARE, np.float32)
    at, powers = 0, []
    state, peak = None, 0.0
    blocks = as_reader(samples, rate).blocks(block_frames(rate))
    for block in itertools.chain(blocks, [None]):
        check()
        if block is not None:
            block = finite(block)
            peak = max(peak, block_peak(block))
        if block is not None and loud:
            power, state = step_powers(block, state, rate)
            powers.append(power)
        piece = folded(stream, block)
        signal[at : at + len(piece)] = piece
        at += len(piece)
    return signal[:at], decibels(peak), gated_lufs(powers) if loud else None


def _features(signal: np.ndarray, peak: float, length_s: float, check: Check) -> Features:
    onsets, heard = onset_strength(signal, check), tones(signal, check)
    line: Line | None = None
    kind: Kind = "mix"
    if plainly_mixed(onsets, heard, length_s, peak):
        drums = with_percussion(onsets)
    else:
        pitch, notes = _followed(signal, check)
        measured = traits(onsets, heard, pitch, notes, length_s)
        check()
        kind, kind_sure = kind_of(measured, peak)
        drums = kind == "drums" or (kind == "mix" and measured.drums)
        line = Line(notes, pitch.level, kind_sure)
    attacks = attack_strength(signal, check)
    check()
    return Features(onsets, heard, attacks, kind, drums, length_s, line)


def _followed(signal: np.ndarray, check: Check) -> tuple[Pitch, tuple[Note, ...]]:
    pitch = track_pitch(signal, check)
    notes = notes_from(pitch, check)
    check()
    return pitch, notes
