"""The DAW's song position, estimated from what the DAW tells: where the next beat and bar lie.

Positions are quarter notes from the project's start, times are seconds of `time.monotonic()`. The
estimate is a straight line through the observations of the last eight beats (or 4 s). Its slope is
the tempo that was told, unless four beats or more say, by least squares, that the song moves
otherwise (a surface that rounds tempos, a DAW that tells none): 30 observations a second with 2 ms
of jitter give ±0.06 bpm. A jump of the position, of the told tempo, or a bend that nobody tells
begins a new line; a told tempo that bends takes the observations along. What lies behind the others
may just be a message that came late: there the next ones decide.

Threads: `Follower` belongs to one thread; it publishes `line`, a value that any thread may read.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

JUST_STARTED_S = 0.15  # so late is known at most that a song runs
_LOCATE_S = 0.060  # an observation so far from the line is a jump
_BEND_S = 0.008  # several observations so far from it, all to one side, are another tempo
_BEND_COUNT = 4
_MOVED_COUNT = 3  # so many behind by the same time: two messages that are late may agree by chance
_LATEST_S = 0.5  # no message comes later than this: the song was moved back
_STEP_S = 0.02  # by which late messages of a song that is behind agree
_LEAST_BEATS, _LONGEST_BEATS = 4.0, 8.0
_LONGEST_S = 4.0
_LEAST_COUNT = 12
_DRIFT_S = 0.004  # a told tempo that is off by less over the observations is believed
_BPM = (20.0, 400.0)
_MOST = 256
_RAMP = 0.02  # a told tempo that changes by less has bent since the message before, not jumped
_PUNCTUAL = 8  # one in so many is taken to be on time
_ON_LINE = 1e-6


@dataclass(frozen=True)
class Line:
    """Where the song is: at time `at_s` it is at `beat` and moves with `bpm`.

    `bar_beat` is a beat on which a bar begins, `bar_beats` a bar's length, both in quarter notes.
    """

    playing: bool = False
    at_s: float = 0.0
    beat: float = 0.0
    bpm: float = 120.0
    bar_beat: float = 0.0
    bar_beats: float = 4.0

    def beat_at(self, time_s: float) -> float:
        """Return the position at a time."""
        return self.beat + (time_s - self.at_s) * self.bpm / 60 if self.playing else self.beat

    def time_of(self, beat: float) -> float:
        """Return when a beat is reached."""
        return self.at_s + (beat - self.beat) * 60 / self.bpm

    def next_beat(self, time_s: float) -> float:
        """Return the first beat that is not before a time."""
        return math.ceil(self.beat_at(time_s) - _ON_LINE)

    def next_bar(self, time_s: float) -> float:
        """Return the beat of the first bar line that is not before a time."""
        bars = (self.beat_at(time_s) - self.bar_beat) / self.bar_beats
        return self.bar_beat + math.ceil(bars - _ON_LINE) * self.bar_beats

    def next(self, when: str, time_s: float) -> float | None:
        """Return the next `bar` or `beat`; None for `now` and while the transport stands."""
        if not self.playing or when == "now":
            return None
        return self.next_bar(time_s) if when == "bar" else self.next_beat(time_s)


class Follower:
    """Takes what the DAW tells; `at_s` is when it arrived."""

    def __init__(self) -> None:
        self.line = Line()
        self._seen: deque[tuple[float, float]] = deque(maxlen=_MOST)
        self._late: list[tuple[float, float]] = []
        self._told_bpm = self.line.bpm
        self._free = (0.0, 0.0, 0.0)
        self._place = (0.0, 0.0)

    # -- told positions ----------------------------------------------------------------------------

    def whole(
        self, at_s: float, playing: bool, beat: float, bpm: float, bar_beat: float | None = None
    ) -> None:
        """Take `/punchin/transport`; `bar_beat`: quarter notes since this bar began."""
        if bar_beat is not None:
            self.line = replace(self.line, bar_beat=beat - bar_beat)
        self._tempo(at_s, bpm)
        if playing:
            self._observe(at_s, beat)
        else:
            self._stand(at_s, beat)

    def playing(self, at_s: float, playing: bool) -> None:
        """Take that the transport runs, or that it has stopped."""
        if playing == self.line.playing:
            return
        beat = self.line.beat_at(at_s)
        self._seen.clear()
        self.line = replace(self.line, playing=playing, at_s=at_s, beat=beat)

    def seconds(self, at_s: float, second: float) -> None:
        """Take the position in seconds of the project."""
        place_s, place_beat = self._place
        beat = place_beat + (second - place_s) * self._told_bpm / 60
        if self.line.playing:
            self._observe(at_s, beat)
        else:
            self._stand(at_s, beat)

    def tempo(self, at_s: float, bpm: float) -> None:
        """Take the tempo, in quarter notes per minute."""
        self._tempo(at_s, bpm)

    def metre(self, bar_beats: float) -> None:
        """Take the length of a bar in quarter notes."""
        self.line = replace(self.line, bar_beats=bar_beats)

    def place(self, second: float, beat: float) -> None:
        """Take that a second of the project is a beat of it."""
        self._place = (second, beat)

    # -- the line ----------------------------------------------------------------------------------

    def _tempo(self, at_s: float, bpm: float) -> None:
        before = self._told_bpm
        if abs(bpm - before) <= 1e-9:
            return
        beat = self.line.beat_at(at_s)
        if self._seen and self.line.bpm == before and abs(bpm / before - 1) < _RAMP:
            beat += (bpm - before) / 120 * (at_s - self._seen[-1][0])
            self._straighten(at_s, beat, bpm)
        else:
            self._seen.clear()
        self._told_bpm = bpm
        self.line = replace(self.line, at_s=at_s, beat=beat, bpm=bpm)

    def _straighten(self, at_s: float, beat: float, bpm: float) -> None:
        """Move what was seen to where a song would have been that always had the new tempo.

        Each stays as late as it was, so that a tempo that bends is followed as surely as another.
        """
        old, slope = self.line, bpm / 60
        self._late = []
        self._seen = deque(
            [(t, beat + (t - at_s) * slope + b - old.beat_at(t)) for t, b in self._seen], _MOST
        )
        free_s, free, _ = self._free
        self._free = free_s, beat + (free_s - at_s) * slope + free - old.beat_at(free_s), slope

    def _stand(self, at_s: float, beat: float) -> None:
        self._seen.clear()
        self.line = replace(self.line, playing=False, at_s=at_s, beat=beat)

    def _observe(self, at_s: float, beat: float) -> None:
        if self._doubtful(at_s, beat):
            return
        if not self.line.playing or self._jumped(at_s, beat):
            self._seen.clear()
        self._forget_a_bend(at_s, beat)
        self._seen.append((at_s, beat))
        while beat - self._seen[0][1] > _LONGEST_BEATS and at_s - self._seen[0][0] > _LONGEST_S:
            self._seen.popleft()
        self._free = at, height, slope = fitted(self._seen)
        bpm = self._believed(slope * 60)
        at += self._earliest_s(at, height, bpm / 60)
        self.line = replace(self.line, playing=True, at_s=at, beat=height, bpm=bpm)

    def _earliest_s(self, at_s: float, beat: float, slope: float) -> float:
        """Return by how much the punctual observations lie before a line through all of them.

        On their way messages only lose time, so the earliest are right.
        """
        if len(self._seen) < _LEAST_COUNT:
            return 0.0
        off = sorted(t - at_s - (b - beat) / slope for t, b in self._seen)
        return off[len(off) // _PUNCTUAL]

    def _doubtful(self, at_s: float, beat: float) -> bool:
        """Whether an observation lies behind the others, and more have yet to confirm it."""
        line_s, line_beat, slope = self._free
        settled = self.line.playing and len(self._seen) >= _LEAST_COUNT and slope > 0
        late_s = at_s - line_s - (beat - line_beat) / slope if settled else 0.0
        if not _BEND_S < late_s < _LATEST_S:
            self._late = []
            return False
        if self._late:
            last_s, last = self._late[-1]
            if abs((beat - last) / slope - (at_s - last_s)) > _STEP_S:
                self._late = []
        self._late.append((at_s, beat))
        moved = late_s > _LOCATE_S
        if len(self._late) < (_MOVED_COUNT if moved else _BEND_COUNT):
            return True
        if moved:
            self._seen.clear()
        self._seen.extend(self._late[:-1])
        self._late = []
        return False

    def _jumped(self, at_s: float, beat: float) -> bool:
        """Whether the song is elsewhere than a moment ago, whatever its tempo."""
        if not self._seen:
            return abs(beat - self.line.beat_at(at_s)) * 60 / self.line.bpm > _LOCATE_S
        last_s, last = self._seen[-1]
        moved_s = (beat - last) * 60 / self.line.bpm
        return abs(moved_s - (at_s - last_s)) > _LOCATE_S + 0.1 * (at_s - last_s)

    def _believed(self, heard_bpm: float) -> float:
        """Return the tempo that was told, or the one that was heard if that one is surely other."""
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        if len(self._seen) < _LEAST_COUNT or last - first < 1 or heard_bpm <= 0:
            return self._told_bpm
        drift_s = (last_s - first_s) * abs(heard_bpm / self._told_bpm - 1)
        least_s = _DRIFT_S if last - first >= _LEAST_BEATS else 2 * _DRIFT_S
        sure = drift_s > least_s and _BPM[0] <= heard_bpm <= _BPM[1]
        return heard_bpm if sure else self._told_bpm

    def _forget_a_bend(self, at_s: float, beat: float) -> None:
        """Drop old observations when the last few all lie to one side of their line."""
        if len(self._seen) < _LEAST_COUNT:
            return
        line_s, line_beat, slope = self._free
        recent = [*list(self._seen)[1 - _BEND_COUNT :], (at_s, beat)]
        off = [(b - line_beat) / slope - (t - line_s) for t, b in recent] if slope > 0 else [0.0]
        if min(off) > _BEND_S or max(off) < -_BEND_S:
            self._seen = deque(recent[:-1], _MOST)


def fitted(seen: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return `(time, beat, beats a second)` of the least-squares line through observations.

    The point lies in the middle of them, where the line is surest.
    """
    first_s, first = seen[0]
    n, sum_t, sum_b, sum_tt, sum_tb = len(seen), 0.0, 0.0, 0.0, 0.0
    for at_s, beat in seen:
        t, b = at_s - first_s, beat - first
        sum_t += t
        sum_b += b
        sum_tt += t * t
        sum_tb += t * b
    spread = sum_tt - sum_t * sum_t / n
    slope = (sum_tb - sum_t * sum_b / n) / spread if spread > 1e-12 else 0.0
    return first_s + sum_t / n, first + sum_b / n, slope
