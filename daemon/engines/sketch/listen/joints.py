"""Where one sung note ends and the next begins, when a consonant or a room blurs the border.

Rows are those of the pitch track.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from daemon.engines.sketch.listen.pitch import HOP_S

_CONSONANT = round(0.16 / HOP_S)  # rows; a shorter gap is articulation, not a rest
# The beat of a syllable is felt inside its consonant, past the middle (the P-centre of Marcus 1981,
# who found 0.65 of the time to the vowel).
_BEAT_AT = 0.65
_FALL_DB = 5.0
_FALL_ROWS = 4
_TAIL = round(0.15 / HOP_S)  # rows before a border in which the singer may have stopped already
_BODY = round(0.1 / HOP_S)  # rows at the beginning of a note that are never its tail


@dataclass(frozen=True)
class Piece:
    """Rows `[start, end)` of one note, its pitch and its mean clarity."""

    start: int
    end: int
    midi: float
    clarity: float


def joined(pieces: Sequence[Piece], level: np.ndarray) -> list[Piece]:
    """Return the pieces without the tails of a room and without the gaps of consonants."""
    decibels = 20 * np.log10(np.maximum(level, 1e-9))
    found: list[Piece] = []
    beat: int | None = None
    for piece, following in zip(pieces, [*pieces[1:], None], strict=False):
        start = piece.start if beat is None else beat
        end, beat = _release(decibels, piece), None
        if following is not None and following.start - piece.end < _CONSONANT:
            end = beat = end + round(_BEAT_AT * (following.start - end))
        found.append(replace(piece, start=start, end=end))
    return found


def _release(decibels: np.ndarray, piece: Piece) -> int:
    """Return the row where the note is let go and only the room goes on, else its end."""
    first = max(piece.start + _BODY, piece.end - _TAIL)
    rows = decibels[first : piece.end + _FALL_ROWS]
    if len(rows) <= _FALL_ROWS:
        return piece.end
    fall = rows[:-_FALL_ROWS] - rows[_FALL_ROWS:]
    at = int(np.argmax(fall))
    if fall[at] < _FALL_DB:
        return piece.end
    return min(piece.end, first + at + _FALL_ROWS // 2)
