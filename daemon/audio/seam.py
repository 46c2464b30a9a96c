"""One seam between kept audio and new material: what is measured there, and the fade.

Every seam is seen as the start of a region; the end of a region is looked at in reverse. Arrays are
float `(frames, channels)` at one rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from pyloudnorm import IIRfilter
from scipy.signal import lfilter

from daemon.audio.align import CONFIDENT, coefficient
from daemon.audio.extrapolate import extrapolate
from daemon.audio.loudness import amplitude, rms_db

SHORTEST_FADE_S, LONGEST_FADE_S = 0.010, 0.030
MOST_GAIN_DB = 3.0
SILENT_DB = -60.0
LOWEST_RHO = -0.9
"""Gains of 2.2 in the middle of a fade; towards −1 they grow without bound and power is a guess."""

_LEVEL_S = 0.4
_DC_S = 1.0
_SHORTEST_DC_S = 0.1  # a mean over less tells more about the bass than about DC
_LEAST_DC = 1e-3  # −60 dBFS; the mean of clean music is uncertain by nearly as much
_SHORTEST_SHARE, _LONGEST_SHARE = 0.01, 0.9


@dataclass(frozen=True)
class Edge:
    """What was measured and done at one seam.

    `correlation` of source and new material around it, `rho` of the two on the fade itself,
    `gain_db` (by K-weighted level) and `dc` (one value per channel, full scale 1) at the edge,
    `fade` in frames.
    """

    correlation: float = 0.0
    rho: float = 0.0
    gain_db: float = 0.0
    dc: tuple[float, ...] = ()
    fade: int = 0


@dataclass(frozen=True, eq=False)
class Seam:
    """Material at one seam.

    `before` is kept audio up to the seam, `over` the source from the seam on, None where there is
    none. `new` is aligned and begins `lead` frames before the seam. `longest` bounds the fade.
    """

    before: np.ndarray
    over: np.ndarray | None
    new: np.ndarray
    lead: int
    longest: int
    rate: int


def measure(seam: Seam) -> Edge:
    """Return correlation, gain and DC at the seam; the fade is still to be made."""
    source, new = _same_time(seam, _LEVEL_S)
    correlation = _coefficient(source, new)
    if seam.over is None and correlation < CONFIDENT:
        source, new = _beside(seam, _LEVEL_S)
    gain_db = _level_gain_db(source, new, seam.rate)
    return Edge(correlation, 0.0, gain_db, _dc(seam, amplitude(gain_db)), 0)


def fade(seam: Seam, edge: Edge, body: np.ndarray) -> Edge:
    """Fade `body`, the levelled material from the seam on, in from the source, in place."""
    longest = min(seam.longest, round(LONGEST_FADE_S * seam.rate))
    if seam.over is None:
        under = extrapolate(seam.before, longest, seam.rate)
        lasting = _lasting(seam.before, under)
    else:
        under, lasting = seam.over, max(0.0, edge.correlation)
    seconds = SHORTEST_FADE_S + (LONGEST_FADE_S - SHORTEST_FADE_S) * lasting
    length = min(longest, round(seconds * seam.rate))
    if length == 0:
        return edge
    held = np.ones(length)
    if seam.over is None:
        held = _held(seam.before, under, lasting, length)
    under, into = under[:length].astype(np.float64), body[:length].astype(np.float64)
    rho = coefficient(under, into, np.hanning(length + 2)[1:-1])
    out_gain, in_gain = fade_gains(length, rho, held)
    body[:length] = out_gain[:, None] * under + in_gain[:, None] * into
    return replace(edge, rho=rho, fade=length)


def fade_gains(length: int, rho: float, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the gains `(length,)` of what fades out and of what fades in: g₁² + g₂² + 2ρg₁g₂ = 1.

    They begin and end flat. ρ below `LOWEST_RHO` counts as that. `held` `(length,)` is the
    amplitude, 1…0, that a signal dying away by itself still has: g₂ makes up for what is gone.
    """
    rho = max(LOWEST_RHO, min(1.0, rho))
    t = (np.arange(length) + 0.5) / length
    angle = np.pi / 2 * np.sin(np.pi / 2 * t) ** 2
    norm = np.sqrt(1 + rho * np.sin(2 * angle))
    g1, g2 = np.cos(angle) / norm, np.sin(angle) / norm
    alike = max(0.0, rho)
    made_up = _other_gain(g1 * held, alike) - _other_gain(g1, alike)
    return g1, g2 + made_up


def _other_gain(g1: np.ndarray, rho: float) -> np.ndarray:
    """Return the g₂ that g₁ leaves for ρ ≥ 0."""
    return -rho * g1 + np.sqrt(np.maximum(0.0, 1 - g1**2 * (1 - rho**2)))


def _lasting(before: np.ndarray, under: np.ndarray) -> float:
    """Return how much of the source's amplitude, 0…1, is left at the end of its continuation."""
    last = under[-(len(under) // 3) :]
    level = amplitude(rms_db(before[-len(under) :]))
    return min(1.0, amplitude(rms_db(last)) / level) if level > 0 else 0.0


def _held(before: np.ndarray, under: np.ndarray, lasting: float, length: int) -> np.ndarray:
    """Return the amplitude, from 1 at the seam, that a continuation has on its first frames.

    A part that lasts and a part that dies away exponentially, both found from the power of `under`:
    the envelope itself would ripple with the bass.
    """
    total = len(under)
    level = float(np.mean(np.square(before[-total:], dtype=np.float64)))
    steady = lasting**2
    if steady >= 1 or level == 0:
        return np.ones(length)
    share = (float(np.mean(under**2)) / level - steady) / (1 - steady)
    share = max(_SHORTEST_SHARE, min(_LONGEST_SHARE, share))
    decay = share
    for _ in range(20):  # share = decay × (1 − e^(−1/decay)), both in lengths of `under`
        decay = share / (1 - math.exp(-1 / decay))
    return np.sqrt(steady + (1 - steady) * np.exp(-np.arange(length) / (total * decay)))


def _same_time(seam: Seam, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Return source and new material where both exist: around the seam, or before it."""
    back = min(seam.lead, len(seam.before))
    source = seam.before[len(seam.before) - back :]
    if seam.over is not None:
        source = np.concatenate([source, seam.over[: round(seconds * seam.rate)]])
    first = seam.lead - back
    return source, seam.new[first : first + len(source)]


def _beside(seam: Seam, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the source before the seam and as much new material after it."""
    length = min(round(seconds * seam.rate), len(seam.before), len(seam.new) - seam.lead)
    return seam.before[len(seam.before) - length :], seam.new[seam.lead : seam.lead + length]


def _coefficient(source: np.ndarray, new: np.ndarray) -> float:
    if len(source) == 0:
        return 0.0
    return coefficient(source - source.mean(axis=0), new - new.mean(axis=0))


def _level_gain_db(source: np.ndarray, new: np.ndarray, rate: int) -> float:
    wanted = level_difference_db(source, new, rate)
    return 0.0 if wanted is None else max(-MOST_GAIN_DB, min(MOST_GAIN_DB, wanted))


def level_difference_db(source: np.ndarray, new: np.ndarray, rate: int) -> float | None:
    """Return by how much `source` is louder than `new`, in LU; None where either is silent.

    Both are K-weighted: a level without that is the level of the bass.
    """
    if len(source) == 0 or len(new) == 0:
        return None
    flat = [x - x.mean(axis=0) for x in (source, new)]
    if min(rms_db(x) for x in flat) < SILENT_DB:
        return None
    wanted, have = (rms_db(_weighted(x, rate)) for x in flat)
    return wanted - have


def _weighted(x: np.ndarray, rate: int) -> np.ndarray:
    for filter_ in _k_weighting(rate):
        x = lfilter(filter_.b, filter_.a, x, axis=0)
    return x


@lru_cache(maxsize=8)
def _k_weighting(rate: int) -> tuple[IIRfilter, IIRfilter]:
    """Return BS.1770's filters, with pyloudnorm's values: gain in dB, Q, corner in Hz."""
    return (
        IIRfilter(4.0, 1 / math.sqrt(2), 1500.0, rate, "high_shelf"),
        IIRfilter(0.0, 0.5, 38.0, rate, "high_pass"),
    )


def _dc(seam: Seam, gain: float) -> tuple[float, ...]:
    """Return what must be added to the new material at the seam, per channel, or 0 for a trifle."""
    source, new = (_same_time if seam.over is not None else _beside)(seam, _DC_S)
    if len(source) < _SHORTEST_DC_S * seam.rate:
        return (0.0,) * seam.new.shape[1]
    # Blackman's side lobes lie 58 dB down: what bass remains in the mean is too little to hear.
    window = np.blackman(len(source) + 2)[1:-1]
    means = [(window @ x) / window.sum() for x in (source, new)]
    return tuple(float(d) if abs(d) >= _LEAST_DC else 0.0 for d in means[0] - gain * means[1])
