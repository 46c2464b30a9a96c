"""MIDI clock out: the song as start, ticks, song position and stop.

A receiver can only begin on a sixteenth, so playing begins with the position of the next one and
*continue* (*start* for the first beat), and its first tick comes when that sixteenth does. A jump
of the song is a stop and a new begin. Pure: the song's line and the time (seconds, monotonic) come
in.

Threads: one, the owner's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.midi.tempo_fit import TICKS_A_QUARTER

_TICK, _START, _CONTINUE, _STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"
_SIXTEENTH = TICKS_A_QUARTER // 4
_LAST_POSITION = 0x3FFF
_JUMP_TICKS = 6  # half a tick of jitter is a tempo that is being followed, a sixteenth is a jump
_SOON = 1e-6


@dataclass(frozen=True)
class Song:
    """At time `at_s` the song is at `beat` (quarter notes) and moves with `bpm`, if it plays."""

    playing: bool = False
    at_s: float = 0.0
    beat: float = 0.0
    bpm: float = 120.0

    def tick_at(self, now_s: float) -> float:
        """Return the tick, with fraction, that a time is."""
        return (self.beat + (now_s - self.at_s) * self.bpm / 60) * TICKS_A_QUARTER

    def time_of(self, tick: float) -> float:
        """Return when a tick is due."""
        return self.at_s + (tick / TICKS_A_QUARTER - self.beat) * 60 / self.bpm


class ClockOut:
    """Says what to send, and with `due_s` when: infinity while the song stands."""

    def __init__(self) -> None:
        self.song = Song()
        self._next: int | None = None

    @property
    def due_s(self) -> float:
        """When the next tick is due."""
        return math.inf if self._next is None else self.song.time_of(self._next)

    def follow(self, song: Song, now_s: float) -> list[bytes]:
        """Take where the song is by now; return what begins, ends or moves the receivers."""
        self.song = song
        if self._next is None:
            return self._begin(now_s) if song.playing else []
        if not song.playing:
            self._next = None
            return [_STOP]
        if abs(song.tick_at(now_s) - self._next) > _JUMP_TICKS + 1:
            return [_STOP, *self._begin(now_s)]
        return []

    def ticks(self, now_s: float) -> list[bytes]:
        """Return the ticks that are due. After a pause of ours the song's place is taken anew."""
        if self._next is None:
            return []
        count = math.floor(self.song.tick_at(now_s) + _SOON) - self._next + 1
        if count > _JUMP_TICKS + 1:
            return [_STOP, *self._begin(now_s)]
        self._next += max(0, count)
        return [_TICK] * max(0, count)

    def _begin(self, now_s: float) -> list[bytes]:
        sixteenth = max(0, math.ceil(self.song.tick_at(now_s) / _SIXTEENTH - _SOON))
        self._next = sixteenth * _SIXTEENTH
        if sixteenth == 0:
            return [_START]
        place = min(sixteenth, _LAST_POSITION)
        return [bytes((0xF2, place & 0x7F, place >> 7)), _CONTINUE]
