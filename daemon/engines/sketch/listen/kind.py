"""What a clip is: singing, speech, one instrument, drums, a mix, or silence.

Thresholds lie between the groups of rendered and synthesised clips that `benchmarks/listen.py`
describes; they are wide apart except between singing and a solo instrument with vibrato.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.listen.harmony import chord_scores
from daemon.engines.sketch.listen.onsets import Onsets
from daemon.engines.sketch.listen.pitch import HOP_S, Pitch
from daemon.engines.sketch.listen.tonal import Tones
from daemon.engines.sketch.listen.types import Kind, Note

SILENT_DBFS = -60.0
_LOUD_SHARE = 0.05  # of the loud frames' level: quieter frames say nothing about the kind
_NO_HARMONY = -16.0  # upper quartile of the best chord of each half second, log-odds
_STEP_S = 0.5
_WIDEST_STEP = 14  # semitones; a lone line seldom goes further at once


@dataclass(frozen=True)
class Traits:
    """Measures that tell kinds apart.

    `harmony`: upper quartile over half seconds of the log-odds of the best chord. `voiced`: share
    of loud frames with a clear pitch. `clarity`: their mean clarity. `wobble`: median deviation
    inside notes, semitones. `leaps`: share of steps wider than an octave and a tone. `sparseness`:
    median over time of Σa²/(Σa)² of the note activations, 1 where a single one sounds. `steady`:
    share of loud time. `hiss`: 98th and 90th percentile of the rise above 5 kHz; `thump`: 98th
    percentile below 130 Hz.
    """

    harmony: float
    voiced: float
    clarity: float
    wobble: float
    leaps: float
    sparseness: float
    steady: float
    hiss: tuple[float, float]
    thump: float

    @property
    def lone(self) -> bool:
        """Whether one pitch at a time explains the clip."""
        if self.hiss[0] > 0.75 and self.thump > 1.2:
            return False  # strokes both bright and low: something else plays too
        single = self.sparseness > 0.15 and self.leaps < 0.5
        return single and self.voiced > 0.6 and self.clarity > 0.75

    @property
    def drums(self) -> bool:
        """Whether bright noisy strokes come often enough to be percussion."""
        return self.hiss[0] > 0.75 and self.hiss[1] > 0.05 and not self.lone


def traits(
    onsets: Onsets, tones: Tones, pitch: Pitch, notes: Sequence[Note], length_s: float
) -> Traits:
    """Measure a clip."""
    loud = pitch.level > np.percentile(pitch.level, 95) * _LOUD_SHARE
    pitched = pitch.voiced
    voiced = pitched & loud
    heard = _heard(tones, length_s)
    return Traits(
        harmony=_harmony(heard),
        voiced=float(voiced.sum() / max(1, loud.sum())),
        clarity=float(pitch.clarity[loud].mean()) if loud.any() else 0.0,
        wobble=_wobble(pitch, pitched, notes),
        leaps=_leaps(notes),
        sparseness=_sparseness(heard),
        steady=float(loud.mean()),
        hiss=(float(np.percentile(onsets.high, 98)), float(np.percentile(onsets.high, 90))),
        thump=float(np.percentile(onsets.low, 98)),
    )


def kind_of(traits: Traits, peak_dbfs: float) -> Kind:
    """Name the kind of a clip."""
    if peak_dbfs <= SILENT_DBFS:
        return "silence"
    if traits.harmony < _NO_HARMONY:
        pitched, soft = traits.clarity - 0.55, 1.25 - traits.thump
        spoken = 4 * pitched + 2 * soft + 3 * (traits.steady - 0.62)
        return "speech" if spoken > 0 else "drums"
    if traits.lone:
        sung = traits.wobble > 0.065 or (traits.wobble > 0.035 and traits.voiced < 0.9)
        return "singing" if sung else "solo"
    return "mix"


def _heard(tones: Tones, length_s: float) -> np.ndarray:
    """Note activations pooled over steps, without the steps that are nearly silent."""
    notes = tones.pooled(np.arange(0, max(length_s, _STEP_S) + 1e-9, _STEP_S))
    strength = notes.sum(axis=1)
    return notes[strength > max(1e-2, 0.3 * float(np.median(strength)))]


def _harmony(notes: np.ndarray) -> float:
    if not len(notes):
        return float("-inf")
    return float(np.percentile(chord_scores(notes).max(axis=1), 75))


def _sparseness(notes: np.ndarray) -> float:
    if not len(notes):
        return 0.0
    return float(np.median(np.square(notes).sum(axis=1) / np.square(notes.sum(axis=1))))


def _wobble(pitch: Pitch, voiced: np.ndarray, notes: Sequence[Note]) -> float:
    deviations = []
    for note in notes:
        rows = slice(int(note.start_s / HOP_S) + 1, int(note.end_s / HOP_S) + 1)
        inside = voiced[rows]
        if inside.sum() >= 10:
            deviations.append(float(np.abs(pitch.midi[rows][inside] - note.midi).mean()))
    return float(np.median(deviations)) if deviations else 0.0


def _leaps(notes: Sequence[Note]) -> float:
    if len(notes) < 2:
        return 0.0
    return float((np.abs(np.diff([note.midi for note in notes])) > _WIDEST_STEP).mean())
