"""How well an accompaniment goes with a vocal: four figures and the mark they make.

They are what papers on accompaniment measure where no listener is at hand: the vocal that is left,
onsets in common, pitches in common, and whether it plays at all. They tell a candidate that is off
the key, off the beat or empty from one that fits; they do not tell good music from dull.

Samples are float32 `(frames, 2)` at 48 kHz, all of one length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from daemon.engines.acestep.judge.onsets import onset_agreement, onsets_of
from daemon.engines.acestep.judge.pitches import chroma_agreement, chroma_of
from daemon.engines.acestep.parts import RATE
from daemon.engines.acestep.separate.reference import vocal_share

Check = Callable[[], None]
_STILL_DBFS = -60.0
_STILL_BELOW_DB = 45.0  # below the loudest stretch
_STRETCH_S = 0.25
_LOUD_VOCAL = 0.3  # share of the energy from which on a left vocal could not be worse
_PARTS = {"residual": 0.3, "removed": 0.1, "onsets": 0.3, "chroma": 0.3}


@dataclass(frozen=True)
class Verdict:
    """What was measured, and `mark` 0…1, more is better.

    - `residual`: share of the energy that still goes with the vocal, 0…1.
    - `removed`: share of the energy that a separation had to take out for that, 0…1.
    - `onsets`: share of the vocal's onsets that it plays to, beyond chance, −1…1.
    - `chroma`: how well its pitches fit the vocal's, −1…1; 0 is what any other key would give.
    - `silent`: share of the time in which it does not play, 0…1.
    """

    residual: float
    removed: float
    onsets: float
    chroma: float
    silent: float

    @property
    def mark(self) -> float:
        """Return one figure to sort candidates by."""
        heard = 1 - min(1.0, self.residual / _LOUD_VOCAL)
        parts = {
            "residual": heard,
            "removed": 1 - self.removed,
            "onsets": (1 + self.onsets) / 2,
            "chroma": (1 + self.chroma) / 2,
        }
        return (1 - self.silent) * sum(_PARTS[name] * value for name, value in parts.items())

    def words(self) -> str:
        """Return the figures as a musician may read them."""
        return (
            f"mark {self.mark:.2f}: vocal left {100 * self.residual:.0f} %, "
            f"onsets {self.onsets:+.2f}, pitches {self.chroma:+.2f}, "
            f"silent {100 * self.silent:.0f} %"
        )


@dataclass(frozen=True, eq=False)
class Vocal:
    """What accompaniments are measured against: the samples, their onsets (s) and chroma."""

    samples: np.ndarray
    onsets: np.ndarray
    chroma: np.ndarray


def hear(samples: np.ndarray, check: Check) -> Vocal:
    """Return a vocal with what is heard in it, once for all its accompaniments."""
    return Vocal(samples, onsets_of(samples, check), chroma_of(samples, check))


def judge(
    accompaniment: np.ndarray, vocal: Vocal, removed: float, device: torch.device, check: Check
) -> Verdict:
    """Measure an accompaniment against the vocal it was made for.

    `removed`: share of the energy that was taken out of it as vocal, 0 where nothing was. Spectra
    are compared on `device`.
    """
    assert accompaniment.shape == vocal.samples.shape, (accompaniment.shape, vocal.samples.shape)
    played, sung = (
        torch.from_numpy(np.ascontiguousarray(x.T)).to(device)
        for x in (accompaniment, vocal.samples)
    )
    return Verdict(
        residual=vocal_share(played, sung, check),
        removed=removed,
        onsets=onset_agreement(onsets_of(accompaniment, check), vocal.onsets),
        chroma=chroma_agreement(chroma_of(accompaniment, check), vocal.chroma),
        silent=silent_share(accompaniment),
    )


def silent_share(samples: np.ndarray) -> float:
    """Return the share of stretches of 0.25 s in which nothing plays; 1 for no samples."""
    levels = _levels_db(samples)
    if not len(levels):
        return 1.0
    floor = max(_STILL_DBFS, float(levels.max()) - _STILL_BELOW_DB)
    return float((levels < floor).mean()) if levels.max() >= _STILL_DBFS else 1.0


def _levels_db(samples: np.ndarray) -> np.ndarray:
    """Level of each stretch, dBFS of a root mean square, `(stretches,)`."""
    length = round(_STRETCH_S * RATE)
    starts = np.arange(0, len(samples), length)
    power = np.square(samples, dtype=np.float64).mean(axis=1)
    mean = np.add.reduceat(power, starts) / np.diff(np.r_[starts, len(samples)])
    return np.asarray(10 * np.log10(mean + 1e-20)) if len(starts) else np.zeros(0)
