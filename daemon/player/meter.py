"""The level of what was played: RMS of the last 0.3 s, true peak of the last 3 s.

True peak as ITU-R BS.1770-5 has it: four times oversampled, here with soxr's filter. It is found
slice by slice, each once, when somebody asks.

Threads: `take` is called on the audio thread and only copies; `read` by one other thread.
"""

from __future__ import annotations

import math

import numpy as np
import soxr

_KEPT_S = 3.0
_RMS_S = 0.3
_SLICE_S = 0.1
_MARGIN = 64  # frames on either side of a slice that the filter sees besides
FLOOR_DB = -120.0


class Meter:
    """A ring of the last seconds of `channels` at `rate` (Hz)."""

    def __init__(self, rate: int, channels: int) -> None:
        self._slice = round(_SLICE_S * rate)
        self._kept = round(_KEPT_S / _SLICE_S)
        # One slice more than is read: the audio thread writes on meanwhile.
        self._ring = np.zeros(((self._kept + 2) * self._slice, channels), np.float32)
        self._rms_frames = round(_RMS_S * rate)
        self._taken = 0
        self._peaks: dict[int, float] = {}

    def take(self, block: np.ndarray) -> None:
        """Note a block that is being played."""
        size = len(self._ring)
        self._taken += max(0, len(block) - size)
        block = block[-size:]
        at = self._taken % size
        first = min(len(block), size - at)
        self._ring[at : at + first] = block[:first]
        self._ring[: len(block) - first] = block[first:]
        self._taken += len(block)

    def read(self) -> dict[str, float]:
        """Return `rms_db` and `true_peak_db`, in dB of full scale; -120 for silence."""
        end = self._taken
        if end == 0:
            return {"rms_db": FLOOR_DB, "true_peak_db": FLOOR_DB}
        recent = self._frames(end - self._rms_frames, end).astype(np.float64)
        rms = float(np.sqrt((recent**2).mean(axis=0)).max(initial=0.0))
        last = (end - _MARGIN) // self._slice  # of whole slices, with what the filter needs
        first = max(0, last - self._kept)
        self._peaks = {n: self._peak_of(n) for n in range(first, last)}
        tail = self._peak(last * self._slice, end)
        return {"rms_db": _db(rms), "true_peak_db": _db(max([tail, *self._peaks.values()]))}

    def _peak_of(self, number: int) -> float:
        known = self._peaks.get(number)
        at = number * self._slice
        return self._peak(at, at + self._slice) if known is None else known

    def _peak(self, start: int, end: int) -> float:
        """Return the true peak of frames `[max(0, start), end)`, counted from the first taken."""
        start = max(0, start)
        first = max(0, start - _MARGIN)
        part = self._frames(first, min(end + _MARGIN, self._taken))
        if not part.any():
            return 0.0
        over = soxr.resample(part, 1, 4, quality="HQ")[4 * (start - first) : 4 * (end - first)]
        plain = part[start - first : end - first]
        return max(float(np.abs(s).max(initial=0.0)) for s in (over, plain))

    def _frames(self, start: int, end: int) -> np.ndarray:
        return self._ring[np.arange(max(0, start), end) % len(self._ring)]


def _db(level: float) -> float:
    return round(max(FLOOR_DB, 20 * math.log10(level)) if level > 0 else FLOOR_DB, 2)
