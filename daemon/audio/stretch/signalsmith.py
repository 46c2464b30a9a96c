"""Between attacks the phase vocoder of python-stretch, where it is installed.

The binding takes its own latency off (it seeks by the input's, and drops the output's), so that a
lone click lies within 1 ms. In music it still blurs an attack over its block of 120 ms, and that is
what makes onsets seem late when slowed down and early when speeded up; each piece therefore begins
just after an attack that was copied. Its length is a ratio in float32: a frame too many or too
few in ten minutes is made up for at the end of the piece.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from daemon.audio.stretch.between import Filler, Spacing, rise

SPACING = Spacing(apart_s=0.2, held_s=0.020)
_MOST_CHANNELS = 2  # of the binding
_SEED = 1  # its noise decides phases in silence: the same input, the same samples
_SHORTEST_S = 0.02


def can(channels: int) -> bool:
    """Whether the package is there and takes so many channels."""
    return channels <= _MOST_CHANNELS and find_spec("python_stretch") is not None


def filler(rate: int) -> Filler:
    """Return what fills a gap at `rate` Hz."""
    from python_stretch.Signalsmith import Stretch

    stretch: dict[int, Stretch] = {}

    def fill(samples: np.ndarray, a: int, b: int, frames: int) -> np.ndarray:
        piece, channels = samples[a:b], samples.shape[1]
        if min(len(piece), frames) < _SHORTEST_S * rate:
            return _faded_over(piece, frames)
        if channels not in stretch:
            stretch[channels] = Stretch(_SEED)
            stretch[channels].preset(channels, rate)
        stretch[channels].timeFactor = len(piece) / frames
        made = np.asarray(stretch[channels].process(np.ascontiguousarray(piece.T))).T
        return np.pad(made[:frames], ((0, max(0, frames - len(made))), (0, 0)), mode="edge")

    return fill


def _faded_over(piece: np.ndarray, frames: int) -> np.ndarray:
    """Return a very short piece at another length: its beginning faded over into its end."""
    if not len(piece):
        return np.zeros((frames, piece.shape[1]), np.float32)
    rows = np.arange(frames)
    head = piece[np.minimum(rows, len(piece) - 1)]
    tail = piece[np.maximum(rows + len(piece) - frames, 0)]
    return head + (tail - head) * rise(frames)
