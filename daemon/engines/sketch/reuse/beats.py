"""A clip cut into beats, with what each beat sounds like.

Frames count from the first sample of the clip. Beat `i` covers `[edges[i], edges[i + 1])`; its
count is the number of pulses from the grid's downbeat, and its place the beat of the bar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.audio.clips import Samples
from daemon.engines.sketch.listen.frames import Check, to_ear
from daemon.engines.sketch.listen.harmony import profiles
from daemon.engines.sketch.listen.onsets import HOP_S, onset_strength
from daemon.engines.sketch.listen.pulse import Pulses, pulses
from daemon.engines.sketch.listen.tonal import tones
from daemon.engines.sketch.listen.trace import Trace
from daemon.engines.sketch.listen.types import Listening

_PARTS = 4  # of a beat, for its rhythm
_SIDE_S = 0.4
_EDGE_S = 0.03  # a beat may lack this much at the ends of the clip
# Weights of harmony, bass, colour, rhythm and level in the distance of two beats.
_WEIGHTS = (1.0, 0.8, 0.6, 0.6, 0.3)


@dataclass(frozen=True)
class Beats:
    """The whole beats of a clip: `edges` `(n + 1,)` frames, first `count`, chord names, features.

    `features` are one array `(n, ·)` for each of harmony, bass, colour, rhythm and level. `sides`
    `(n + 1, 2)` is how loud it is just before and just after every edge, dB.
    """

    pulse: Pulses
    rate: int
    first_count: int
    edges: np.ndarray
    chords: tuple[str, ...]
    features: tuple[np.ndarray, ...]
    sides: np.ndarray

    @property
    def number(self) -> int:
        """How many whole beats there are."""
        return len(self.chords)

    @property
    def places(self) -> np.ndarray:
        """Beat of the bar of each beat, `(n,)`."""
        return (self.first_count + np.arange(self.number)) % self.pulse.per_bar

    @property
    def bars(self) -> np.ndarray:
        """Bar of each beat, counted from the clip's first, `(n,)`."""
        return (self.first_count + np.arange(self.number)) // self.pulse.per_bar - (
            self.first_count // self.pulse.per_bar
        )

    def frame_of(self, counts: np.ndarray) -> np.ndarray:
        """Frame at which each pulse count begins, inside the clip or beyond it."""
        return np.round(self.pulse.second_of(counts) * self.rate).astype(np.int64)

    def count_at(self, frame: int) -> float:
        """Pulse count (fractional) at `frame`."""
        return float(self.pulse.at(np.array([frame / self.rate]))[0])


def cut_beats(samples: Samples, rate: int, heard: Listening, reach_s: float, check: Check) -> Beats:
    """Cut `(frames, 2)` into the beats of `heard.grid`; pulses are known `reach_s` beyond it.

    Beats are told apart by what listening kept of the clip; a clip without that is heard again.
    """
    check()
    length_s = len(samples) / rate
    pulse = pulses(heard.grid, length_s, reach_s)
    ends = pulse.at(np.array([-_EDGE_S, length_s + _EDGE_S]))
    first, last = int(np.ceil(ends[0])), int(np.floor(ends[1]))
    counts = np.arange(first, max(first, last) + 1)
    seconds = pulse.second_of(counts)
    edges = np.clip(np.round(seconds * rate).astype(np.int64), 0, len(samples))
    middles = (seconds[1:] + seconds[:-1]) / 2
    chords = tuple(heard.chord_at(s) for s in middles.tolist())
    if not chords:
        return Beats(pulse, rate, first, edges, chords, (), np.zeros((1, 2)))
    trace = heard.trace or _traced(samples, rate, check)
    features, sides = _features(trace, seconds), _sides(trace.onsets.colour, seconds)
    return Beats(pulse, rate, first, edges, chords, features, sides)


def _features(trace: Trace, seconds: np.ndarray) -> tuple[np.ndarray, ...]:
    notes = profiles(trace.tones.pooled(seconds))
    colour = _colour(trace.onsets.colour, seconds)
    return (
        notes[:, :12],
        notes[:, 12:],
        colour - colour.mean(axis=1, keepdims=True),
        _rhythm(trace.onsets.strength, seconds),
        colour.mean(axis=1, keepdims=True),
    )


def _traced(samples: Samples, rate: int, check: Check) -> Trace:
    signal = to_ear(samples, rate, check)
    return Trace(onset_strength(signal, check), tones(signal, check))


def _colour(power: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Mean level of each beat in bands, dB, floored 60 dB below the loudest."""
    mean = _means(power, seconds / HOP_S)
    return np.asarray(10 * np.log10(mean + mean.max() * 1e-6 + 1e-15))


def _sides(power: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Level of the `_SIDE_S` before and after each of `seconds`, without the deepest bass, dB."""
    audible = power[:, 1:].sum(axis=1, keepdims=True)
    sums = np.concatenate([np.zeros((1, 1)), np.cumsum(audible, axis=0, dtype=float)])[:, 0]
    floor = float(audible.max()) * 1e-6 + 1e-15
    levels = []
    for start, end in ((seconds - _SIDE_S, seconds), (seconds, seconds + _SIDE_S)):
        low, high = (np.clip(np.round(t / HOP_S).astype(int), 0, len(power)) for t in (start, end))
        levels.append((sums[high] - sums[low]) / np.maximum(high - low, 1))
    return np.asarray(10 * np.log10(np.stack(levels, axis=1) + floor))


def _rhythm(strength: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Mean onset strength in each part of each beat, `(n, _PARTS)`."""
    cuts = np.interp(
        np.arange((len(seconds) - 1) * _PARTS + 1) / _PARTS, np.arange(len(seconds)), seconds
    )
    # A quarter of a part early, so that an attack on the edge belongs to what it begins.
    early = np.diff(cuts).mean() / 4
    return _means(strength[:, None], (cuts - early) / HOP_S).reshape(-1, _PARTS)


def _means(rows: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Mean of `rows` between consecutive fractional `edges`, at least one row each."""
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=float)])
    low = np.clip(np.round(edges[:-1]).astype(int), 0, len(rows) - 1)
    high = np.clip(np.round(edges[1:]).astype(int), low + 1, len(rows))
    return (sums[high] - sums[low]) / (high - low)[:, None]


def distances(features: tuple[np.ndarray, ...]) -> np.ndarray:
    """Distance of every two beats, `(n, n)`; two unrelated beats of the clip are about 1 apart."""
    total = np.zeros((len(features[0]),) * 2, np.float32)
    for part, weight in zip(features, _WEIGHTS, strict=True):
        squares = np.square(part).sum(axis=1)
        apart = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * part @ part.T, 0))
        typical = float(np.percentile(apart, 75))
        total += weight * (apart / typical if typical > 1e-9 else 0)
    return total / sum(_WEIGHTS)
