"""From a pitch track to notes: where each begins and ends and how high it is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.joints import Piece, joined
from daemon.engines.sketch.listen.paths import likeliest
from daemon.engines.sketch.listen.pitch import HOP_S, Pitch
from daemon.engines.sketch.listen.types import Note

_SPREAD = 0.55  # semitones of wobble (vibrato, portamento) about a note
_FARTHEST = 6.0  # cost of the worst frame, so that a single slip can't cut a note
_CHANGE_COST = 9.0
_EASED_BY_DB = 0.5  # less for each dB by which the level changes
_LEAST_CHANGE_COST = 3.0
_REST_COST = 2.0
_GLIDE = 1.2  # semitones in `_GLIDE_ROWS`: a row that moves so fast says half as much
_GLIDE_ROWS = 4
_SHORTEST = round(0.045 / HOP_S)  # rows
_PASSING = round(0.09 / HOP_S)  # rows; a shorter piece between two others is part of a glide
_NEAR = round(0.05 / HOP_S)
_BETWEEN = 0.3  # semitones
_DIP_DB = 7.0
_DIP_REACH = 8  # rows on either side of a dip that must be louder
_DIP_NEAR = 3  # rows on either side that are not softer


def notes_from(pitch: Pitch, check: Check = unchecked) -> tuple[Note, ...]:
    """Cut a pitch track into notes on the semitones of the singer's own tuning.

    `midi` of a note is the median of its frames, its confidence their mean clarity. Repeated
    notes are told apart by the dip in level between them; the gap that a consonant makes belongs to
    the notes around it.
    """
    voiced = pitch.voiced
    if not voiced.any():
        return ()
    states, rest = _states(pitch, voiced, check)
    cuts = np.flatnonzero(np.r_[True, states[1:] != states[:-1], True])
    found, decibels = [], 20 * np.log10(pitch.level + 1e-9)
    for start, end in pairwise(cuts.tolist()):
        if states[start] == rest:
            continue
        check()
        for a, b in _split_at_dips(decibels, start, end):
            found.append(_piece(pitch, voiced, a, b))
    pieces = _without_scraps([p for p in found if p is not None])
    return tuple(_note(p) for p in joined(pieces, pitch.level))


def detune_of(midi: np.ndarray) -> float:
    """Return the common offset of `midi` from whole semitones, −0.5…0.5."""
    return float(np.angle(np.exp(2j * np.pi * midi).mean()) / (2 * np.pi))


def _states(pitch: Pitch, voiced: np.ndarray, check: Check) -> tuple[np.ndarray, int]:
    """Return the semitone state of each row and the number that stands for rest."""
    detune = detune_of(pitch.midi[voiced])
    low, high = np.percentile(pitch.midi[voiced], [1, 99])
    semitones = np.arange(np.floor(low) - 1, np.ceil(high) + 2)
    sure = pitch.sureness
    steady = (sure / (1 + np.square(_glide(pitch.midi) / _GLIDE)))[:, None]
    away = (pitch.midi[:, None] - detune - semitones[None, :]) / _SPREAD
    cost = steady * np.minimum(away**2, _FARTHEST) + (1 - sure[:, None]) * _REST_COST
    scores = -np.concatenate([cost, _REST_COST * sure[:, None]], axis=1)
    return likeliest(scores, _change_costs(pitch.level), check), len(semitones)


def _glide(midi: np.ndarray) -> np.ndarray:
    """How far the pitch moves about each row, semitones in `_GLIDE_ROWS`."""
    half = _GLIDE_ROWS // 2
    padded = np.pad(midi, half, mode="edge")
    return padded[2 * half :] - padded[: -2 * half]


def _change_costs(level: np.ndarray) -> np.ndarray:
    """Cost of a change before each row: less where the level jumps."""
    decibels = 20 * np.log10(np.maximum(level, 1e-4 * level.max()))
    moved = np.abs(_glide(decibels))
    near = np.maximum(np.maximum(moved, np.r_[0.0, moved[:-1]]), np.r_[moved[1:], 0.0])
    return np.asarray(np.maximum(_CHANGE_COST - _EASED_BY_DB * near, _LEAST_CHANGE_COST))


def _split_at_dips(decibels: np.ndarray, start: int, end: int) -> list[tuple[int, int]]:
    """Cut `[start, end)` where the level dips between two louder stretches."""
    pieces, begin, least = [], start, start + _DIP_REACH
    for row in (start + _lowest(decibels[start:end])).tolist():
        if row < least:
            continue
        here = decibels[row]
        before = decibels[max(begin, row - _DIP_REACH) : row].max(initial=here)
        after = decibels[row : min(end, row + _DIP_REACH)].max()
        if min(before, after) - here > _DIP_DB:
            pieces.append((begin, row))
            begin, least = row, row + _DIP_REACH + 1
    pieces.append((begin, end))
    return pieces


def _lowest(decibels: np.ndarray) -> np.ndarray:
    """Return the rows that are no louder than those near them, without the first and last few."""
    if len(decibels) <= 2 * _DIP_REACH:
        return np.zeros(0, int)
    about = np.lib.stride_tricks.sliding_window_view(decibels, 2 * _DIP_NEAR + 1).min(axis=1)
    inner = decibels[_DIP_REACH : len(decibels) - _DIP_REACH]
    first = _DIP_REACH - _DIP_NEAR
    return np.flatnonzero(inner <= about[first : first + len(inner)]) + _DIP_REACH


def _piece(pitch: Pitch, voiced: np.ndarray, start: int, end: int) -> Piece | None:
    """Make a piece of rows `[start, end)`, or None when hardly any of them is voiced."""
    inside = voiced[start:end]
    if inside.mean() < 0.3:
        return None
    midi = float(np.median(pitch.midi[start:end][inside]))
    clarity = float(pitch.clarity[start:end][inside].mean())
    # In a short gap any row could be the border: the note is where it sounds.
    sounding = np.flatnonzero(inside)
    return Piece(start + int(sounding[0]), start + int(sounding[-1]) + 1, midi, clarity)


def _note(piece: Piece) -> Note:
    start, end = (piece.start - 0.5) * HOP_S, (piece.end - 0.5) * HOP_S
    return Note(max(0.0, start), end, piece.midi, piece.clarity)


def _without_scraps(pieces: list[Piece]) -> list[Piece]:
    """Leave out what is too short to be meant, or to be more than a step on a glide."""
    kept: list[Piece] = []
    for piece, following in zip(pieces, [*pieces[1:], None], strict=False):
        length = piece.end - piece.start
        if length < _SHORTEST or (length < _PASSING and _passes(kept, piece, following)):
            continue
        kept.append(piece)
    return kept


def _passes(before: list[Piece], piece: Piece, after: Piece | None) -> bool:
    """Whether a piece lies on the way from its neighbours' pitches and joins them at once."""
    if not before or after is None:
        return False
    low, high = sorted((before[-1].midi, after.midi))
    near = max(piece.start - before[-1].end, after.start - piece.end) < _NEAR
    return near and low + _BETWEEN < piece.midi < high - _BETWEEN
