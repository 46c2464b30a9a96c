"""A change that is due on a deck, and when: now, or on a beat or bar of the DAW's song."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from daemon.player.outputs.base import Clock
from daemon.player.program import Program
from daemon.player.transport import Line

_MOST_SLIP_S = 0.030
_MOST_LATE_S = 0.100
_EDGE_S = 0.030  # so much a line moves while it learns the song, without any jump


@dataclass(frozen=True)
class Agreed:
    """What several decks that make one change keep to.

    `from_s`: `time.monotonic()` from which on all of them can make it; what is due before has begun
    on some, so it stays on all. `beat`: the song's on which they make it, None for now.
    """

    from_s: float = -math.inf
    beat: float | None = None


ALONE = Agreed()


@dataclass(frozen=True)
class Cue:
    """A change that is due.

    `program` None stops; `same` keeps the musical position. `when`: `now`, `beat` or `bar`. Once
    `armed`, `frame` is the deck's frame at which it is due, and `beat` the song's, None for now.
    What `joins` is due at a beat that may be long past, and goes on from there. With `since`,
    `time.monotonic()` when the programme's start is heard elsewhere, it goes on along with that.
    `from_s` as in `Agreed`.
    """

    program: Program | None
    when: str = "now"
    same: bool = False
    armed: bool = False
    beat: float | None = None
    frame: int | None = None
    joins: bool = False
    since: float | None = None
    from_s: float = -math.inf


def timed(cue: Cue, line: Line, clock: Clock | None, soonest: int, rate: int) -> Cue:
    """Return a cue with the frame at which it is due, not before `soonest`.

    A cue that has its beat keeps it, and the beat's frame is found anew: the song's tempo may have
    changed. When the song has jumped, so that another bar comes first, that one counts. While
    nobody knows when frames are heard, a cue on a beat is not armed, nor one that joins.
    """
    if cue.since is not None and clock is None:
        return cue
    if cue.when == "now" or not line.playing:
        return replace(cue, armed=True, beat=None, frame=_kept(cue, soonest))
    if clock is None:
        return cue
    soonest_s, beat = max(cue.from_s, clock.heard_at(soonest, rate)), cue.beat
    coming = line.next(cue.when, soonest_s)
    assert coming is not None
    if beat is None or (not cue.joins and _jumped(line, beat, coming, soonest_s, cue.from_s)):
        beat = coming
    ahead_s = line.time_of(beat) - clock.time_s
    return replace(cue, armed=True, beat=beat, frame=clock.frame + round(ahead_s * rate))


def _jumped(line: Line, beat: float, coming: float, soonest_s: float, from_s: float) -> bool:
    sooner = coming < beat - 1e-6 and line.time_of(coming) > from_s + _EDGE_S
    return sooner or soonest_s - line.time_of(beat) > _MOST_LATE_S


def _kept(cue: Cue, soonest: int) -> int:
    """A song that has stopped holds no launch back any longer."""
    return cue.frame if cue.armed and cue.beat is None and cue.frame is not None else soonest


def late(cue: Cue, frame: int, clock: Clock | None, rate: int) -> int:
    """Return how many frames of what a cue joins have gone by at the deck's `frame`."""
    if cue.since is not None:
        return round((clock.heard_at(frame, rate) - cue.since) * rate) if clock else 0
    return frame - cue.frame if cue.beat is not None and cue.frame is not None else 0


def slip(line: Line, clock: Clock | None, when: str, frame: int, rate: int) -> int:
    """Return by how many frames a loop's end, due at `frame`, misses the song's bar or beat.

    0 where it is off by more than `_MOST_SLIP_S`: then the loop is not made of whole bars.
    """
    if clock is None or not line.playing or when == "now":
        return 0
    beat = line.beat_at(clock.heard_at(frame, rate))
    step = line.bar_beats if when == "bar" else 1.0
    start = line.bar_beat if when == "bar" else 0.0
    nearest = start + round((beat - start) / step) * step
    off = clock.frame + round((line.time_of(nearest) - clock.time_s) * rate) - frame
    return off if abs(off) <= _MOST_SLIP_S * rate else 0
