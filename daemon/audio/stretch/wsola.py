"""Between attacks pieces of the sound itself, overlapped where they are most alike (WSOLA).

After Verhelst and Roelands, "An overlap-add technique based on waveform similarity" (1993). The
pieces are the same for all channels, so that phases between channels stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import firwin, upfirdn

from daemon.audio.stretch.between import Filler, Spacing, rise

SPACING = Spacing(apart_s=0.080, held_s=0.030)
_PIECE_S = 0.024  # half a piece: its overlap with the next
_REACH_S = 0.018  # one period of 55 Hz, several of what lies higher
_COARSE_RATE = 6000


def filler(samples: np.ndarray, rate: int) -> Filler:
    """Return what fills a gap of `samples` `(n, c)` at `rate` Hz."""
    coarse = _Coarse.of(samples, rate)

    def fill(x: np.ndarray, a: int, b: int, frames: int) -> np.ndarray:
        out = np.empty((frames, x.shape[1]), np.float32)
        half = max(8, min(round(_PIECE_S * rate), (b - a) // 3))
        read = a
        for done in range(0, frames, half):
            step = min(half, frames - done)
            if done == 0:
                out[:step] = _piece(x, read, step)
                continue
            follows = read + half
            wanted = a + done * (b - a) / frames
            # What goes on under the next fade must not reach the attack at `b` either.
            last = b - (half if done + half >= frames else 2 * half)
            read = coarse.nearest(x, follows, wanted, half, a, max(a, last))
            old, new = _piece(x, follows, step), _piece(x, read, step)
            out[done : done + step] = old + (new - old) * rise(step)
        return out

    return fill


def _piece(x: np.ndarray, read: int, frames: int) -> np.ndarray:
    """Return `frames` frames from `read` on, the last one held beyond the end."""
    return x[np.minimum(np.arange(read, read + frames), len(x) - 1)]


@dataclass(frozen=True, eq=False)
class _Coarse:
    """The sound at about 6 kHz, where pieces are compared first; `every` frames are one row."""

    rows: np.ndarray
    sums: np.ndarray
    every: int
    reach: int

    @classmethod
    def of(cls, samples: np.ndarray, rate: int) -> _Coarse:
        """Return the low-passed rows `(n, c)` of `samples`, centred on every n-th frame."""
        every = max(1, rate // _COARSE_RATE)
        taps = firwin(8 * every + 1, 0.8 / every) if every > 1 else np.ones(1)
        low = upfirdn(taps, samples, 1, every, axis=0)[4 if every > 1 else 0 :]
        low = np.ascontiguousarray(low, np.float32)
        sums = np.concatenate([[0.0], np.cumsum(np.square(low, dtype=np.float64).sum(axis=1))])
        return cls(low, sums, every, round(_REACH_S * rate))

    def nearest(
        self, x: np.ndarray, follows: int, wanted: float, frames: int, first: int, last: int
    ) -> int:
        """Return where in `[first, last]`, near `wanted`, `x` is most like from `follows` on.

        `frames` frames are compared.
        """
        off = follows - wanted
        if abs(off) <= self.reach / 2 and follows <= last:
            return follows
        # To the other side of what is wanted: on the mean nothing comes late or early.
        high = min(last, round(wanted) + (0 if off > 0 else self.reach))
        low = max(first, high - self.reach)
        if high <= low:
            return low
        row = self._best(low // self.every, high // self.every, follows // self.every, frames)
        at = row * self.every + follows % self.every
        return _refined(x, follows, max(low, at - self.every), min(high, at + self.every), frames)

    def _best(self, low: int, high: int, follows: int, frames: int) -> int:
        size = max(4, frames // self.every)
        model = self.rows[follows : follows + size]
        field = self.rows[low : high + size]
        size = min(len(model), len(field))
        if size < 4:
            return low
        model = model[:size]
        sides = range(field.shape[1])
        alike = np.sum([np.correlate(field[:, c], model[:, c], "valid") for c in sides], axis=0)
        ends = self.sums[low + size : low + size + len(alike)]
        power = ends - self.sums[low : low + len(ends)]
        return low + int(np.argmax(alike[: len(ends)] / np.sqrt(power + 1e-9)))


def _refined(x: np.ndarray, follows: int, low: int, high: int, frames: int) -> int:
    """Return the frame in `[low, high]` from which `x` is most like `x` from `follows` on."""
    model = x[follows : follows + frames]
    field = x[low : high + frames]
    size = min(len(model), len(field))
    if high <= low or size < 8:
        return low
    views = np.lib.stride_tricks.sliding_window_view(field, size, axis=0)[: high - low + 1]
    alike = np.einsum("ncs,sc->n", views, model[:size])
    power = np.einsum("ncs,ncs->n", views, views)
    return low + int(np.argmax(alike / np.sqrt(power + 1e-9)))
