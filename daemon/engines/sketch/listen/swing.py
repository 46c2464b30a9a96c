"""How far the off-beat eighths of a clip come late."""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.listen.pulse import Pulses

_BINS = 96  # of a quarter
_EARLIEST, _LATEST = 0.46, 0.72  # quarters after the beat where an off-beat eighth may lie
_CLEAR = 1.5  # times as steep as the middle of the beat usually is


def find_swing(attacks: tuple[np.ndarray, np.ndarray], beat: Pulses) -> float:
    """Return 0 where eighths are even (or none are clear), 1 where they are 2 : 1, as in triplets.

    `attacks` is of `onsets.attack_strength`, `beat` the pulses with the downbeat in place. Metres
    of dotted quarters do not swing.
    """
    seconds, rise = attacks
    if beat.quarters != 1 or not rise.any():
        return 0.0
    place = (beat.at(seconds) % 1 * _BINS).astype(int) % _BINS
    total, count = np.bincount(place, rise, _BINS), np.bincount(place, minlength=_BINS)
    mean = total / np.maximum(count, 1)
    window = np.hanning(9)
    smooth = np.convolve(np.pad(mean, 4, mode="wrap"), window / window.sum(), "valid")
    first, last = round(_EARLIEST * _BINS), round(_LATEST * _BINS)
    at = first + int(np.argmax(smooth[first:last]))
    if smooth[at] < _CLEAR * np.median(smooth):
        return 0.0
    return float(np.clip(((at + 0.5) / _BINS - 0.5) * 6, 0, 1))
