"""What was played, as a MIDI file: incoming notes on the beats of a song.

Beats come from the MIDI clock of the same port while it runs; without a clock from a tempo, and the
first note is beat 0. Recording over a clock begins at a bar line. Pure: bytes and times in.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field

from bridge.midi.clock import Clock

PPQ = 960
_LEAST_QUARTERS = 0.05  # a note that the end cuts, or that was let go at once
Note = tuple[float, float, int, int]  # start and end in quarter notes, key, velocity


@dataclass
class Recorder:
    """Notes of `bars` bars of `bar_quarters` quarter notes each."""

    bars: float
    bar_quarters: float
    bpm: float
    clock: Clock = field(default_factory=Clock)
    notes: list[Note] = field(default_factory=list)
    _began: float | None = None  # in beats of the song
    _first_s: float | None = None
    _held: dict[int, tuple[float, int]] = field(default_factory=dict)

    @property
    def length(self) -> float:
        """Quarter notes that are recorded."""
        return self.bars * self.bar_quarters

    def feed(self, message: bytes, came_s: float) -> None:
        """Take one message."""
        if message[0] >= 0xF0:
            self.clock.feed(message, came_s)
            return
        kind = message[0] & 0xF0
        if kind not in (0x80, 0x90):
            return
        pressed = kind == 0x90 and message[2] > 0
        if pressed and self._began is None:
            self._begin(came_s)
        at = self.at(came_s)
        if at is None or at < -_LEAST_QUARTERS:
            return
        self._let_go(message[1], at)
        if pressed and at < self.length:
            self._held[message[1]] = (max(0.0, at), message[2])

    def at(self, now_s: float) -> float | None:
        """Return where the recording is, in quarter notes; None before it has begun."""
        if self._began is None:
            return None
        if self.clock.playing and self.clock.line:
            return self.clock.beat(now_s) - self._began
        if self._first_s is None:
            return None
        return (now_s - self._first_s) * self.bpm / 60

    def done(self, now_s: float) -> bool:
        """Whether the last bar is over."""
        at = self.at(now_s)
        return at is not None and at >= self.length

    def finish(self) -> list[Note]:
        """Return the notes in order; those still held end with the last bar."""
        for key in list(self._held):
            self._let_go(key, self.length)
        return sorted(self.notes)

    @property
    def tempo(self) -> float:
        """Quarter notes per minute: the clock's, if there was one."""
        return self.clock.line.bpm if self.clock.line else self.bpm

    def _begin(self, came_s: float) -> None:
        self._first_s, self._began = came_s, 0.0
        if self.clock.playing and self.clock.line:
            bars = self.clock.beat(came_s) / self.bar_quarters
            # A first note a little before the bar line belongs to that bar.
            self._began = math.floor(bars + _LEAST_QUARTERS / self.bar_quarters) * self.bar_quarters

    def _let_go(self, key: int, at: float) -> None:
        if key in self._held:
            start, velocity = self._held.pop(key)
            end = max(start + _LEAST_QUARTERS, min(at, self.length))
            self.notes.append((start, end, key, velocity))


def midi_file(notes: list[Note], bpm: float, beats: int, unit: int, length: float) -> bytes:
    """Return a type 1 file: tempo and metre, one track named lead, as long as the recording."""
    import mido

    file = mido.MidiFile(type=1, ticks_per_beat=PPQ)
    head = mido.MidiTrack()
    head.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)))
    head.append(mido.MetaMessage("time_signature", numerator=beats, denominator=unit))
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="lead")])
    rows = []
    for start, end, key, velocity in notes:
        rows.append((round(end * PPQ), 0, key, 0))
        rows.append((round(start * PPQ), 1, key, velocity))
    before = 0
    for tick, on, key, velocity in sorted(rows):
        name = "note_on" if on else "note_off"
        track.append(mido.Message(name, note=key, velocity=velocity, time=tick - before))
        before = tick
    rest = max(0, round(length * PPQ) - before)
    track.append(mido.MetaMessage("end_of_track", time=rest))
    file.tracks += [head, track]
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()
