"""Finds where reused material jumps in its source, from the sound alone.

New material that is made of the clip's own bars is, up to a slowly changing gain, a copy of the
clip at some offset; where the offset changes there is a jump. Positions are frames.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import oaconvolve

_SAME = 0.999  # cosine between a copy and its source
_LONG, _SHORT, _STEP = 4096, 256, 64
_BEYOND_S = 0.03  # no fade between two copies is longer
_GIVE_UP_S = 0.25


def find_jumps(new: np.ndarray, source: np.ndarray, rate: int) -> list[int]:
    """Return the frames of `new` (mono) in the middle of each change of offset in `source`."""
    found: list[int] = []
    energy = np.concatenate([[0.0], np.cumsum(source**2)])
    at, offset = _search(new, source, energy, 0, rate)
    while offset is not None:
        left = _follow(new, source, at, offset)
        if left + _LONG >= len(new):
            break
        beyond = left + round(_BEYOND_S * rate)
        if _goes_on(new, source, beyond, offset):
            at = beyond
            continue
        at, following = _search(new, source, energy, beyond, rate)
        if following is None:
            break
        end = left + _SHORT
        begin = _back(new, source, at, following, left - round(_GIVE_UP_S * rate))
        # Where both offsets sound alike, or it is too quiet to tell, nobody hears where it is.
        apart = following != offset and 0 < begin - end <= _BEYOND_S * rate
        if apart and not _uncut(new, source, energy, left, begin):
            found.append((end + begin) // 2)
        offset = following
    return found


def _search(
    new: np.ndarray, source: np.ndarray, energy: np.ndarray, at: int, rate: int
) -> tuple[int, int | None]:
    """Return the first place from `at` on that is a copy, and its offset."""
    limit = at + round(_GIVE_UP_S * rate)
    while at + _LONG <= len(new) and at <= limit:
        place = _place(new[at : at + _LONG], source, energy)
        if place is not None:
            return at, place - at
        at += _LONG // 2
    return at, None


def _place(piece: np.ndarray, source: np.ndarray, energy: np.ndarray) -> int | None:
    """Return the frame of the source of which `piece` (`_LONG`) is a copy, None where of none."""
    product = oaconvolve(source, piece[::-1], "valid")
    size = np.sqrt((energy[_LONG:] - energy[:-_LONG]) * (piece @ piece) + 1e-12)
    alike = product / size[: len(product)]
    best = int(np.argmax(alike))
    return best if alike[best] > _SAME else None


def _uncut(new: np.ndarray, source: np.ndarray, energy: np.ndarray, left: int, begin: int) -> bool:
    """Whether the sound from before `left` to after `begin` is one piece of the source.

    A loop that was repeated sample by sample is a copy of itself at many offsets.
    """
    first = max(0, (left + begin - _LONG) // 2)
    piece = new[first : first + _LONG]
    place = _place(piece, source, energy) if len(piece) == _LONG else None
    return place is not None and _follow(new, source, first, place - first) >= begin + _SHORT


def _goes_on(new: np.ndarray, source: np.ndarray, at: int, offset: int) -> bool:
    """Whether the old offset holds again: what broke it was too quiet to tell."""
    piece = source[at + offset : at + offset + _LONG]
    return len(piece) == _LONG == len(new[at : at + _LONG]) and _alike(new[at : at + _LONG], piece)


def _follow(new: np.ndarray, source: np.ndarray, at: int, offset: int) -> int:
    """Return the frame up to which `new` goes on at `offset`."""
    while at + _SHORT <= len(new) and at + offset + _SHORT <= len(source):
        if not _alike(new[at : at + _SHORT], source[at + offset : at + offset + _SHORT]):
            return at
        at += _STEP
    return at


def _back(new: np.ndarray, source: np.ndarray, at: int, offset: int, least: int) -> int:
    """Return the earliest frame from which `new` plays at `offset`."""
    while at - _STEP > least and at - _STEP + offset >= 0:
        first = at - _STEP
        piece = source[first + offset : first + offset + _SHORT]
        if not _alike(new[first : first + _SHORT], piece):
            return at
        at = first
    return at


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    size = float(np.sqrt((a @ a) * (b @ b)))
    return size < 1e-7 or float(a @ b) / size > _SAME
