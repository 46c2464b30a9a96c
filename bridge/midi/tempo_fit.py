"""Tempo from MIDI clock ticks: a line through tick number and arrival time, by least squares.

Arrival times jitter by the sender's and the audio system's period (some ms). The slope's error
falls with the window's length to the power of 3/2: about ±0.06 bpm at 120 bpm over 96 ticks, the
least that counts as settled. The window is the longest one, up to `MOST` ticks, that is one
straight line; a change of tempo bends it. Pure; times are seconds of any steady clock.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass

TICKS_A_QUARTER = 24
LEAST, SETTLED, MOST = 24, 96, 384
_HALF = 12  # ticks: half a quarter note
_WINDOWS = (24, 36, 48, 72, 96, 144, 192, 288, 384)
_GAP_S = 0.5  # silence after which counting begins anew; 20 bpm has a tick each 0.125 s
_FLOOR_S = 0.001


@dataclass(frozen=True)
class Line:
    """`time = start_s + tick * tick_s`; `spread_s` is the standard deviation of the ticks."""

    start_s: float
    tick_s: float
    spread_s: float
    count: int

    @property
    def bpm(self) -> float:
        """Quarter notes per minute."""
        return 60.0 / (TICKS_A_QUARTER * self.tick_s)

    @property
    def settled(self) -> bool:
        """Whether enough ticks are in it for ±0.06 bpm."""
        return self.count >= SETTLED

    def tick_at(self, time_s: float) -> float:
        """Return the tick number, with fraction, at a time."""
        return (time_s - self.start_s) / self.tick_s


class TempoFit:
    """Arrival times of ticks; `line` is what they lie on."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MOST)
        self._first = 0  # number of the oldest tick in the window
        self.line: Line | None = None

    def tick(self, time_s: float) -> None:
        """Take the next tick. A long silence or time running backwards begins anew."""
        if self._times and not 0 <= time_s - self._times[-1] < _GAP_S:
            self.reset()
        if len(self._times) == MOST:
            self._first += 1
        self._times.append(time_s)
        if self.count % _HALF == 0 and len(self._times) >= LEAST:
            self._follow()

    @property
    def count(self) -> int:
        """How many ticks there were since counting began; the newest one is `count - 1`."""
        return self._first + len(self._times)

    @property
    def last_s(self) -> float | None:
        """When the newest tick came."""
        return self._times[-1] if self._times else None

    def reset(self) -> None:
        """Forget every tick."""
        self._times.clear()
        self._first, self.line = 0, None

    def _follow(self) -> None:
        """Take the longest window that is one straight line."""
        times = list(self._times)
        for length in (n for n in _WINDOWS if n <= len(times)):
            window = times[-length:]
            line = _fit(window, self.count - length)
            if length > LEAST and _bent(window, line, self.count - length):
                break
            self.line = line


def _bent(times: list[float], line: Line, first: int) -> bool:
    """Whether some beat's half of the window lies off the line by more than jitter explains.

    The jitter is that of the middle half in order of jitter: a bend lies in one or between two.
    """
    off = [t - line.start_s - (first + i) * line.tick_s for i, t in enumerate(times)]
    halves = [off[i : i + _HALF] for i in range(0, len(off), _HALF)]
    means = [sum(h) / _HALF for h in halves]
    inner = [sum((x - m) ** 2 for x in h) for h, m in zip(halves, means, strict=True)]
    jitter_s = math.sqrt(statistics.median_low(inner) / (_HALF - 1))
    return max(map(abs, means)) > max(_FLOOR_S, 4 * jitter_s / math.sqrt(_HALF))


def _fit(times: list[float], first: int) -> Line:
    n = len(times)
    mean_i, mean_t = (n - 1) / 2, sum(times) / n
    slope = sum((i - mean_i) * (t - mean_t) for i, t in enumerate(times))
    slope /= n * (n * n - 1) / 12
    off = sum((t - mean_t - (i - mean_i) * slope) ** 2 for i, t in enumerate(times))
    start_s = mean_t - (mean_i + first) * slope
    return Line(start_s, max(slope, 1e-9), math.sqrt(off / max(1, n - 2)), n)
