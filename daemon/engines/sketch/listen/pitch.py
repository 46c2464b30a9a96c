"""Fundamental frequency of a lone voice or instrument, frame by frame.

YIN (de Cheveigné & Kawahara 2002) at half the ear's rate after the room is taken out, batched over
pieces of some seconds so that memory stays small, with the octave settled by continuity. Rows are
`HOP_S` apart; row `i` is centred on second `i × HOP_S`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, rfft

from daemon.engines.sketch.listen.frames import EAR_RATE_HZ, Check, unchecked
from daemon.engines.sketch.listen.room import dried

_RATE_HZ = EAR_RATE_HZ // 2
_HOP = 110
HOP_S = _HOP / _RATE_HZ
_INTEGRATION = 340  # samples, 31 ms
_DARK_HZ = 300.0  # basses alone are darker, voices never
_LONGEST = 170  # lag: 65 Hz
_SHORTEST = 10  # lag: 1100 Hz
_FFT = _INTEGRATION + _LONGEST + 2  # just long enough that nothing wraps round
_ROWS = 500
_CANDIDATES = 3
_CHECKED_ROWS = 2000
_BLOCK = 1 << 20  # samples, an even number
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
    """Return the pitch track of `signal` (see `frames`): 65…1100 Hz, of dark clips 33…550 Hz."""
    halved = dried(_halved(signal, check), _RATE_HZ, check)
    rows, rate, hop = len(halved) // _HOP + 1, float(_RATE_HZ), _HOP
    if _brightness_hz(halved) < _DARK_HZ:
        halved, rate, hop = _halved(halved, check), rate / 2, hop // 2
    margin = _INTEGRATION // 2
    padded = np.pad(halved, (margin, _FFT + hop))
    lags, dips, levels = [], [], []
    for first in range(0, rows, _ROWS):
        check()
        count = min(_ROWS, rows - first)
        piece = padded[first * hop : (first + count - 1) * hop + _INTEGRATION + _LONGEST + 2]
        lag, dip, level = _candidates(piece, hop)
        lags.append(lag)
        dips.append(dip)
        levels.append(level)
    lag, dip = np.concatenate(lags), np.concatenate(dips)
    check()
    midi, clarity = _smoothest(69 + 12 * np.log2(rate / lag / 440), dip, check)
    return Pitch(midi, clarity, np.concatenate(levels))


def _brightness_hz(signal: np.ndarray) -> float:
    """Root mean square frequency of `signal` at `_RATE_HZ`."""
    power = float(np.dot(signal, signal))
    slope = np.diff(signal)
    return float(np.sqrt(np.dot(slope, slope) / max(power, 1e-20))) * _RATE_HZ / (2 * np.pi)


def _halved(signal: np.ndarray, check: Check = unchecked) -> np.ndarray:
    """Drop every second sample after a short half-band low-pass."""
    taps = np.array([-1, 0, 9, 16, 9, 0, -1], np.float32) / 32
    reach = len(taps) // 2
    halved = np.empty((len(signal) + 1) // 2, np.float32)
    for first in range(0, len(signal), _BLOCK):
        check()
        begin, end = max(0, first - reach), min(len(signal), first + _BLOCK)
        piece = np.convolve(signal[begin : end + reach], taps)[reach:]
        halved[first // 2 : (end + 1) // 2] = piece[first - begin : end - begin : 2]
    return halved


def _candidates(piece: np.ndarray, hop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lags and aperiodicities `(rows, _CANDIDATES)` and levels `(rows,)` of one piece."""
    span = _INTEGRATION + _LONGEST + 2
    frames = np.lib.stride_tricks.sliding_window_view(piece, span)[::hop]
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
    spectrum = np.conj(rfft(head, _FFT)) * rfft(frames, _FFT)
    cross = irfft(spectrum, _FFT)[:, : _LONGEST + 2]
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
    """Plain numbers: for three candidates a row they are many times as fast as arrays."""
    p, q, r = dip[0].tolist()
    back: list[tuple[int, int, int]] = []
    flat = steps.reshape(-1, _CANDIDATES**2)
    for first in range(0, len(flat), _CHECKED_ROWS):
        check()
        part = slice(first, first + _CHECKED_ROWS)
        for into, (x, y, z) in zip(flat[part].tolist(), dip[1:][part].tolist(), strict=True):
            a, b, c, d, e, f, g, h, i = into
            to_x, from_x = _cheapest(p + a, q + b, r + c)
            to_y, from_y = _cheapest(p + d, q + e, r + f)
            to_z, from_z = _cheapest(p + g, q + h, r + i)
            back.append((from_x, from_y, from_z))
            p, q, r = to_x + x, to_y + y, to_z + z
    choice = [_cheapest(p, q, r)[1]]
    for came in reversed(back):
        choice.append(came[choice[-1]])
    return choice[::-1]


def _cheapest(a: float, b: float, c: float) -> tuple[float, int]:
    """Return the lowest of three and which one it is, the first of equals."""
    if a <= b:
        return (a, 0) if a <= c else (c, 2)
    return (b, 1) if b <= c else (c, 2)
