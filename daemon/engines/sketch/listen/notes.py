"""From a pitch track to notes: where each begins and ends and how high it is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.paths import likeliest
from daemon.engines.sketch.listen.pitch import HOP_S, Pitch
from daemon.engines.sketch.listen.types import Note

_SPREAD = 0.55  # semitones of wobble (vibrato, portamento) about a note
_FARTHEST = 6.0  # cost of the worst frame, so that a single slip can't cut a note
_CHANGE_COST = 9.0
_REST_COST = 2.0
_SHORTEST_S = 0.055
_SHORT_GAP_S = 0.05
_DIP_DB = 7.0
_DIP_REACH = 8  # rows on either side of a dip that must be louder


def notes_from(pitch: Pitch, check: Check = unchecked) -> tuple[Note, ...]:
    """Cut a pitch track into notes on the semitones of the singer's own tuning.

    `midi` of a note is the median of its frames, its confidence their mean clarity. Repeated
    notes are told apart by the dip in level between them.
    """
    voiced = pitch.voiced
    if not voiced.any():
        return ()
    states, rest = _states(pitch, voiced, check)
    cuts = np.flatnonzero(np.r_[True, states[1:] != states[:-1], True])
    found = []
    for start, end in pairwise(cuts.tolist()):
        if states[start] == rest:
            continue
        check()
        for a, b in _split_at_dips(pitch.level, start, end):
            found.append(_note(pitch, voiced, a, b))
    return tuple(_without_scraps([n for n in found if n is not None]))


def detune_of(midi: np.ndarray) -> float:
    """Return the common offset of `midi` from whole semitones, −0.5…0.5."""
    return float(np.angle(np.exp(2j * np.pi * midi).mean()) / (2 * np.pi))


def _states(pitch: Pitch, voiced: np.ndarray, check: Check) -> tuple[np.ndarray, int]:
    """Return the semitone state of each row and the number that stands for rest."""
    detune = detune_of(pitch.midi[voiced])
    low, high = np.percentile(pitch.midi[voiced], [1, 99])
    semitones = np.arange(np.floor(low) - 1, np.ceil(high) + 2)
    away = (pitch.midi[:, None] - detune - semitones[None, :]) / _SPREAD
    cost = np.minimum(away**2, _FARTHEST)
    cost[~voiced] = _REST_COST
    rest = np.where(voiced, _REST_COST, 0.0)
    scores = -np.concatenate([cost, rest[:, None]], axis=1)
    return likeliest(scores, np.full(len(scores), _CHANGE_COST), check), len(semitones)


def _split_at_dips(level: np.ndarray, start: int, end: int) -> list[tuple[int, int]]:
    """Cut `[start, end)` where the level dips between two louder stretches."""
    decibels = 20 * np.log10(level[start:end] + 1e-9)
    pieces, begin = [], 0
    row = _DIP_REACH
    while row < len(decibels) - _DIP_REACH:
        here = decibels[row]
        before = decibels[max(begin, row - _DIP_REACH) : row].max(initial=here)
        after = decibels[row : row + _DIP_REACH].max()
        lowest = here <= decibels[row - 3 : row + 4].min()
        if lowest and min(before, after) - here > _DIP_DB:
            pieces.append((start + begin, start + row))
            begin = row
            row += _DIP_REACH
        row += 1
    pieces.append((start + begin, end))
    return pieces


def _note(pitch: Pitch, voiced: np.ndarray, start: int, end: int) -> Note | None:
    """Make a note of rows `[start, end)`, or None when hardly any of them is voiced."""
    inside = voiced[start:end]
    if inside.mean() < 0.3:
        return None
    midi = float(np.median(pitch.midi[start:end][inside]))
    clarity = float(pitch.clarity[start:end][inside].mean())
    # In a short gap any row could be the border: the note is where it sounds.
    sounding = np.flatnonzero(inside)
    start, end = start + int(sounding[0]), start + int(sounding[-1]) + 1
    return Note(max(0.0, (start - 0.5) * HOP_S), (end - 0.5) * HOP_S, midi, clarity)


def _without_scraps(notes: list[Note]) -> list[Note]:
    """Give notes too short to be meant to the next one when it follows at once, else drop them."""
    kept: list[Note] = []
    carried: float | None = None
    for note, following in zip(notes, [*notes[1:], None], strict=False):
        start = note.start_s if carried is None else carried
        carried = None
        if note.length_s >= _SHORTEST_S:
            kept.append(Note(start, note.end_s, note.midi, note.confidence))
        elif following is not None and following.start_s - note.end_s < _SHORT_GAP_S:
            carried = start
    return kept
