"""What a clip is: singing, speech, one instrument, drums, a mix, or silence, and how sure that is.

Thresholds lie between the groups of rendered, sung and spoken clips of the benchmark's tuning set
and others like them. A voice that sings words changes its colour on one and the same pitch; an
instrument hardly does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.listen.harmony import chord_scores
from daemon.engines.sketch.listen.onsets import HOP_S as ONSET_HOP_S
from daemon.engines.sketch.listen.onsets import Onsets
from daemon.engines.sketch.listen.pitch import HOP_S, Pitch
from daemon.engines.sketch.listen.tonal import HOP_S as TONES_HOP_S
from daemon.engines.sketch.listen.tonal import LOWEST_MIDI, Tones
from daemon.engines.sketch.listen.types import Kind, Note

SILENT_DBFS = -60.0
_FAINT_DBFS = -40.0  # below it, what never stirs is the noise of a line or of a room
_STIR_DB = 3.0
_LOUD_SHARE = 0.05  # of the loud frames' level: quieter frames say nothing about the kind
_NO_HARMONY = -16.0  # upper quartile of the best chord of each half second, log-odds
_LITTLE_HARMONY = -11.0  # mixes have more, unless they hardly sound
_STEP_S = 0.5
_WIDEST_STEP = 14  # semitones; a lone line seldom goes further at once
_WORDS_DB = 3.4  # between voices with words and most instruments
_VIBRATO = 0.08  # semitones of wobble of many voices and of few instruments
_STIFF = 0.035  # no voice has less
_WAVERING = 0.115  # hardly an instrument has more
_GLIDING = 0.12  # spoken pitch has more
_WANDERING = -14.5  # harmony of a lone line that keeps to notes is greater
_BRIGHT, _OFTEN, _LOW = 0.75, 0.05, 1.2  # strokes above 5 kHz, most of them, and below 130 Hz
_STRUCK_DB_S = -12.0  # strings and bars that ring fall faster, voices never
_CLOSE_ROWS = 2  # of the note activations, whose frames are long
_TRIMMED_S = 0.04  # at both ends of a note, where it is not settled
_SHORTEST_S = 0.12  # notes whose colour is compared
_COLOUR_FLOOR_DB = -60.0


@dataclass(frozen=True)
class Traits:
    """Measures that tell kinds apart.

    `harmony`: upper quartile over half seconds of the log-odds of the best chord. `voiced`: share
    of loud frames with a clear pitch. `clarity`: their mean clarity. `wobble`: median deviation
    inside notes, semitones. `leaps`: share of steps wider than an octave and a tone. `sparseness`:
    median over time of Σa²/(Σa)² of the note activations, 1 where a single one sounds. `stir`: how
    far the loud moments rise above the middling ones, dB. `hiss`: 98th and 90th percentile of the
    rise above 5 kHz; `thump`: 98th percentile below 130 Hz. `words`: how far notes of one pitch
    differ in colour, dB. `swell`: median change of level inside notes, dB a second. `share`:
    median share of the note activations that the pitch heard at the time explains.
    """

    harmony: float
    voiced: float
    clarity: float
    wobble: float
    leaps: float
    sparseness: float
    stir: float
    hiss: tuple[float, float]
    thump: float
    words: float
    swell: float
    share: float

    @property
    def lone(self) -> float:
        """Above 0 where one pitch at a time explains the clip; ±1 is plain.

        A logit fitted on lone voices and instruments, plain and in rooms, against chords, broken
        chords, duos and songs. What leaps between two registers is two parts, and what fits a chord
        well without being sparse is one.
        """
        if _strokes_and_more(self.hiss, self.thump):
            return -1.0
        return (
            7 * self.clarity
            + 5 * self.voiced
            - 10 * self.leaps
            + 1.2 * float(np.log(max(self.sparseness, 1e-3)))
            - 0.55 * max(self.harmony, _NO_HARMONY)
            + 3.5 * self.share
            - 11.3
        ) / 2

    @property
    def sung(self) -> float:
        """Above 0 where a lone line is sung rather than played; ±1 is plain."""
        worded = (self.words - _WORDS_DB) + (self.wobble - _VIBRATO) / 0.04
        worded = min(worded, (self.wobble - _STIFF) / 0.01)
        lasting = (self.swell - _STRUCK_DB_S) / 4
        return min(lasting, max(worded, (self.wobble - _WAVERING) / 0.02))

    @property
    def spoken(self) -> float:
        """Above 0 where what has no harmony is speech rather than drums; ±1 is plain."""
        glides = min(self.wobble, 0.3) - 0.1
        return 4 * ((self.voiced - 0.25) + (self.clarity - 0.58) + glides)

    @property
    def chatter(self) -> float:
        """Above 0 where gliding syllables only seem to have harmony; ±1 is plain."""
        return min(
            (_LITTLE_HARMONY - self.harmony) / 3,
            (self.wobble - 0.08) / 0.05,
            (0.085 - self.sparseness) / 0.02,
            (self.clarity - 0.58) / 0.08,
        )

    @property
    def gliding(self) -> float:
        """Above 0 where a lone voice never stays on a note; ±1 is plain."""
        return min((_WANDERING - self.harmony) / 2, (self.wobble - _GLIDING) / 0.05)

    @property
    def drums(self) -> bool:
        """Whether bright noisy strokes come often enough to be percussion."""
        return _often_struck(self.hiss) and self.lone <= 0


def _strokes_and_more(hiss: tuple[float, float], thump: float) -> bool:
    """Whether strokes are both bright and low: something else than a lone line plays too."""
    return hiss[0] > _BRIGHT and thump > _LOW


def _often_struck(hiss: tuple[float, float]) -> bool:
    return hiss[0] > _BRIGHT and hiss[1] > _OFTEN


def plainly_mixed(onsets: Onsets, tones: Tones, length_s: float, peak_dbfs: float) -> bool:
    """Whether a clip is a mix whatever line is heard in it: no pitch need be followed to tell."""
    if peak_dbfs <= _FAINT_DBFS or not _strokes_and_more(_hiss(onsets), _thump(onsets)):
        return False
    return _harmony(_heard(tones, length_s)) >= _LITTLE_HARMONY


def with_percussion(onsets: Onsets) -> bool:
    """Whether what is plainly a mix has drums in it."""
    return _often_struck(_hiss(onsets))


def traits(
    onsets: Onsets, tones: Tones, pitch: Pitch, notes: Sequence[Note], length_s: float
) -> Traits:
    """Measure a clip."""
    loud = pitch.level > np.percentile(pitch.level, 95) * _LOUD_SHARE
    pitched = pitch.voiced
    voiced = pitched & loud
    heard = _heard(tones, length_s)
    typical, peak = np.percentile(pitch.level, [50, 98]) if len(pitch.level) else (0.0, 0.0)
    return Traits(
        harmony=_harmony(heard),
        voiced=float(voiced.sum() / max(1, loud.sum())),
        clarity=float(pitch.clarity[loud].mean()) if loud.any() else 0.0,
        wobble=_wobble(pitch, pitched, notes),
        leaps=_leaps(notes),
        sparseness=_sparseness(heard),
        stir=float(20 * np.log10((peak + 1e-9) / (typical + 1e-9))),
        hiss=_hiss(onsets),
        thump=_thump(onsets),
        words=_words(onsets, notes),
        swell=_swell(pitch, notes),
        share=_share(tones, pitch),
    )


def kind_of(traits: Traits, peak_dbfs: float) -> tuple[Kind, float]:
    """Return the kind of a clip and a confidence, 0.5 where it could as well be another, to 1."""
    if peak_dbfs <= SILENT_DBFS:
        return "silence", 1.0
    if peak_dbfs <= _FAINT_DBFS and traits.stir < _STIR_DB:
        return "silence", 0.5 + 0.5 * min(1.0, (_FAINT_DBFS - peak_dbfs) / 10)
    if traits.lone > 0:
        if traits.gliding > 0:
            return "speech", _sure(traits.lone, traits.gliding)
        return ("singing" if traits.sung > 0 else "solo"), _sure(traits.lone, traits.sung)
    bare = (_NO_HARMONY - traits.harmony) / 2
    if bare > 0:
        return ("speech" if traits.spoken > 0 else "drums"), _sure(bare, traits.spoken)
    if traits.chatter > 0:
        return "speech", _sure(traits.chatter)
    return "mix", _sure(bare, traits.lone, traits.chatter)


def _sure(*margins: float) -> float:
    return 0.5 + 0.5 * min(1.0, *(abs(margin) for margin in margins))


def _hiss(onsets: Onsets) -> tuple[float, float]:
    return float(np.percentile(onsets.high, 98)), float(np.percentile(onsets.high, 90))


def _thump(onsets: Onsets) -> float:
    return float(np.percentile(onsets.low, 98))


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


def _swell(pitch: Pitch, notes: Sequence[Note]) -> float:
    """Median slope of the level inside notes, without their ends, dB a second; 0 without notes."""
    decibels = 20 * np.log10(pitch.level + 1e-9)
    slopes = []
    for note in notes:
        first, last = (int(s / HOP_S) for s in (note.start_s + 0.06, note.end_s - 0.05))
        inside = decibels[first:last]
        if len(inside) >= 8:
            away = np.arange(len(inside)) - (len(inside) - 1) / 2
            slopes.append(float(away @ inside / (away @ away)) / HOP_S)
    return float(np.median(slopes)) if slopes else 0.0


def _share(tones: Tones, pitch: Pitch) -> float:
    """Median over time of the share of activations within a semitone of a pitch heard close by."""
    row = np.round(np.arange(len(pitch.midi)) * (HOP_S / TONES_HOP_S)).astype(int)
    column = np.round(pitch.midi - tones.detune).astype(int) - LOWEST_MIDI
    kept = (pitch.sureness > 0.5) & (row < len(tones.notes))
    kept &= (column >= 1) & (column < tones.notes.shape[1] - 1)
    near = np.zeros((len(tones.notes) + 2 * _CLOSE_ROWS, tones.notes.shape[1]), bool)
    for later in range(2 * _CLOSE_ROWS + 1):
        for aside in (-1, 0, 1):
            near[row[kept] + later, column[kept] + aside] = True
    near = near[_CLOSE_ROWS : len(near) - _CLOSE_ROWS]
    whole = tones.notes.sum(axis=1)
    loud = whole > 0.3 * float(np.median(whole))
    if not loud.any():
        return 0.0
    return float(np.median((tones.notes * near).sum(axis=1)[loud] / whole[loud]))


def _leaps(notes: Sequence[Note]) -> float:
    if len(notes) < 2:
        return 0.0
    return float((np.abs(np.diff([note.midi for note in notes])) > _WIDEST_STEP).mean())


def _words(onsets: Onsets, notes: Sequence[Note]) -> float:
    """Median difference in colour between each note and the next one of its pitch, dB.

    0 where no pitch comes twice.
    """
    last: dict[int, np.ndarray] = {}
    apart = []
    for note in notes:
        if note.length_s < _SHORTEST_S:
            continue
        rows = slice(
            int((note.start_s + _TRIMMED_S) / ONSET_HOP_S),
            int((note.end_s - _TRIMMED_S) / ONSET_HOP_S) + 1,
        )
        colour = _colour(onsets.colour[rows])
        pitch = round(note.midi)
        if pitch in last:
            apart.append(float(np.abs(colour - last[pitch]).mean()))
        last[pitch] = colour
    return float(np.median(apart)) if apart else 0.0


def _colour(power: np.ndarray) -> np.ndarray:
    """Level of each band relative to the whole, dB."""
    mean = power.mean(axis=0) if len(power) else np.zeros(power.shape[1])
    share = mean / max(float(mean.sum()), 1e-12)
    return np.asarray(np.maximum(10 * np.log10(share + 1e-12), _COLOUR_FLOOR_DB))
