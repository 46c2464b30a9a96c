"""Fundamental frequency of a lone voice or instrument, frame by frame.

YIN (de Cheveigné & Kawahara 2002) at half the ear's rate after the room is taken out, batched over
pieces of some seconds so that memory stays small, with the octave settled by continuity. Rows are
`HOP_S` apart; row `i` is centred on second `i × HOP_S`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.listen.frames import EAR_RATE_HZ, Check, unchecked
from daemon.engines.sketch.listen.room import dried

_RATE_HZ = EAR_RATE_HZ // 2
_HOP = 110
HOP_S = _HOP / _RATE_HZ
_INTEGRATION = 340  # samples, 31 ms
_LONGEST = 170  # lag: 65 Hz
_SHORTEST = 10  # lag: 1100 Hz
_FFT = _INTEGRATION + _LONGEST + 2  # just long enough that nothing wraps round
_ROWS = 500
_CANDIDATES = 3
_CHECKED_ROWS = 2000
_JUMP_COST = 0.9  # per octave
_UNPITCHED, _PITCHED = 0.3, 0.75  # clarity
_QUIET_DB = -50.0  # below the clip's loud frames: unvoiced


@dataclass(frozen=True)
class Pitch:
    """`midi` `(rows,)`, `clarity` 0…1 (1 − YIN's aperiodicity) and `level` (root mean square)."""

    midi: np.ndarray
    clarity: np.ndarray
    level: np.ndarray

    @property
    def voiced(self) -> np.ndarray:
        """Rows that are clearly pitched and not near silence."""
        return (self.clarity > _PITCHED) & self.loud

    @property
    def loud(self) -> np.ndarray:
        """Rows that are not near silence."""
        if not len(self.level):
            return np.zeros(0, bool)
        floor = float(np.percentile(self.level, 95)) * 10 ** (_QUIET_DB / 20)
        return np.asarray(self.level > max(floor, 1e-5))

    @property
    def sureness(self) -> np.ndarray:
        """How far each row is pitched, 0…1: half a voice is heard under consonants and in rooms."""
        sure = (self.clarity - _UNPITCHED) / (_PITCHED - _UNPITCHED)
        return np.asarray(np.where(self.loud, np.clip(sure, 0, 1), 0.0))


def track_pitch(signal: np.ndarray, check: Check = unchecked) -> Pitch:
    """Return the pitch track of `signal` (see `frames`)."""
    halved = dried(_halved(signal), _RATE_HZ, check)
    rows = len(halved) // _HOP + 1
    margin = _INTEGRATION // 2
    padded = np.pad(halved, (margin, _FFT + _HOP))
    lags, dips, levels = [], [], []
    for first in range(0, rows, _ROWS):
        check()
        count = min(_ROWS, rows - first)
        piece = padded[first * _HOP : (first + count - 1) * _HOP + _INTEGRATION + _LONGEST + 2]
        lag, dip, level = _candidates(piece)
        lags.append(lag)
        dips.append(dip)
        levels.append(level)
    lag, dip = np.concatenate(lags), np.concatenate(dips)
    check()
    midi, clarity = _smoothest(69 + 12 * np.log2(_RATE_HZ / lag / 440), dip, check)
    return Pitch(midi, clarity, np.concatenate(levels))


def _halved(signal: np.ndarray) -> np.ndarray:
    """Drop every second sample after a short half-band low-pass."""
    taps = np.array([-1, 0, 9, 16, 9, 0, -1], np.float32) / 32
    return np.convolve(signal, taps, "same")[::2] if len(signal) > 7 else signal[::2]


def _candidates(piece: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lags and aperiodicities `(rows, _CANDIDATES)` and levels `(rows,)` of one piece."""
    span = _INTEGRATION + _LONGEST + 2
    frames = np.lib.stride_tricks.sliding_window_view(piece, span)[::_HOP]
    difference = _difference(frames)
    mean = np.cumsum(difference[:, 1:], axis=1)
    order = np.arange(1, difference.shape[1])
    normal = np.ones_like(difference)
    normal[:, 1:] = difference[:, 1:] * order / np.maximum(mean, 1e-9)
    level = np.sqrt(np.square(frames[:, :_INTEGRATION]).mean(axis=1))
    lag, dip = _dips(normal)
    return lag, dip, level


def _difference(frames: np.ndarray) -> np.ndarray:
    """Squared difference of each frame with itself delayed by 0…`_LONGEST` + 1 samples."""
    head = frames[:, :_INTEGRATION]
    cross = np.fft.irfft(np.conj(np.fft.rfft(head, _FFT)) * np.fft.rfft(frames, _FFT), _FFT)[
        :, : _LONGEST + 2
    ]
    squares = np.cumsum(np.square(frames, dtype=np.float64), axis=1)
    squares = np.pad(squares, ((0, 0), (1, 0)))
    energy = squares[:, _INTEGRATION : _INTEGRATION + _LONGEST + 2] - squares[:, : _LONGEST + 2]
    return np.maximum(energy[:, :1] + energy - 2 * cross, 0).astype(np.float32)


def _dips(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first deep dips of each row, refined by a parabola: lags and depths."""
    inner = normal[:, _SHORTEST : _LONGEST + 1]
    before = normal[:, _SHORTEST - 1 : _LONGEST]
    after = normal[:, _SHORTEST + 1 : _LONGEST + 2]
    dip = (inner <= before) & (inner < after)
    # Between samples a dip is deeper than at them, the more so the shorter its period.
    bend = np.maximum(before + after - 2 * inner, 1e-9)
    lowest = np.maximum(inner - 0.125 * np.square(before - after) / bend, 0)
    # A later dip must be clearly deeper than an earlier one, or every multiple of the period wins.
    cost = np.where(dip, lowest + 0.0008 * np.arange(inner.shape[1]), 9.0)
    best = np.argpartition(cost, _CANDIDATES, axis=1)[:, :_CANDIDATES]
    rows = np.arange(len(normal))[:, None]
    aside = 0.5 * (before[rows, best] - after[rows, best]) / bend[rows, best]
    lag = best + _SHORTEST + np.clip(aside, -0.5, 0.5)
    return lag.astype(np.float64), np.minimum(cost[rows, best], 1.0)


def _smoothest(midi: np.ndarray, dip: np.ndarray, check: Check) -> tuple[np.ndarray, np.ndarray]:
    """Choose one candidate a row so that depth and small steps are best together (Viterbi)."""
    rows = len(midi)
    # A step counts less into and out of frames that are hardly pitched.
    weight = np.minimum(1, 1.2 - dip).max(axis=1)[:-1, None, None] * _JUMP_COST
    steps = np.minimum(np.abs(midi[1:, :, None] - midi[:-1, None, :]) / 12, 1) * weight
    choice = np.array(_cheapest_choice(steps, dip, check))
    at = np.arange(rows)
    return midi[at, choice], np.clip(1 - dip[at, choice], 0, 1)


def _cheapest_choice(steps: np.ndarray, dip: np.ndarray, check: Check) -> list[int]:
    """Plain lists: for three candidates a row they are several times as fast as arrays."""
    total = dip[0].tolist()
    back: list[list[int]] = []
    for first in range(0, len(steps), _CHECKED_ROWS):
        check()
        part = slice(first, first + _CHECKED_ROWS)
        for into, here in zip(steps[part].tolist(), dip[1:][part].tolist(), strict=True):
            came, reached = [], []
            for costs, own in zip(into, here, strict=True):
                ways = [t + c for t, c in zip(total, costs, strict=True)]
                best = min(ways)
                came.append(ways.index(best))
                reached.append(best + own)
            back.append(came)
            total = reached
    choice = [total.index(min(total))]
    for came in reversed(back):
        choice.append(came[choice[-1]])
    return choice[::-1]
