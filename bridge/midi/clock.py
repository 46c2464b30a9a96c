"""MIDI clock, song position, MTC and MMC as transport messages of the protocol.

A device that only sends time code tells seconds; one that sends clock tells beats, and its beats
win. What is told is the position at the time of the telling, read off a line through many ticks, so
that a single late tick moves nothing. A clock that falls silent has stopped; when the ticks come
after all, and their times say that they were only delivered late, the song goes on where it is.
Pure: bytes and times (seconds, monotonic) in, messages out.

Threads: one, the owner's.
"""

from __future__ import annotations

from typing import Any

from bridge.midi.tempo_fit import TICKS_A_QUARTER, Line, TempoFit
from bridge.midi.timecode import QuarterFrames, full_frame, machine_control

Message = tuple[str, tuple[Any, ...]]
_TICK, _START, _CONTINUE, _STOP, _RESET = 0xF8, 0xFA, 0xFB, 0xFC, 0xFF
_QUARTER_FRAME, _SONG_POSITION, _SYSEX = 0xF1, 0xF2, 0xF0
_QUARTERS_A_POSITION = 0.25  # song position counts sixteenths
_SILENT_S = 0.5
_LOWEST_BPM, _HIGHEST_BPM = 20.0, 400.0  # of the protocol's transport


class Clock:
    """The transport as one MIDI port tells it."""

    def __init__(self) -> None:
        self._fit = TempoFit()
        self._frames = QuarterFrames()
        self._from_quarters = 0.0  # position at the tick number below
        self._from_tick = 0
        self._armed = False  # started or continued: the next tick is the position
        self._runs = False
        self._silenced: tuple[float, int] | None = None  # the two above, of a song that fell silent
        self._frames_s: float | None = None
        self._frames_run = False

    @property
    def playing(self) -> bool:
        """Whether the sender's transport runs."""
        return self._runs or self._armed or self._frames_run

    @property
    def line(self) -> Line | None:
        """The tempo, once 24 ticks have come."""
        line = self._fit.line
        return line if line and _LOWEST_BPM <= line.bpm <= _HIGHEST_BPM else None

    def beat(self, now_s: float) -> float:
        """Return quarter notes since the song's begin."""
        if not self._runs:
            return self._from_quarters
        line = self.line
        count = self._fit.count - 1
        tick = min(max(line.tick_at(now_s), count - 1), count + 2) if line else count
        return max(0.0, self._from_quarters + (tick - self._from_tick) / TICKS_A_QUARTER)

    def song(self, now_s: float) -> float | None:
        """Return quarter notes since the song's begin, None while it stands or has no tempo yet."""
        return self.beat(now_s) if self._runs and self.line else None

    def feed(self, message: bytes, came_s: float, now_s: float | None = None) -> list[Message]:
        """Take a whole message that came at `came_s`; return what there is to tell at `now_s`."""
        status, now_s = message[0], came_s if now_s is None else now_s
        if status == _TICK:
            return self._tick(came_s, now_s)
        if status in (_START, _CONTINUE):
            return self._go(0.0 if status == _START else None)
        if status in (_STOP, _RESET):
            return self._halt(now_s)
        if status == _SONG_POSITION:
            return self._locate((message[1] | message[2] << 7) * _QUARTERS_A_POSITION, now_s)
        if status == _QUARTER_FRAME:
            return self._quarter_frame(message[1], now_s)
        return self._sysex(message) if status == _SYSEX else []

    def due(self, now_s: float) -> list[Message]:
        """Return what silence tells: a sender that sends neither ticks nor frames has stopped."""
        if self._frames_run and self._frames_s is not None and now_s - self._frames_s > _SILENT_S:
            self._frames_run = False
            self._frames.reset()
            return [] if self._runs else [("/punchin/transport/playing", (0,))]
        last = self._fit.last_s
        if self._runs and last is not None and now_s - last > _SILENT_S:
            counted = self._from_quarters, self._from_tick
            told = self._halt(now_s)
            self._silenced = counted
            return told
        return []

    # -- clock -------------------------------------------------------------------------------------

    def _tick(self, came_s: float, now_s: float) -> list[Message]:
        before = self._fit.count
        self._fit.tick(came_s)
        if self._fit.count <= before:  # counting began anew
            self._from_quarters += max(0, before - self._from_tick) / 24 if self._runs else 0
            self._from_tick, self._silenced = 0, None
        if self._silenced:
            (self._from_quarters, self._from_tick), self._silenced = self._silenced, None
            self._runs = True
            return self._told(now_s)
        if self._armed:
            self._armed, self._runs = False, True
            self._from_tick = self._fit.count - 1
            return self._told(now_s)
        ticks = self._fit.count - 1 - self._from_tick
        return self._told(now_s) if self._runs and ticks % TICKS_A_QUARTER == 0 else []

    def _go(self, quarters: float | None) -> list[Message]:
        if quarters is not None:
            self._from_quarters = quarters
        elif self._runs:
            return []
        self._armed, self._runs, self._silenced = True, False, None
        return []

    def _halt(self, now_s: float) -> list[Message]:
        self._from_quarters = self.beat(now_s)
        stopped = self._runs or self._armed
        self._armed = self._runs = False
        self._silenced = None
        return self._told(now_s) if stopped else []

    def _locate(self, quarters: float, now_s: float) -> list[Message]:
        self._from_quarters, self._silenced = quarters, None
        if self._runs:  # the specification forbids it while playing; some senders do it
            self._from_tick = self._fit.count
        return self._told(now_s)

    def _told(self, now_s: float) -> list[Message]:
        line, playing = self.line, int(self._runs)
        if line is None:
            return [("/punchin/transport/playing", (playing,))]
        bpm = round(line.bpm, 3)
        return [("/punchin/transport", (playing, round(self.beat(now_s), 6), bpm))]

    # -- time code and machine control -------------------------------------------------------------

    def _quarter_frame(self, data: int, now_s: float) -> list[Message]:
        place = self._frames.feed(data)
        self._frames_s = now_s
        if place is None or self._runs:
            return []
        told: list[Message] = [("/punchin/transport/seconds", (place,))]
        if not self._frames_run:
            self._frames_run = True
            told.append(("/punchin/transport/playing", (1,)))
        return told

    def _sysex(self, message: bytes) -> list[Message]:
        place = full_frame(message)
        if place is not None:
            self._frames.reset()
            return [("/punchin/transport/seconds", (place,))]
        order = machine_control(message)
        if order is None:
            return []
        name, value = order
        return [(f"/punchin/transport/{name}", (int(value) if name == "playing" else value,))]
