"""The leading line of a mix: the notes above middle C that stand out, roughly.

Eight of ten sung or played sixteenths are right on plain mixes, fewer where chords lie above the
line; the confidence of these notes says so.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.paths import likeliest
from daemon.engines.sketch.listen.tonal import HOP_S, LOWEST_MIDI, Tones
from daemon.engines.sketch.listen.types import Note

_RANGE = (60, 90)
_CHANGE_COST = 3.0
_REST = 1.0  # salience that silence counts as
_SURE = 0.6  # of a note that stands out fully
_SNAP_S = 0.06
_SHORTEST_S = 0.08


def lead_notes(tones: Tones, onsets_s: np.ndarray, check: Check = unchecked) -> tuple[Note, ...]:
    """Return the leading line; its notes begin on the nearest of `onsets_s` if one is close."""
    heard = tones.notes[:, _RANGE[0] - LOWEST_MIDI : _RANGE[1] - LOWEST_MIDI]
    loud = float(np.percentile(heard.max(axis=1), 80))
    if loud <= 0:
        return ()
    salience = np.log1p(10 * heard / loud)
    scores = np.concatenate([salience, np.full((len(salience), 1), _REST)], axis=1)
    path = likeliest(scores, np.full(len(scores), _CHANGE_COST), check)
    cuts = np.flatnonzero(np.r_[True, path[1:] != path[:-1], True])
    notes: list[Note] = []
    for first, last in pairwise(cuts.tolist()):
        state = int(path[first])
        if state == heard.shape[1]:
            continue
        start = _snapped((first - 0.5) * HOP_S, onsets_s)
        if notes and notes[-1].end_s > start:
            notes[-1] = Note(notes[-1].start_s, start, notes[-1].midi, notes[-1].confidence)
        end = max(start + _SHORTEST_S, (last - 0.5) * HOP_S)
        sure = _SURE * float(np.clip(salience[first:last, state].mean() / np.log(11), 0, 1))
        notes.append(Note(start, end, float(_RANGE[0] + state + tones.detune), sure))
    return tuple(note for note in notes if note.length_s > _SHORTEST_S / 2)


def _snapped(second: float, onsets_s: np.ndarray) -> float:
    """Return the onset closest to `second` if it is near, else `second`, not before 0."""
    if len(onsets_s):
        nearest = float(onsets_s[np.argmin(np.abs(onsets_s - second))])
        if abs(nearest - second) <= _SNAP_S:
            return max(0.0, nearest)
    return max(0.0, second)
