"""When a recording begins and ends, in beats of the DAW's song and in frames of the input.

Nothing here waits: `Punch` is asked again as sound and news of the transport come in, so a change
of tempo before the bar moves the punch with it.
"""

from __future__ import annotations

import statistics
from collections import deque

from daemon.player.transport import JUST_STARTED_S, Line

_STAMPS = 64


class InputClock:
    """Which frame of the input was at the microphone when.

    The median of the last stamps, because each one carries the jitter of the system.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._offsets: deque[float] = deque(maxlen=_STAMPS)

    def stamp(self, frame: int, time_s: float) -> None:
        """Take that `frame` was there at `time_s`."""
        self._offsets.append(time_s - frame / self._rate)

    def frame_at(self, time_s: float) -> int:
        """Return the frame of a moment; needs one stamp."""
        return round((time_s - statistics.median(self._offsets)) * self._rate)

    def time_of(self, frame: int) -> float:
        """Return when a frame was there; needs one stamp."""
        return statistics.median(self._offsets) + frame / self._rate


class Punch:
    """One take: armed, then recording, then over.

    `when`: `now`, `beat` or `bar`. With `now` it begins where it was armed; otherwise at the next
    beat or bar of the running transport, and if that stands it waits until it runs: then the line
    on which the song has just been started counts. `bars`: how long, None until `end` is asked for.
    """

    def __init__(self, when: str, bars: float | None, armed_s: float) -> None:
        self._when, self._bars, self._armed_s = when, bars, armed_s
        self._asked_s: float | None = None
        self.start_beat: float | None = None
        self._end_beat: float | None = None
        self._end_s: float | None = None
        self._recording, self._begun_s = False, armed_s
        self._stood = False

    def heard_since(self, time_s: float) -> None:
        """Note when the input's first frame was there: no take begins before it."""
        self._armed_s = max(self._armed_s, time_s)

    def end(self, asked_s: float) -> None:
        """Ask for the end: at the next beat or bar, or at once."""
        self._asked_s = asked_s

    def start_s(self, line: Line) -> float | None:
        """Return when it begins, None while that is open."""
        if self._when == "now":
            return self._armed_s
        if not line.playing:
            self._stood = True
            return None
        if self.start_beat is None:
            since_s = max(self._armed_s, line.at_s) - (JUST_STARTED_S if self._stood else 0)
            self.start_beat = line.next(self._when, since_s)
        return None if self.start_beat is None else line.time_of(self.start_beat)

    def begun(self, line: Line, at_s: float) -> None:
        """Note that it began at `at_s`; that does not move any more."""
        self._recording, self._begun_s = True, at_s
        if self.start_beat is None and line.playing:
            self.start_beat = line.beat_at(at_s)

    def end_s(self, line: Line, now_s: float) -> float | None:
        """Return when it ends, None while that is open.

        A transport that stops while a take on the grid is recorded ends it there.
        """
        if self._end_s is None and self._asked_s is not None:
            self._fix_end(line, self._asked_s)
        if self._end_s is not None:
            return self._end_s
        if self._end_beat is not None and line.playing:
            return line.time_of(self._end_beat)
        if self._recording and self.start_beat is not None and self._on_grid and not line.playing:
            self._end_s = now_s
            return now_s
        if self._bars is not None and self._recording and self.start_beat is not None:
            return line.time_of(self.start_beat + self._bars * line.bar_beats)
        if self._bars is not None and self._recording:
            return self._begun_s + self._bars * line.bar_beats * 60 / line.bpm
        return None

    @property
    def _on_grid(self) -> bool:
        return self._when != "now"

    def _fix_end(self, line: Line, asked_s: float) -> None:
        if self._end_beat is None and self._on_grid and line.playing:
            self._end_beat = line.next(self._when, asked_s)
        if self._end_beat is None:
            self._end_s = asked_s
