"""Linear prediction: how a signal would go on. float64 `(frames, channels)`.

Burg's method (J. P. Burg, 1967) fits a stable all-pole model, so a continuation rings on and dies
away and never grows. It carries a tone over a cut; noise it lets fade within milliseconds.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter, lfiltic

FIT_S = 0.25
"""Seconds of the signal that the model is fitted on; half of it at 192 kHz, for speed."""

_MOST_FRAMES = 24_000
_ORDER_S = 0.006  # reaches back over one period of 170 Hz; the poles describe lower tones as well
_ORDERS = (8, 1200)
_FLOOR = 1e-5


def extrapolate(x: np.ndarray, frames: int, rate: int) -> np.ndarray:
    """Return `frames` frames that follow `x` by linear prediction; zeros where it is silent."""
    assert x.ndim == 2, x.shape
    fitted = x[max(0, len(x) - min(_MOST_FRAMES, round(FIT_S * rate))) :].astype(np.float64)
    order = min(len(fitted) // 3, max(_ORDERS[0], min(_ORDERS[1], round(_ORDER_S * rate))))
    out = np.zeros((frames, x.shape[1]))
    if order < 1:
        return out
    # A trace of noise, −100 dB: pure tones at a high rate alone leave the fit ill-conditioned.
    floor = _FLOOR * np.random.Generator(np.random.PCG64(0)).standard_normal(len(fitted))
    for channel in range(x.shape[1]):
        known = fitted[:, channel]
        a = burg(known + floor * known.std(), order)
        state = lfiltic([1.0], a, known[: -order - 1 : -1])
        out[:, channel] = lfilter([1.0], a, np.zeros(frames), zi=state)[0]
    return out


def burg(x: np.ndarray, order: int) -> np.ndarray:
    """Return the prediction-error filter `[1, a1, …]` of `x` `(n,)`, `order` + 1 terms."""
    a = np.ones(1)
    forward, backward = x[1:], x[:-1]
    power = _dot(forward, forward) + _dot(backward, backward)
    floor = 1e-18 * power
    for _ in range(order):
        if power <= floor:
            break
        reflection = -2.0 * _dot(forward, backward) / power
        a = np.append(a, 0.0) + reflection * np.append(0.0, a[::-1])
        forward, backward = forward + reflection * backward, backward + reflection * forward
        power = power * (1 - reflection**2) - float(forward[0] ** 2 + backward[-1] ** 2)
        forward, backward = forward[1:], backward[:-1]
    return np.concatenate([a, np.zeros(order + 1 - len(a))])


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    # Not `@`: these lengths would wake the threads of a BLAS, hundreds of times, for nothing.
    return float(np.einsum("i,i->", a, b))
