"""A zone's resonant low-pass of second order, still or moving (SoundFont 2.04, section 9.1.5).

Coefficients by the bilinear transform (R. Bristow-Johnson's audio EQ cookbook). Q is in centibels
above no resonance; half of it is taken from the gain, as section 8.1.2 says of `initialFilterQ`.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import lfilter

from daemon.engines.sketch.soundfont.envelope import STEP
from daemon.engines.sketch.soundfont.generators import hertz_of

_OPEN_CENTS = 13500
_FINENESS_CENTS = 25  # by which a moving filter goes; finer steps are not heard
_HIGHEST = 0.45  # of the rate
_MOST_Q = 960

Array = np.ndarray


def low_passed(x: Array, cents: float, q: float, bend: Array | None, rate: int) -> Array:
    """Return `x` `(frames,)` through the filter at `cents` (over 8.176 Hz); open ones do nothing.

    `bend` moves it, in cents, one value every `STEP` frames.
    """
    q = min(max(q, 0.0), _MOST_Q)
    if bend is None:
        if (cents >= _OPEN_CENTS and q == 0) or hertz_of(cents) >= _HIGHEST * rate:
            return x
        return np.asarray(lfilter(*_section(cents, q, rate), x), np.float32)
    steps = np.minimum(cents + bend, _OPEN_CENTS) // _FINENESS_CENTS
    if steps.min() * _FINENESS_CENTS >= _OPEN_CENTS - _FINENESS_CENTS and q == 0:
        return x
    edges = np.flatnonzero(np.diff(steps)) + 1
    out, state = np.empty(len(x), np.float32), np.zeros(2)
    for a, b in zip([0, *edges], [*edges, len(x)], strict=True):
        b_, a_ = _section((steps[a] + 0.5) * _FINENESS_CENTS, q, rate)
        piece = slice(a * STEP, b * STEP)
        out[piece], state = lfilter(b_, a_, x[piece], zi=state)
    return out


def _section(cents: float, q: float, rate: int) -> tuple[Array, Array]:
    """Return numerator and denominator."""
    turn = 2 * math.pi * min(hertz_of(cents), _HIGHEST * rate) / rate
    alpha = math.sin(turn) / (2 * 10 ** ((q / 10 - 3.01) / 20))
    a0, cosine = 1 + alpha, math.cos(turn)
    b = (1 - cosine) * 10 ** (-q / 400) / a0
    return np.array([b / 2, b, b / 2]), np.array([1.0, -2 * cosine / a0, (1 - alpha) / a0])
