"""The outline of a sound file: lowest and highest sample of each column of a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

_BLOCK = 1 << 16  # frames read at a time


@dataclass(frozen=True)
class Envelope:
    """`low` and `high`: float32 `(columns,)`, over all channels; column i spans `column_s` seconds.

    `seconds` is the length of the file.
    """

    low: np.ndarray
    high: np.ndarray
    column_s: float
    seconds: float

    @property
    def times(self) -> np.ndarray:
        """Seconds of the middle of each column, float64 `(columns,)`."""
        return (np.arange(len(self.low)) + 0.5) * self.column_s

    @property
    def peak(self) -> float:
        """The largest absolute sample."""
        return float(max(self.high.max(), -self.low.min())) if len(self.low) else 0.0


def envelope(path: Path, columns: int) -> Envelope:
    """Read a file block by block and return its outline in at most `columns` columns."""
    with soundfile.SoundFile(path) as file:
        frames = max(1, math.ceil(file.frames / columns))
        low, high = [], []
        for block in file.blocks(
            max(1, _BLOCK // frames) * frames, dtype="float32", always_2d=True
        ):
            starts = np.arange(0, len(block), frames)
            low.append(np.minimum.reduceat(block.min(axis=1), starts))
            high.append(np.maximum.reduceat(block.max(axis=1), starts))
        empty = np.zeros(0, np.float32)
        return Envelope(
            np.concatenate(low or [empty]),
            np.concatenate(high or [empty]),
            frames / file.samplerate,
            file.frames / file.samplerate,
        )
