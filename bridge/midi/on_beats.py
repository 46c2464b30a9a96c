"""Notes out with a DAW: a MIDI file's messages on the beats of its song, whatever tempo that takes.

Places are quarter notes, times seconds of one clock (`time.monotonic()`). What the song does is
asked for again and again while notes go out; between two answers it is a straight line.

Threads: `Watch.look` belongs to one thread, `Watch.song` may be read by any.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bridge.midi.clock_out import Song
from bridge.midi.notes import Timed, opened, silence
from bridge.midi.tempo_fit import TICKS_A_QUARTER

_SLEEP_UNTIL_S, _LONGEST_SLEEP_S = 0.002, 0.02
_JUMP_BEATS = 0.5  # between two answers; more is another place of the song
_SURE_S = 0.03  # an answer that is less sure of its time moves nothing
_ON_LINE = 1e-6
_TICK, _START, _STOP = b"\xf8", b"\xfa", b"\xfc"


def quarter_notes(data: bytes) -> list[Timed]:
    """Return the channel messages of a MIDI file, each with its place. Raises 201."""
    import mido

    score = opened(data)
    place, found = 0, []
    for message in mido.merge_tracks(score.tracks):
        place += message.time
        if not message.is_meta and message.type != "sysex":
            found.append((place / score.ticks_per_beat, bytes(message.bytes())))
    return found


def clock_quarters(length: float) -> list[Timed]:
    """Return start, ticks for `length` quarter notes, and stop."""
    count = math.ceil(length * TICKS_A_QUARTER)
    ticks = [(i / TICKS_A_QUARTER, _TICK) for i in range(count)]
    return [(0.0, _START), *ticks, (count / TICKS_A_QUARTER, _STOP)]


class Watch:
    """The daemon's song. `ask()` returns `transport` of `/punchin/player.reply`."""

    def __init__(
        self, ask: Callable[[], Mapping[str, Any]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask, self._clock = ask, clock
        self.song = Song()
        self._bar = (0.0, 4.0)
        self.look()

    def look(self) -> None:
        """Ask where the song is. One that is somewhere else by now counts as stopped.

        An answer that was long under way only tells whether that may be.
        """
        before_s = self._clock()
        told = self._ask()
        unsure_s = (self._clock() - before_s) / 2
        at_s = before_s + unsure_s
        found = Song(bool(told["playing"]), at_s, float(told["beat"]), float(told["bpm"]))
        self._bar = (float(told["bar_beat"]), float(told["bar_beats"]))
        apart = abs(found.beat - self.song.tick_at(at_s) / TICKS_A_QUARTER)
        jumped = self.song.playing and apart > _JUMP_BEATS + unsure_s * found.bpm / 60
        goes_on = (self.song.playing, self.song.bpm) == (found.playing, found.bpm) and not jumped
        if not (goes_on and unsure_s > _SURE_S):
            self.song = Song(False, at_s, found.beat, found.bpm) if jumped else found

    def next(self, when: str) -> float:
        """Return the place of the next `bar` or `beat`; of now for `now`."""
        beat = self.song.tick_at(self._clock()) / TICKS_A_QUARTER
        if when == "now":
            return beat
        first, step = self._bar if when == "bar" else (0.0, 1.0)
        return first + math.ceil((beat - first) / step - _ON_LINE) * step


def send_on_beats(
    messages: Sequence[Timed],
    begin: float,
    song: Callable[[], Song],
    send: Callable[[bytes], object],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Send every message on its beat after `begin`; return False if the song stopped before.

    Whatever ends it, no note is left hanging.
    """
    try:
        for place, message in sorted(messages, key=lambda m: m[0]):
            while True:
                line = song()
                if not line.playing:
                    return False
                left_s = line.time_of((begin + place) * TICKS_A_QUARTER) - clock()
                if left_s <= 0:
                    break
                if left_s > _SLEEP_UNTIL_S:
                    sleep(min(left_s - _SLEEP_UNTIL_S, _LONGEST_SLEEP_S))
            send(message)
        return True
    finally:
        for message in silence(m for _, m in messages):
            send(message)
