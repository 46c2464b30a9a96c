"""The master: loudness, true peak and fades, as one gain common to all stems.

Every stem is its own signal times the same gain, so the stems sum to the mix. Signals are float32
`(2, frames)`, the gain float32 `(frames,)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from daemon.audio.clips import Samples
from daemon.audio.loudness import amplitude
from daemon.engines.sketch.render.level import PEAK_EDGE, Loudness, crowding
from daemon.engines.sketch.render.tone import Array

_LOOK_AHEAD_S = 0.012
_BLOCK = 1 << 16
_ROUNDS = 3
_NEAR_LU = 0.1
_HEADROOM_DB = 0.3  # peaks between the readings, and what a moving gain or a new rate adds
_LOUDER_DB = 6.0  # that the gain may still rise once peaks were read

Check = Callable[[], None]


@dataclass(frozen=True)
class Beside:
    """What plays along unchanged: a clip `(frames, 2)`; the window begins at its frame `first`."""

    clip: Samples
    first: int

    def within(self, start: int, stop: int) -> Array:
        """Return frames `[start, stop)` of the window, `(2, frames)`; silence beyond the clip."""
        out = np.zeros((2, max(0, stop - start)), np.float32)
        a, b = max(0, self.first + start), min(len(self.clip), self.first + stop)
        if b > a:
            out[:, a - self.first - start : b - self.first - start] = self.clip[a:b].T
        return out

    def stays_below(self, ceiling_dbtp: float, check: Check = lambda: None) -> bool:
        """Whether no true peak of the clip passes the ceiling."""
        ceiling = amplitude(ceiling_dbtp)
        for at in range(0, len(self.clip), _BLOCK):
            check()
            piece = self.clip[max(0, at - PEAK_EDGE) : at + _BLOCK + PEAK_EDGE]
            if crowding(np.ascontiguousarray(piece.T), None, ceiling, 1.0).max() > 1:
                return False
        return True


def master_gain(
    mix: Array,
    rate: int,
    loudness_lufs: float,
    ceiling_dbtp: float,
    heard: slice,
    beside: Array | None = None,
    check: Check = lambda: None,
) -> Array:
    """Return the gain that brings `mix` to a loudness without passing the ceiling.

    `heard` are the frames that count for loudness. `beside` `(2, frames)` is what plays along (the
    voice): where it alone is below the ceiling, the sum of both stays below it too.
    """
    measured = Loudness(mix[:, heard], rate)
    level = measured.lufs()
    if level is None:
        return np.ones(mix.shape[1], np.float32)
    check()
    static = amplitude(loudness_lufs - level)
    most = static * amplitude(_LOUDER_DB)
    over = crowding(mix, beside, ceiling_of(ceiling_dbtp), most)
    gain = np.ones(len(over), np.float32)
    for _ in range(_ROUNDS):
        check()
        gain = np.float32(static) * limiting(np.float32(static) * over, rate, check)
        reached = measured.lufs(gain[heard])
        if reached is None or abs(reached - loudness_lufs) < _NEAR_LU:
            break
        static *= amplitude(loudness_lufs - reached)
    return gain


def look_ahead(rate: int) -> int:
    """Return how many frames the limiter looks ahead, and back."""
    return max(1, round(_LOOK_AHEAD_S * rate))


def ceiling_of(ceiling_dbtp: float) -> float:
    """Return the magnitude to keep below, so that the ceiling holds."""
    return amplitude(ceiling_dbtp - _HEADROOM_DB)


def limiting(over: Array, rate: int, check: Check = lambda: None) -> Array:
    """Return the gain `(frames,)` that brings peaks `over` (1 is the ceiling) to 1 or below.

    The lowest gain needed within the look-ahead on either side, smoothed by a kernel as wide as
    that look: at a peak every term of the mean is low enough.
    """
    gain = np.ones(len(over), np.float32)
    reach = look_ahead(rate)
    for at in range(0, len(over), _BLOCK):
        first, stop = max(0, at - 2 * reach), min(len(over), at + _BLOCK + 2 * reach)
        if over[first:stop].max() > 1:
            check()
            piece = _dips(over[first:stop], reach)
            gain[at : at + _BLOCK] = piece[at - first : at - first + _BLOCK]
    return gain


def _dips(over: Array, reach: int) -> Array:
    needed = (1 / np.maximum(over, 1.0)).astype(np.float32)
    lowest = minimum_filter1d(needed, 2 * reach + 1)
    # Two box means of half the look make a smooth kernel that is no wider.
    width = reach // 2 * 2 + 1
    once = uniform_filter1d(lowest, width, mode="nearest")
    return np.asarray(uniform_filter1d(once, width, mode="nearest"))


def fades(
    frames: int, rate: int, in_s: float, out_s: float, heard: slice, part: slice | None = None
) -> Array:
    """Return the gain of a fade in and out that lie inside `heard`; `part` of its `frames`."""
    first, last = (0, frames) if part is None else (part.start, part.stop)
    gain = np.ones(last - first, np.float32)
    long = heard.stop - heard.start
    rise, fall = min(round(in_s * rate), long), min(round(out_s * rate), long)
    at = np.arange(first, last)
    if rise and first < heard.start + rise:
        gain *= np.sin(np.pi / 2 * np.clip((at - heard.start) / max(1, rise - 1), 0, 1)) ** 2
    if fall and last > heard.stop - fall:
        gone = np.clip((at - heard.stop + fall) / max(1, fall - 1), 0, 1)
        gain *= np.cos(np.pi / 2 * gone) ** 2
        gain[at >= heard.stop] = 0
    return gain
