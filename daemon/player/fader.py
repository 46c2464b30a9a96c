"""The gain of a deck: changes glide over 10 ms, and 0 dB leaves every sample as it is."""

from __future__ import annotations

import numpy as np

_GLIDE_S = 0.010


class Fader:
    """A linear gain at `rate` (Hz)."""

    def __init__(self, rate: int) -> None:
        self._glide_frames = max(1, round(_GLIDE_S * rate))
        self._now, self._goal, self._step = 1.0, 1.0, 0.0

    def set(self, gain: float) -> None:
        """Glide to a gain."""
        self._goal = gain
        self._step = (gain - self._now) / self._glide_frames

    def apply(self, out: np.ndarray) -> None:
        """Amplify a block `(frames, channels)` in place."""
        if self._now != self._goal:
            ahead = self._now + self._step * np.arange(1, len(out) + 1)
            beyond = ahead >= self._goal if self._step > 0 else ahead <= self._goal
            ramp = np.where(beyond, self._goal, ahead)
            out *= ramp[:, None].astype(np.float32)
            self._now = float(ramp[-1]) if len(out) else self._now
        elif self._now != 1.0:
            out *= np.float32(self._now)
