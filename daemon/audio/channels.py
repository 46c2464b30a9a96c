"""From the source's channels to the engines' stereo and back. float32 `(frames, channels)`.

- Mono is duplicated; back comes the mean of left and right, raised to their level (at most 3 dB).
- Stereo passes. Where left and right of the source are identical they stay identical.
- More channels are folded after ITU-R BS.775-3, annex 4 (front 1, centre and surrounds 0.7071,
  back centre 0.5 to each side, LFE left out); back leads a 2 × channels matrix, the least-squares
  fit of the context's channels on its own fold. Silent channels and the LFE are kept as they are.

Float sources above full scale are scaled down by a power of two, so that the way back is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_C = math.sqrt(0.5)
_SILENT = 1e-4  # RMS of −80 dBFS
_RANK = 1e-9  # of the squares: a side 90 dB below the other is the same side
_BLOCK = 1 << 18
_LEFT, _RIGHT, _CENTRE, _LFE = (1.0, 0.0), (0.0, 1.0), (_C, _C), (0.0, 0.0)
_SURROUND_L, _SURROUND_R, _BACK = (_C, 0.0), (0.0, _C), (0.5, 0.5)
_FRONT = (_LEFT, _RIGHT, _CENTRE)
_SIDES = (_SURROUND_L, _SURROUND_R)

# Channels in the order of a WAV file with its default channel mask.
_DOWNMIX = {
    3: _FRONT,
    4: (_LEFT, _RIGHT, *_SIDES),
    5: (*_FRONT, *_SIDES),
    6: (*_FRONT, _LFE, *_SIDES),
    7: (*_FRONT, _LFE, _BACK, *_SIDES),
    8: (*_FRONT, _LFE, *_SIDES, *_SIDES),
}


@dataclass(frozen=True, eq=False)
class Fold:
    """How one source is folded and unfolded; fitted once per job on the context.

    `down` is `(channels, 2)`, `up` `(2, channels)`. `gain` scales for the engine. `kept` are the
    channels that new material leaves alone. `dual_mono`: left and right are identical.
    """

    down: np.ndarray
    up: np.ndarray
    gain: float
    kept: tuple[int, ...]
    dual_mono: bool

    @classmethod
    def fit(cls, context: np.ndarray) -> Fold:
        """Return the fold for `context`, float `(n, channels)`, the source around the region."""
        assert context.ndim == 2, context.shape
        fitting = Fitting(context.shape[1])
        for at in range(0, len(context), _BLOCK):
            fitting.add(context[at : at + _BLOCK])
        return fitting.fold()

    @property
    def channels(self) -> int:
        """Channels of the source."""
        return len(self.down)

    def stereo(self, x: np.ndarray) -> np.ndarray:
        """Return `x` `(n, channels)` as float32 `(n, 2)` for an engine."""
        if self.channels == 2:
            return (x * self.gain).astype(np.float32, copy=False)
        if self.channels == 1:
            return np.repeat(x * self.gain, 2, axis=1).astype(np.float32, copy=False)
        return (x @ self.down * self.gain).astype(np.float32)

    def back(self, y: np.ndarray, source: np.ndarray | None = None) -> np.ndarray:
        """Return new stereo `y` `(n, 2)` as float32 `(n, channels)`.

        Kept channels come from `source` `(n, channels)`, the same frames of the source; without
        it they are silent.
        """
        assert y.shape[1:] == (2,), y.shape
        if self.channels == 1 or self.dual_mono:
            return np.repeat(_mean(y, self.gain), self.channels, axis=1)
        if self.channels == 2:
            return (y / self.gain).astype(np.float32, copy=False)
        x = (y @ self.up / self.gain).astype(np.float32)
        if source is not None and self.kept:
            x[:, self.kept] = source[:, self.kept]
        return x


class Fitting:
    """Fits a `Fold` on a context that comes in blocks: what is remembered are sums and the peak."""

    def __init__(self, channels: int) -> None:
        self._down = _narrow(channels) if channels <= 2 else np.array(_DOWNMIX[channels])
        self._frames, self._top = 0, 0.0
        self._power = np.zeros(channels)
        self._gram, self._cross = np.zeros((2, 2)), np.zeros((2, channels))
        self._same = channels == 2

    def add(self, block: np.ndarray) -> None:
        """Take the next `(n, channels)` float samples of the context."""
        self._frames += len(block)
        if len(self._down) <= 2:
            self._top = max(self._top, _peak(block))
            self._same = self._same and np.array_equal(block[:, 0], block[:, 1])
            return
        wide = block.astype(np.float64)
        folded = wide @ self._down
        self._top = max(self._top, _peak(folded))
        self._power += np.square(wide).sum(axis=0)
        self._gram += folded.T @ folded
        self._cross += folded.T @ wide

    def fold(self) -> Fold:
        """Return the fold for all that was added."""
        gain = _power_of_two_below(self._top)
        if len(self._down) <= 2:
            # Digital silence says nothing about how alike the sides are.
            same = self._same and self._top > 0
            return Fold(self._down, np.linalg.pinv(self._down), gain, (), same)
        kept = self._kept()
        return Fold(self._down, self._unfold(kept), gain, kept, False)

    def _kept(self) -> tuple[int, ...]:
        silent = np.sqrt(self._power / max(1, self._frames)) < _SILENT
        lfe = ~self._down.any(axis=1)
        all_silent = bool((silent | lfe).all())
        return tuple(int(c) for c in np.flatnonzero(lfe | (silent & (not all_silent))))

    def _unfold(self, kept: tuple[int, ...]) -> np.ndarray:
        """Solve the normal equations of fold × up = context, the shortest solution of many."""
        up = np.linalg.pinv(self._gram, rcond=_RANK, hermitian=True) @ self._cross
        if not self._gram.any():
            up = np.linalg.pinv(self._down)
        up[:, kept] = 0
        return np.asarray(up)


def headroom(x: np.ndarray) -> float:
    """Return the power of two, at most 1, by which `x` stays within ±1."""
    return _power_of_two_below(_peak(x))


def _power_of_two_below(peak: float) -> float:
    return 2.0 ** -math.ceil(math.log2(peak)) if peak > 1 else 1.0


def _peak(x: np.ndarray) -> float:
    return float(max(x.max(initial=0.0), -x.min(initial=0.0)))


def _narrow(channels: int) -> np.ndarray:
    return np.eye(2) if channels == 2 else np.ones((1, 2))


def _mean(y: np.ndarray, gain: float) -> np.ndarray:
    """Return the mean of left and right over `gain`, float32 `(n, 1)`.

    It is raised to the level of both, at most 3 dB. In blocks: wide copies of a long piece are big.
    """
    parts = [slice(at, at + _BLOCK) for at in range(0, len(y), _BLOCK)]
    power = left = 0.0
    for part in parts:
        wide = y[part].astype(np.float64)
        power += float(np.square(wide).sum()) / 2
        left += float(np.square(wide.mean(axis=1)).sum())
    raised = 1.0
    if left > 0 and not np.array_equal(y[:, 0], y[:, 1]):
        raised = min(math.sqrt(2), max(1.0, math.sqrt(power / left)))
    out = np.empty((len(y), 1), np.float32)
    for part in parts:
        out[part] = y[part].mean(axis=1, dtype=np.float64, keepdims=True) * raised / gain
    return out
