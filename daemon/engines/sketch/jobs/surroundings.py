"""What lies beside a span, as far as new material is measured against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.jobs.levelling import target_lufs
from daemon.engines.sketch.jobs.matching import Colour, colour_of
from daemon.engines.sketch.jobs.softening import sharpness_of


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Gated loudness (LUFS, −20 for silence), colour and sharpness of the clip beside a span."""

    lufs: float
    colour: Colour
    sharpness: tuple[float, float] | None


def measured(context: np.ndarray, rate: int) -> Surroundings:
    """Measure a part of a clip, float32 `(frames, 2)`."""
    turned = np.ascontiguousarray(context.T)
    return Surroundings(target_lufs(context, rate), colour_of(turned, rate), sharpness_of(context))
