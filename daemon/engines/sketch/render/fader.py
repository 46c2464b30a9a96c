"""Where the master fader stands: aimed at the loudness of the whole while only a part is known.

Loudness is kept as mean K-weighted power in hops of 0.1 s from the first frame that counts. What
has left counts under the gain it left with; what is rendered, as measured; the rest as forecast,
corrected by how measurement and forecast agreed so far. So the sum lands on its target, and the
fader moves by a fraction of a decibel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from daemon.engines.sketch.render.level import gated_lufs, hop_means
from daemon.engines.sketch.render.tone import Array

_MOST_DB = 1.0  # that the fader moves from one stretch to the next
_TRUST_S = 1.0  # so many seconds of forecast weigh against what was measured
_HALVINGS = 18
_WIDEST_DB = 80.0


@dataclass
class Tally:
    """Power by hop: as forecast, of what was measured, and of what has left under its gain.

    `measured` and `left` grow frame by frame; `seen` and `gone` count the frames that they cover.
    `lost` is the share of power that compression and limiting took so far.
    """

    hop: int
    forecast: Array
    measured: Array = field(init=False)
    left: Array = field(init=False)
    seen: int = 0
    gone: int = 0
    lost: float = 1.0

    def __post_init__(self) -> None:
        self.measured = np.zeros(len(self.forecast))
        self.left = np.zeros(len(self.forecast))

    def add(self, table: Array, at: int, power: Array) -> None:
        """Add the power of frames from `at` on to `measured` or `left`; those outside are none."""
        power = power[max(0, -at) : max(0, len(table) * self.hop - at)]
        at = max(0, at)
        if not len(power):
            return
        head = min(len(power), -at % self.hop)
        if head:
            table[at // self.hop] += power[:head].sum(dtype=np.float64) / self.hop
        means = hop_means(power[head:], self.hop)
        first = (at + head) // self.hop
        table[first : first + len(means)] += means

    def bias(self) -> float:
        """Return how much more power was measured than forecast, drawn towards 1."""
        covered = self._covered(self.seen)
        expected = float((self.forecast * covered).sum())
        trust = float(self.forecast.mean()) * _TRUST_S / 0.1
        if expected + trust <= 0:
            return 1.0
        return (float(self.measured.sum()) + trust) / (expected + trust)

    def waiting(self) -> Array:
        """Return the power of what has not left yet, at unity gain: measured or forecast."""
        measured = self.measured * (1 - self._covered(self.gone) / self._some(self.seen))
        return measured + self.bias() * self.forecast * (1 - self._covered(self.seen))

    def _covered(self, frames: int) -> Array:
        """Return the share of each hop that the first `frames` cover."""
        return np.clip(frames / self.hop - np.arange(len(self.forecast)), 0, 1)

    def _some(self, frames: int) -> Array:
        return np.maximum(self._covered(frames), 1e-9)


def fader_db(tally: Tally, target_lufs: float, last_db: float | None) -> float:
    """Return the gain (dB) for what has not left yet, so that the whole reaches `target_lufs`.

    It lies within 1 dB of `last_db`, unless that is None. 0 for silence.
    """
    waiting = tally.waiting() * tally.lost
    if gated_lufs(tally.left + waiting) is None:
        return 0.0 if last_db is None else last_db
    centre, reach = (0.0, _WIDEST_DB) if last_db is None else (last_db, _MOST_DB)
    low, high = centre - reach, centre + reach
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        reached = gated_lufs(tally.left + waiting * 10 ** (middle / 10))
        if reached is not None and reached > target_lufs:
            high = middle
        else:
            low = middle
    return (low + high) / 2
