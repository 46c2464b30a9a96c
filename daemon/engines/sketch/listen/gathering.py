"""What the ear takes in of a clip, before bars and harmony: it goes through the samples once.

The clip comes in blocks and leaves as one channel at `EAR_RATE_HZ` (53 MB for 10 minutes), which is
let go of once its features are there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

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
from daemon.engines.sketch.listen.kind import SILENT_DBFS, kind_of, traits
from daemon.engines.sketch.listen.level import (
    block_frames,
    block_peak,
    decibels,
    gated_lufs,
    step_powers,
)
from daemon.engines.sketch.listen.notes import notes_from
from daemon.engines.sketch.listen.onsets import Onsets, attack_strength, onset_strength
from daemon.engines.sketch.listen.pitch import track_pitch
from daemon.engines.sketch.listen.tonal import Tones, tones
from daemon.engines.sketch.listen.types import Kind, Note

_SHORTEST_S = 0.05
_SPARE = 16  # samples by which the ear's rate may round up


@dataclass(frozen=True)
class Features:
    """What was heard in a clip that is not silent."""

    onsets: Onsets
    tones: Tones
    attacks: tuple[np.ndarray, np.ndarray]
    level: np.ndarray
    notes: tuple[Note, ...]
    kind: Kind
    kind_sure: float
    has_drums: bool
    length_s: float


@dataclass(frozen=True)
class Gathered:
    """A clip as the ear took it in; `features` is None for silence. Some 15 MB for 10 minutes."""

    length_s: float
    peak_dbfs: float
    loudness_lufs: float
    features: Features | None


def gather(samples: Samples, rate: int, check: Check = unchecked) -> Gathered:
    """Take in `(frames, channels)` at `rate` Hz; the samples are gone through once, in blocks."""
    signal, peak, loudness = _taken_in(samples, rate, check)
    length_s = len(samples) / rate
    if length_s < _SHORTEST_S or peak <= SILENT_DBFS:
        return Gathered(length_s, peak, loudness, None)
    return Gathered(length_s, peak, loudness, _features(signal, peak, length_s, check))


def _taken_in(samples: Samples, rate: int, check: Check) -> tuple[np.ndarray, float, float]:
    """Return the signal for the ear, the peak in dB full scale and the loudness in LUFS."""
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
            power, state = step_powers(block, state, rate)
            powers.append(power)
        piece = folded(stream, block)
        signal[at : at + len(piece)] = piece
        at += len(piece)
    return signal[:at], decibels(peak), gated_lufs(powers)


def _features(signal: np.ndarray, peak: float, length_s: float, check: Check) -> Features:
    onsets, heard = onset_strength(signal, check), tones(signal, check)
    pitch = track_pitch(signal, check)
    notes = notes_from(pitch, check)
    check()
    measured = traits(onsets, heard, pitch, notes, length_s)
    check()
    kind, kind_sure = kind_of(measured, peak)
    drums = kind == "drums" or (kind == "mix" and measured.drums)
    attacks = attack_strength(signal, check)
    check()
    return Features(onsets, heard, attacks, pitch.level, notes, kind, kind_sure, drums, length_s)
