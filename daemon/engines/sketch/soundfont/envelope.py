"""Envelopes and oscillators of a zone while its key is held (SoundFont 2.04, section 9.1).

The volume envelope rises straight in amplitude and falls straight in decibels, 100 dB within its
decay time. What bends pitch, filter and volume is kept one value every `STEP` frames.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from daemon.engines.sketch.soundfont.generators import Gen, hertz_of, seconds

STEP = 64
FULL_DB = 100.0  # that an envelope falls by in its whole decay or release time
_SILENT_DB = 96.0
_LEAST_ATTACK_S = 2**-10  # that of −12000 timecents: no sample begins with a step

Array = np.ndarray
Values = Mapping[int, float]


def volume_curve(values: Values, key: int, frames: int, rate: int) -> Array:
    """Return the gain of each frame, float32, shorter than `frames` if the sound dies before."""
    attack_at = seconds(values[Gen.DELAY]) * rate
    hold_at = attack_at + max(_LEAST_ATTACK_S, seconds(values[Gen.ATTACK])) * rate
    decay_at = hold_at + _by_key(values, Gen.HOLD, Gen.HOLD_BY_KEY, key) * rate
    decay = _by_key(values, Gen.DECAY, Gen.DECAY_BY_KEY, key) * rate / FULL_DB  # frames for a dB
    sustain_db = min(max(values[Gen.SUSTAIN] / 10, 0.0), FULL_DB)
    dies = sustain_db >= _SILENT_DB
    end = min(frames, round(decay_at + decay * _SILENT_DB) if dies else frames)
    gain = np.full(max(1, end), 10 ** (-sustain_db / 20), np.float32)
    _ramp(gain, 0.0, attack_at, 0.0, 0.0)
    _ramp(gain, attack_at, hold_at, 0.0, 1.0)
    gain[_within(gain, hold_at) : _within(gain, decay_at)] = 1.0
    a, b = _within(gain, decay_at), _within(gain, decay_at + decay * sustain_db)
    if b > a:
        fall = np.arange(a, b, dtype=np.float32) - np.float32(decay_at)
        gain[a:b] = np.exp(fall * np.float32(-np.log(10) / 20 / decay))
    return gain


def release_s(values: Values) -> float:
    """Return how long a key that is let go would take to fall by 100 dB."""
    return seconds(values[Gen.RELEASE])


def _by_key(values: Values, time: Gen, scale: Gen, key: int) -> float:
    return seconds(values[time] + (60 - key) * values[scale])


def _within(gain: Array, frame: float) -> int:
    return min(len(gain), max(0, int(np.ceil(frame))))


def _ramp(gain: Array, begin: float, end: float, low: float, high: float) -> None:
    """Put a straight line from `low` to `high` into the frames between."""
    a, b = _within(gain, begin), _within(gain, end)
    if b > a:
        share = (np.arange(a, b) - begin) / (end - begin)
        gain[a:b] = low + (high - low) * share


def spread(curve: Array, frames: int) -> Array:
    """Return a curve that has a value every `STEP` frames at every frame, float32."""
    ends = curve.astype(np.float32)
    share = np.arange(STEP, dtype=np.float32) / STEP
    return (ends[:-1, None] + np.diff(ends)[:, None] * share).reshape(-1)[:frames]


# -- what bends ------------------------------------------------------------------------------------


def bent(
    values: Values, key: int, frames: int, rate: int, by: tuple[Gen | None, Gen | None, Gen | None]
) -> Array | None:
    """Return how far the modulation envelope and both oscillators move something, None if not.

    `by` names the generators that say how far: of the envelope, the modulation oscillator and the
    vibrato. One value every `STEP` frames, `(⌈frames / STEP⌉ + 1,)`, in the generators' unit.
    """
    depths = [values[gen] if gen is not None else 0 for gen in by]
    if not any(depths):
        return None
    t = np.arange(-(-frames // STEP) + 1) * (STEP / rate)
    total = np.zeros(len(t))
    if depths[0]:
        total += depths[0] * _modulation(values, key, t)
    if depths[1]:
        total += depths[1] * _triangle(t, values[Gen.LFO_DELAY], values[Gen.LFO_CENTS])
    if depths[2]:
        total += depths[2] * _triangle(t, values[Gen.VIBRATO_DELAY], values[Gen.VIBRATO_CENTS])
    return total


def _modulation(values: Values, key: int, t: Array) -> Array:
    """Return the modulation envelope 0…1: straight but for its attack, which is convex."""
    attack_at = seconds(values[Gen.MOD_DELAY])
    hold_at = attack_at + seconds(values[Gen.MOD_ATTACK])
    decay_at = hold_at + _by_key(values, Gen.MOD_HOLD, Gen.MOD_HOLD_BY_KEY, key)
    decay = _by_key(values, Gen.MOD_DECAY, Gen.MOD_DECAY_BY_KEY, key)
    sustain = 1 - min(max(values[Gen.MOD_SUSTAIN] / 1000, 0.0), 1.0)
    rise = np.clip((t - attack_at) / max(hold_at - attack_at, 1e-9), 0, 1)
    convex = np.clip(1 + 40 / 96 * np.log10(np.maximum(rise, 1e-9)), 0, 1)
    fall = np.maximum(1 - np.maximum(t - decay_at, 0) / max(decay, 1e-9), sustain)
    return np.where(t < hold_at, convex, fall)


def _triangle(t: Array, delay: float, cents: float) -> Array:
    """Return a triangle −1…1 that begins at 0 after its delay and goes up."""
    turn = np.maximum(t - seconds(delay), 0) * hertz_of(cents)
    return 1 - np.abs((turn + 0.75) % 1 * 4 - 2)
