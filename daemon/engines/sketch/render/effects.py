"""What a part's sound goes through: drive, tremolo, ducking. Signals are float32 `(2, frames)`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Part, Plan
from daemon.engines.sketch.render.part import KICK, Window, onset_frame
from daemon.engines.sketch.render.tone import Array, banded

_DUCK_S = 0.24  # from a kick until the part is back
_TREMOLO_HZ, _TREMOLO_DEPTH = 4.6, 0.22
_DRIVE = 9.0


def inserted(part: Part, dry: Array, window: Window) -> Array:
    """Return the part after its instrument's own effect."""
    if is_drums(part.instrument):
        return np.tanh(1.15 * dry) * np.float32(1 / 1.15)
    if part.instrument == "guitar-drive":
        return _driven(dry, window.rate)
    if part.instrument == "epiano":
        return _trembling(dry, window)
    return dry


def _driven(dry: Array, rate: int) -> Array:
    """Overdrive through a cabinet; the input is darkened first, so that little can alias."""
    dark = banded(dry, rate, 110, 2600, 1)
    return 0.16 * banded(np.tanh(_DRIVE * dark), rate, 90, 4200)


def _trembling(dry: Array, window: Window) -> Array:
    t = (window.start_frame + np.arange(window.frames)) / window.rate
    swing = (_TREMOLO_DEPTH * np.sin(2 * np.pi * _TREMOLO_HZ * t)).astype(np.float32)
    return dry * np.stack([1 + swing, 1 - swing])


def kick_frames(plan: Plan, rate: int) -> list[int]:
    """Return the frames of the clip at which a kick drum sounds."""
    return [
        onset_frame(plan, note, rate)
        for part in plan.parts
        if is_drums(part.instrument)
        for note in part.notes
        if note.midi == KICK
    ]


def duck_curve(kicks: Sequence[int], window: Window) -> Array:
    """Return how far kicks push other parts down, 1 at a kick to 0, `(frames,)`."""
    length = round(_DUCK_S * window.rate)
    lead = round(0.003 * window.rate)
    shape = np.concatenate([np.linspace(0, 1, lead), np.linspace(1, 0, length) ** 1.5])
    curve = np.zeros(window.frames, np.float32)
    for frame in kicks:
        first = frame - window.start_frame - lead
        a, b = max(0, first), min(window.frames, first + len(shape))
        if b > a:
            np.maximum(curve[a:b], shape[a - first : b - first], out=curve[a:b])
    return curve


def ducked(signal: Array, curve: Array, depth_db: float) -> Array:
    """Return `signal` pushed down by up to `depth_db` along `curve`."""
    return signal * (10 ** (-depth_db / 20 * curve)).astype(np.float32)
