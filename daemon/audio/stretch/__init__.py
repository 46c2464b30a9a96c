"""Time-stretch: another length, the same pitch.

Two methods, chosen by what is installed: python-stretch (a binding of the phase vocoder Signalsmith
Stretch, both MIT) between attacks, else pieces of the sound itself (WSOLA). Either way attacks are
copied as they are, at their place on the new time line, and all channels move together.

Samples are float32 `(frames, channels)`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from daemon.audio.stretch import signalsmith, wsola
from daemon.audio.stretch.between import laid

LEAST, MOST = 0.5, 2.0
"""Ratios of lengths within which a stretch is worth hearing."""


def method_for(channels: int) -> str:
    """Return `signalsmith` or `wsola`: what `stretched` uses for so many channels."""
    return "signalsmith" if signalsmith.can(channels) else "wsola"


def stretched(
    samples: np.ndarray,
    rate: int,
    ratio: float,
    check: Callable[[], None] = lambda: None,
    method: str | None = None,
) -> np.ndarray:
    """Return `samples` `(n, c)` at `ratio` (0.5…2) times their length, `(round(n × ratio), c)`.

    `rate` in Hz; `check` is called between pieces and may raise. The result depends on the input
    alone. A ratio of 1 gives the same samples. ValueError for a ratio out of range.
    """
    if not LEAST <= ratio <= MOST:
        raise ValueError(f"a ratio of {ratio:g} is not within {LEAST:g}…{MOST:g}")
    assert samples.ndim == 2, samples.shape
    samples = np.asarray(samples, np.float32)
    frames = round(len(samples) * ratio)
    if frames == len(samples) or frames == 0:
        return samples[:frames].copy()
    if (method or method_for(samples.shape[1])) == "signalsmith":
        return laid(samples, rate, frames, signalsmith.SPACING, signalsmith.filler(rate), check)
    return laid(samples, rate, frames, wsola.SPACING, wsola.filler(samples, rate), check)
