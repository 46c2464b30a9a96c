"""What a part's sound goes through: drive, tremolo, ducking. Signals are float32 `(2, frames)`."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.signal import butter, sosfilt

from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Part
from daemon.engines.sketch.render.part import KICK, Score, Window
from daemon.engines.sketch.render.tone import Array

_DUCK_S = 0.24  # from a kick until the part is back
_TREMOLO_HZ, _TREMOLO_DEPTH = 4.6, 0.22
_DRIVE, _DRIVEN = 9.0, 0.16  # gain into the overdrive, and out of it
_LEVEL_IN, _LEVEL_OUT = 9.0, 0.14


def inserted(
    part: Part, dry: Array, window: Window, state: tuple[Array, ...]
) -> tuple[Array, tuple[Array, ...]]:
    """Return the part after its instrument's own effect, and the state for what follows.

    The state of a part's first window is empty.
    """
    if is_drums(part.instrument):
        return np.tanh(1.15 * dry) * np.float32(1 / 1.15), state
    if part.instrument == "guitar-drive":
        return _driven(dry, window.rate, state)
    if part.instrument == "epiano":
        return _trembling(dry, window), state
    return dry, state


def _driven(dry: Array, rate: int, state: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
    """Overdrive through a cabinet; the input is darkened first, so that little can alias."""
    before, after = _cabinet(rate)
    first, last = state or (np.zeros((len(before), 2, 2)), np.zeros((len(after), 2, 2)))
    dark, first = sosfilt(before, dry, axis=-1, zi=first)
    sound, last = sosfilt(after, np.tanh(_DRIVE * dark), axis=-1, zi=last)
    return np.asarray(_DRIVEN * sound, np.float32), (first, last)


def driven_power(instrument: str, power: Array) -> Array:
    """Return the power of a part behind its effect, from that before it (both channels added)."""
    if instrument != "guitar-drive":
        return power
    # An overdrive levels: a fit to measured chords of one to four notes.
    level = np.sqrt(power)
    return np.square(_LEVEL_OUT * np.tanh(_LEVEL_IN * level))


@lru_cache(maxsize=8)
def _cabinet(rate: int) -> tuple[Array, Array]:
    """Return the filters before and after the overdrive."""
    before = butter(1, [110, 2600], "bandpass", fs=rate, output="sos")
    return before, butter(2, [90, 4200], "bandpass", fs=rate, output="sos")


def _trembling(dry: Array, window: Window) -> Array:
    t = (window.start_frame + np.arange(window.frames)) / window.rate
    swing = (_TREMOLO_DEPTH * np.sin(2 * np.pi * _TREMOLO_HZ * t)).astype(np.float32)
    return dry * np.stack([1 + swing, 1 - swing])


def kick_frames(parts: Sequence[tuple[Part, Score]]) -> list[int]:
    """Return the frames of the clip at which a kick drum sounds, in order."""
    return sorted(
        cue.at
        for part, score in parts
        if is_drums(part.instrument)
        for cue in score.cues
        if cue.note.midi == KICK
    )


def duck_curve(kicks: Sequence[int], window: Window) -> Array:
    """Return how far kicks push other parts down, 1 at a kick to 0, `(frames,)`.

    `kicks` are frames of the clip in order.
    """
    length = round(_DUCK_S * window.rate)
    lead = round(0.003 * window.rate)
    shape = np.concatenate([np.linspace(0, 1, lead), np.linspace(1, 0, length) ** 1.5])
    curve = np.zeros(window.frames, np.float32)
    begin = bisect.bisect_left(kicks, window.start_frame - length)
    end = bisect.bisect_right(kicks, window.start_frame + window.frames + lead)
    for frame in kicks[begin:end]:
        first = frame - window.start_frame - lead
        a, b = max(0, first), min(window.frames, first + len(shape))
        if b > a:
            np.maximum(curve[a:b], shape[a - first : b - first], out=curve[a:b])
    return curve


def ducked(signal: Array, curve: Array, depth_db: float) -> Array:
    """Return `signal` pushed down by up to `depth_db` along `curve`."""
    return signal * (10 ** (-depth_db / 20 * curve)).astype(np.float32)
