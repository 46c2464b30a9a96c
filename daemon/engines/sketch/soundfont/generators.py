"""Generators: the numbers that say how a zone sounds (SoundFont 2.04, section 8.1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Gen(IntEnum):
    """The generators that are used here. Times are timecents, pitches cents, levels centibels."""

    START = 0
    END = 1
    LOOP_START = 2
    LOOP_END = 3
    START_COARSE = 4
    LFO_TO_PITCH = 5
    VIBRATO_TO_PITCH = 6
    ENVELOPE_TO_PITCH = 7
    FILTER_CENTS = 8
    FILTER_Q = 9
    LFO_TO_FILTER = 10
    ENVELOPE_TO_FILTER = 11
    END_COARSE = 12
    LFO_TO_VOLUME = 13
    PAN = 17
    LFO_DELAY = 21
    LFO_CENTS = 22
    VIBRATO_DELAY = 23
    VIBRATO_CENTS = 24
    MOD_DELAY = 25
    MOD_ATTACK = 26
    MOD_HOLD = 27
    MOD_DECAY = 28
    MOD_SUSTAIN = 29
    MOD_HOLD_BY_KEY = 31
    MOD_DECAY_BY_KEY = 32
    DELAY = 33
    ATTACK = 34
    HOLD = 35
    DECAY = 36
    SUSTAIN = 37
    RELEASE = 38
    HOLD_BY_KEY = 39
    DECAY_BY_KEY = 40
    INSTRUMENT = 41
    KEYS = 43
    VELOCITIES = 44
    LOOP_START_COARSE = 45
    FIXED_KEY = 46
    FIXED_VELOCITY = 47
    ATTENUATION = 48
    LOOP_END_COARSE = 50
    COARSE_TUNE = 51
    FINE_TUNE = 52
    SAMPLE = 53
    MODES = 54
    SCALE_TUNING = 56
    CHOKE_CLASS = 57
    ROOT_KEY = 58


_SHORTEST = -12000  # timecents; about a millisecond, taken as none
_NO_FILTER = 13500  # cents; 20 kHz
DEFAULTS: Mapping[int, int] = {
    **dict.fromkeys(Gen, 0),
    **dict.fromkeys(
        (Gen.LFO_DELAY, Gen.VIBRATO_DELAY, Gen.MOD_DELAY, Gen.MOD_ATTACK, Gen.MOD_HOLD,
         Gen.MOD_DECAY, Gen.DELAY, Gen.ATTACK, Gen.HOLD, Gen.DECAY, Gen.RELEASE),
        _SHORTEST,
    ),
    Gen.FILTER_CENTS: _NO_FILTER,
    Gen.FIXED_KEY: -1,
    Gen.FIXED_VELOCITY: -1,
    Gen.SCALE_TUNING: 100,
    Gen.ROOT_KEY: -1,
}  # fmt: skip
# What only an instrument may say; a preset's is passed over.
_OF_INSTRUMENTS = frozenset(
    {
        Gen.START, Gen.END, Gen.LOOP_START, Gen.LOOP_END, Gen.START_COARSE, Gen.END_COARSE,
        Gen.LOOP_START_COARSE, Gen.LOOP_END_COARSE, Gen.FIXED_KEY, Gen.FIXED_VELOCITY, Gen.MODES,
        Gen.CHOKE_CLASS, Gen.ROOT_KEY, Gen.KEYS, Gen.VELOCITIES, Gen.SAMPLE, Gen.INSTRUMENT,
    }
)  # fmt: skip
_LONGEST = 8000  # timecents; 100 s


def summed(instrument: Mapping[int, int], preset: Mapping[int, int]) -> dict[int, int]:
    """Return a zone's values: the instrument's over the defaults, with the preset's added."""
    values = {**DEFAULTS, **instrument}
    for kind, amount in preset.items():
        if kind in DEFAULTS and kind not in _OF_INSTRUMENTS:
            values[kind] += amount
    return values


def bounds(values: Mapping[int, int], kind: Gen) -> tuple[int, int]:
    """Return a range of keys or velocities, both ends included; 0 to 127 if none is told."""
    if kind not in values:
        return 0, 127
    both = values[kind] & 0xFFFF
    return both & 0xFF, both >> 8


def seconds(timecents: float) -> float:
    """Return a time of 2^(timecents/1200) s; none at −12000 and below, 100 s at most."""
    if timecents <= _SHORTEST:
        return 0.0
    return float(2 ** (min(timecents, _LONGEST) / 1200))


def hertz_of(cents: float) -> float:
    """Return a frequency of 8.176 Hz × 2^(cents/1200), the cents within −16000…13500."""
    return float(8.176 * 2 ** (min(max(cents, -16000), _NO_FILTER) / 1200))
