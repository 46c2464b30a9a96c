"""Takes the late sound of a room out of a lone voice, so that its notes don't run together.

In every band the late sound is taken for an exponential decay fed by what was heard a moment
earlier, and its power is subtracted (after Lebart, Boucher & Denbigh 2001). Room and distance are
not estimated: a middling room is taken for granted, which in a dry clip only makes steady notes a
little softer, as there is nothing to subtract after them.

Signals are float32 `(frames,)`.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, rfft
from scipy.signal import lfilter

from daemon.engines.sketch.listen.frames import Check, unchecked

_WINDOW, _HOP = 512, 256
_BINS = _WINDOW // 2 + 1
_DECAY_S = 0.9  # by 60 dB
_EARLY = 2  # hops until sound counts as late
_LATE = 0.35  # power of all late sound against a steady note's, before it has decayed
_FLOOR = 0.03  # of the power that stays where late sound is all there is
_BLOCK = 400  # hops


def dried(signal: np.ndarray, rate: int, check: Check = unchecked) -> np.ndarray:
    """Return `signal` at `rate` Hz with less of its room and softer highs, as long as it was.

    Highs fall like cos² to nothing at half the rate: they carry hiss, and blur short periods.
    """
    shape = np.sqrt(np.hanning(_WINDOW + 1)[:-1]).astype(np.float32)
    soft = np.square(np.cos(np.arange(_BINS) * (np.pi / _WINDOW))).astype(np.float32)
    padded = np.pad(signal, (_HOP, 2 * _WINDOW))
    out = np.zeros(len(padded), np.float32)
    rows = len(signal) // _HOP + 2
    keep = 10 ** (-6 * _HOP / rate / _DECAY_S)
    earlier, state = np.zeros((_EARLY, _BINS), np.float32), np.zeros((1, _BINS), np.float32)
    for first in range(0, rows, _BLOCK):
        check()
        count = min(_BLOCK, rows - first)
        piece = padded[first * _HOP : (first + count - 1) * _HOP + _WINDOW]
        framed = np.lib.stride_tricks.sliding_window_view(piece, _WINDOW)[::_HOP]
        spectrum = rfft(framed * shape, axis=1)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        fed = np.concatenate([earlier, power])
        earlier = fed[-_EARLY:]
        late, state = _late(fed[:-_EARLY], keep, state)
        gain = np.sqrt(np.maximum(1 - late / np.maximum(power, 1e-20), _FLOOR)) * soft
        sound = irfft(spectrum * gain.astype(np.float32), axis=1) * shape
        for at, half in ((first, sound[:, :_HOP]), (first + 1, sound[:, _HOP:])):
            out[at * _HOP : (at + count) * _HOP] += half.ravel()
    return out[_HOP : _HOP + len(signal)]


def _late(fed: np.ndarray, keep: float, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Power of the late sound in each row, `keep` of it from row to row, and the next state."""
    share = _LATE * (1 - keep) * keep**_EARLY
    late, state = lfilter([share], [1, -keep], fed, axis=0, zi=state)
    return late, state
