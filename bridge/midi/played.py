"""What was played, as a MIDI file: incoming notes on the beats of a song.

Beats come from the song while it runs; where it stands, from a tempo, and the first note is beat 0.
Pure: bytes and times (s, monotonic) in, notes in quarter notes out.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bridge.places import home

PPQ = 960
LEAST_QUARTERS = 0.05  # a note that the end cuts, or that was let go at once
_EARLY_QUARTERS = 0.125  # a note that is early by less was meant for the begin
_JUMP_QUARTERS = 1.0  # a song that goes back by more has begun another round
Note = tuple[float, float, int, int]  # start and end in quarter notes, key, velocity
Song = Callable[[float], float | None]


@dataclass
class Recorder:
    """Notes of `length` quarter notes, None until the end is told.

    `song(now_s)` is the beat of the song, None while it stands. With `begin`, a beat of the song,
    recording begins there; without it with the first note: at the bar line before it when the song
    runs (`bar_beat` is one), else at the note itself, by `bpm`.
    """

    song: Song
    bar_quarters: float
    bpm: float
    length: float | None = None
    begin: float | None = None
    bar_beat: float = 0.0
    notes: list[Note] = field(default_factory=list)
    _first_s: float | None = None  # of a recording that counts by `bpm`
    _latest: float | None = None  # the furthest place so far; None before it has begun
    _held: dict[int, tuple[float, int]] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Whether it is recording, or has recorded."""
        return self._latest is not None

    def feed(self, message: bytes, came_s: float) -> None:
        """Take one message; only notes count."""
        kind = message[0] & 0xF0
        if kind not in (0x80, 0x90):
            return
        pressed = kind == 0x90 and message[2] > 0
        if pressed and self.begin is None and self._first_s is None:
            self._begin(came_s)
        at = self._reach(came_s)
        if at is None:
            return
        self._let_go(message[1], at)
        if pressed and (self.length is None or at < self.length):
            self._held[message[1]] = (max(0.0, at), message[2])

    def done(self, now_s: float) -> bool:
        """Whether it is over: at its end, or because the song has stopped or gone back."""
        before = self._latest
        at = self._reach(now_s)
        if before is None:
            return False
        if at is None:
            return True
        return self.length is not None and at >= self.length

    def at(self, now_s: float) -> float | None:
        """Return the place in quarter notes since the begin; None where there is none."""
        if self._first_s is not None:
            return (now_s - self._first_s) * self.bpm / 60
        beat = self.song(now_s)
        return None if beat is None or self.begin is None else beat - self.begin

    def end_at(self, now_s: float, step: float) -> None:
        """Let it end at the next whole `step` (quarter notes) that is not before now."""
        at = self.at(now_s)
        reached = max(at if at is not None else 0.0, self._latest or 0.0)
        self.length = _whole(reached, step)

    def finish(self) -> tuple[list[Note], float]:
        """Return the notes in order, and how long it is: as was told, else in whole bars.

        What is still held ends with the recording.
        """
        reached = self._latest or 0.0
        length = _whole(reached, self.bar_quarters) if self.length is None else self.length
        for key in list(self._held):
            self._let_go(key, reached)
        return sorted(self.notes), length

    def _begin(self, came_s: float) -> None:
        beat = self.song(came_s)
        if beat is None:
            self._first_s = came_s
            return
        # A first note a little before the bar line belongs to that bar.
        bars = math.floor((beat - self.bar_beat + _EARLY_QUARTERS) / self.bar_quarters)
        self.begin = self.bar_beat + bars * self.bar_quarters

    def _reach(self, now_s: float) -> float | None:
        """Return the place if it lies in the recording, and remember how far that is."""
        at = self.at(now_s)
        if at is None or at < -_EARLY_QUARTERS:
            return None
        if self._latest is None:
            if self.length is not None and at >= self.length:
                return None  # the song is beyond it and has to come round again
            self._latest = at
        elif at < self._latest - _JUMP_QUARTERS:
            return None
        self._latest = max(self._latest, at)
        return at

    def _let_go(self, key: int, at: float) -> None:
        if key in self._held:
            start, velocity = self._held.pop(key)
            end = at if self.length is None else min(at, self.length)
            self.notes.append((start, max(start + LEAST_QUARTERS, end), key, velocity))


def _whole(quarters: float, step: float) -> float:
    """Return the multiple of `step`, at least one, at which a recording of `quarters` ends."""
    return max(1, math.ceil(quarters / step - LEAST_QUARTERS)) * step


def new_file(folder: Path | None = None) -> Path:
    """Return a free name for a recording, which says when."""
    folder = folder or home() / "captures"
    stem = f"line-{datetime.now():%Y%m%d-%H%M%S}"
    names = (f"{stem}{suffix}.mid" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(p for p in map(folder.joinpath, names) if not p.exists())


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
