"""Follows what was heard through the takes it was made of, sample for sample.

Between fades every frame must be the very next one of a take. Where that ends a `Turn` tells what
was heard before and after, and how many frames lie between that are neither: one fade or some, each
`fade_frames` long. Everything else is a break.
"""

from dataclasses import dataclass

import numpy as np

SURE = 48  # so many frames alike are no chance
_STEP = 8192
_MOST_FADES = 3  # one after the other
_LOST = 48_000  # so many frames that are of no take are no break any more but another song
_NEAR = 2  # the ends of a fade may be equal to the take by rounding
SILENCE = "silence"


@dataclass(frozen=True)
class Place:
    """A frame of a take; `SILENCE` has no frames."""

    take: str
    frame: int


@dataclass(frozen=True)
class Turn:
    """`length` frames of a fade from frame `at` on, between what was heard `before` and `after`."""

    at: int
    length: int
    before: Place
    after: Place

    @property
    def skip(self):
        """By how many frames the take's play head was set forward, 0 for a swap."""
        return self.after.frame - self.before.frame - self.length


class Walk:
    """`turns`, and how many frames were `exact`, `faded` or `silent`."""

    def __init__(self, heard, takes, fade_frames):
        self._heard, self._fade = np.ascontiguousarray(heard, np.float32), fade_frames
        self._takes = {k: np.ascontiguousarray(t, np.float32) for k, t in takes.items()}
        self._keys = [(name, _keys(take)) for name, take in self._takes.items()]
        self._orders = {name: np.argsort(keys, kind="stable") for name, keys in self._keys}
        self.turns, self.exact, self.faded, self.silent = [], 0, 0, 0
        self._walk()

    def _walk(self):
        at, place = 0, Place(SILENCE, 0)
        while True:
            n = self._alike(at, place)
            self.exact += 0 if place.take == SILENCE else n
            self.silent += n if place.take == SILENCE else 0
            at, before = at + n, _moved(place, n)
            if at >= len(self._heard) - _MOST_FADES * self._fade - SURE:
                return
            at, place = self._next(at, before)
            self.faded += self.turns[-1].length

    def _next(self, at, before):
        """Return where an exact stretch begins again, and which."""
        for length in self._perhaps(at):
            after = self._found(at + length, before, length)
            if after is not None:
                self.turns.append(Turn(at, length, before, after))
                return at + length, after
        raise AssertionError(f"frame {at} and all after it are of no take: {before}")

    def _perhaps(self, at):
        """Yield how far from `at` frames lie that are silent or in some take."""
        for first in range(at, at + _LOST, _STEP):
            part = self._heard[first : first + _STEP]
            known = ~part.any(axis=1)
            for name, keys in self._keys:
                known |= _among(_keys(part), keys[self._orders[name]])
            yield from (np.flatnonzero(known) + first - at).tolist()

    def _found(self, at, before, length):
        """Return the place of frame `at`, first where it would be if nothing had been set."""
        part = self._heard[at : at + SURE]
        if len(part) < SURE:
            return None
        if not part.any():
            return Place(SILENCE, 0)
        here = before.frame + length
        for name, take in self._takes.items():
            if np.array_equal(take[here : here + SURE], part):
                return Place(name, here)
        key = _keys(part[:1])[0]
        for name, keys in self._keys:
            order = self._orders[name]
            first = np.searchsorted(keys, key, "left", order)
            last = np.searchsorted(keys, key, "right", order)
            for frame in order[first:last]:
                if np.array_equal(self._takes[name][frame : frame + SURE], part):
                    return Place(name, int(frame))
        return None

    def _alike(self, at, place):
        """Return how many frames from `at` on are those of the take from `place` on."""
        done = 0
        while True:
            part = self._heard[at + done : at + done + _STEP]
            wanted = np.zeros_like(part)
            if place.take != SILENCE:
                first = place.frame + done
                wanted = self._takes[place.take][first : first + len(part)]
            n = min(len(part), len(wanted))
            other = np.flatnonzero((part[:n] != wanted[:n]).any(axis=1))
            if len(other) or n < _STEP:
                return done + (int(other[0]) if len(other) else n)
            done += n

    # -- what the turns are ------------------------------------------------------------------------

    def is_edge(self, turn):
        """Whether a take began with its first frame or came to its end: neither needs a fade."""
        if turn.before.take == SILENCE:
            return turn.after.frame == 0
        ended = turn.before.frame == len(self._takes[turn.before.take])
        return ended and turn.after.take == SILENCE

    def _is_fades(self, length):
        count = round(length / self._fade)
        return 1 <= count <= _MOST_FADES and abs(length - count * self._fade) <= _NEAR * count

    def breaks(self):
        """Return the turns that are neither fades, nor edges, nor swaps between alike takes."""
        return [
            t
            for t in self.turns
            if not self._is_fades(t.length)
            and not (t.length == 0 and self.is_edge(t))
            and not (t.length == 0 and t.skip == 0 and SILENCE not in (t.before.take, t.after.take))
        ]

    def loops(self, lengths):
        """Return the turns that go back by the length of a loop."""
        return [t for t in self.turns if -t.skip in lengths]

    def jumps(self, lengths):
        """Return the turns that go elsewhere, as a new start does."""
        sounding = [t for t in self.turns if SILENCE not in (t.before.take, t.after.take)]
        return [t for t in sounding if t.skip and -t.skip not in lengths]


def _moved(place, frames):
    return place if place.take == SILENCE else Place(place.take, place.frame + frames)


def _among(keys, ordered):
    at = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    return ordered[at] == keys


def _keys(samples):
    """Return one integer for each frame, the same for the same samples."""
    return np.ascontiguousarray(samples[:, :2]).view(np.uint64)[:, 0]
