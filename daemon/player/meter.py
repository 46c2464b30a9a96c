"""The level of what was played: RMS of the last 0.3 s, true peak of the last 3 s.

True peak as ITU-R BS.1770-5 has it: four times oversampled, here with soxr's filter.

Threads: `take` is called on the audio thread and only copies; `read` by any other.
"""

from __future__ import annotations

import math

import numpy as np
import soxr

_KEPT_S = 3.0
_RMS_S = 0.3
FLOOR_DB = -120.0


class Meter:
    """A ring of the last seconds."""

    def __init__(self, rate: int, channels: int) -> None:
        self._ring = np.zeros((round(_KEPT_S * rate), channels), np.float32)
        self._rms_frames = round(_RMS_S * rate)
        self._at = 0

    def take(self, block: np.ndarray) -> None:
        """Note a block that is being played."""
        block = block[-len(self._ring) :]
        first = min(len(block), len(self._ring) - self._at)
        self._ring[self._at : self._at + first] = block[:first]
        self._ring[: len(block) - first] = block[first:]
        self._at = (self._at + len(block)) % len(self._ring)

    def read(self) -> dict[str, float]:
        """Return `rms_db` and `true_peak_db`, in dB of full scale; -120 for silence."""
        whole = np.roll(self._ring, -self._at, axis=0)
        recent = whole[-self._rms_frames :].astype(np.float64)
        rms = float(np.sqrt((recent**2).mean(axis=0)).max(initial=0.0))
        over = soxr.resample(whole, 1, 4, quality="HQ") if whole.any() else whole
        peak = max(float(np.abs(over).max(initial=0.0)), float(np.abs(whole).max(initial=0.0)))
        return {"rms_db": _db(rms), "true_peak_db": _db(peak)}


def _db(level: float) -> float:
    return round(max(FLOOR_DB, 20 * math.log10(level)) if level > 0 else FLOOR_DB, 2)
