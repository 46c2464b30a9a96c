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
from collections.abc import Iterator
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
        channels = context.shape[1]
        if channels <= 2:
            return _narrow(context)
        down = np.array(_DOWNMIX[channels])
        kept = _kept(context, down)
        return cls(down, _unfold(context, down, kept), headroom(context @ down), kept, False)

    @property
    def channels(self) -> int:
        """Channels of the source."""
        return len(self.down)

    def stereo(self, x: np.ndarray) -> np.ndarray:
        """Return `x` `(n, channels)` as float32 `(n, 2)` for an engine."""
        if self.channels == 2:
            return (x * self.gain).astype(np.float32)
        if self.channels == 1:
            return np.repeat(x * self.gain, 2, axis=1).astype(np.float32)
        return (x @ self.down * self.gain).astype(np.float32)

    def back(self, y: np.ndarray, source: np.ndarray | None = None) -> np.ndarray:
        """Return new stereo `y` `(n, 2)` as float32 `(n, channels)`.

        Kept channels come from `source` `(n, channels)`, the same frames of the source; without
        it they are silent.
        """
        assert y.shape[1:] == (2,), y.shape
        if self.channels == 1 or self.dual_mono:
            return np.repeat(_mean(y) / self.gain, self.channels, axis=1).astype(np.float32)
        if self.channels == 2:
            return (y / self.gain).astype(np.float32)
        x = (y @ self.up / self.gain).astype(np.float32)
        if source is not None and self.kept:
            x[:, self.kept] = source[:, self.kept]
        return x


def headroom(x: np.ndarray) -> float:
    """Return the power of two, at most 1, by which `x` stays within ±1."""
    top = float(np.abs(x).max(initial=0.0))
    return 2.0 ** -math.ceil(math.log2(top)) if top > 1 else 1.0


def _narrow(context: np.ndarray) -> Fold:
    channels = context.shape[1]
    down = np.eye(2) if channels == 2 else np.ones((1, 2))
    same = channels == 2 and np.array_equal(context[:, 0], context[:, 1])
    heard = bool(np.any(context))  # digital silence says nothing about how alike the sides are
    return Fold(down, np.linalg.pinv(down), headroom(context), (), same and heard)


def _kept(context: np.ndarray, down: np.ndarray) -> tuple[int, ...]:
    power = sum(np.square(b, dtype=np.float64).sum(axis=0) for b in _blocks(context))
    silent = np.broadcast_to(np.sqrt(power / max(1, len(context))) < _SILENT, len(down))
    lfe = ~down.any(axis=1)
    all_silent = bool((silent | lfe).all())
    return tuple(int(c) for c in np.flatnonzero(lfe | (silent & (not all_silent))))


def _unfold(context: np.ndarray, down: np.ndarray, kept: tuple[int, ...]) -> np.ndarray:
    """Solve the normal equations of fold × up = context, the shortest solution where many fit."""
    gram, cross = np.zeros((2, 2)), np.zeros((2, len(down)))
    for block in _blocks(context):
        folded = block @ down
        gram += folded.T @ folded
        cross += folded.T @ block
    up = np.linalg.pinv(gram, rcond=_RANK, hermitian=True) @ cross
    if not gram.any():
        up = np.linalg.pinv(down)
    up[:, kept] = 0
    return up


def _blocks(x: np.ndarray) -> Iterator[np.ndarray]:
    """Yield `x` in pieces, float64: a long context need not be held twice."""
    for at in range(0, len(x), _BLOCK):
        yield x[at : at + _BLOCK].astype(np.float64)


def _mean(y: np.ndarray) -> np.ndarray:
    """Return the mean of left and right `(n, 1)`, raised to the level of both, at most 3 dB."""
    y = y.astype(np.float64)
    middle = y.mean(axis=1, keepdims=True)
    if np.array_equal(y[:, 0], y[:, 1]):
        return middle
    power, left = float(np.mean(y * y)), float(np.mean(middle * middle))
    raised = math.sqrt(power / left) if left > 0 else 1.0
    return middle * min(math.sqrt(2), max(1.0, raised))
