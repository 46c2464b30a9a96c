"""How much louder or softer a preset has to be to stand where the built-in voice does in a mix."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np

from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.render.kit import stroke
from daemon.engines.sketch.render.level import at_rest, k_power
from daemon.engines.sketch.render.voices import REFERENCE_RMS, loudest
from daemon.engines.sketch.soundfont.font import Font, Zone
from daemon.engines.sketch.soundfont.sounding import STROKE_S, sound_of
from daemon.engines.sketch.soundfont.voice import note_of

REFERENCE_VELOCITY = 100
MOST_ZONES = 32  # that sound for one key

_RATE, _LENGTH_S = 44100, 1.0
_BASS_KEYS, _KEYS = (33, 40, 45), (52, 60, 67)
# Strokes in a bar of kick, snare and a hat of eight softer ones.
_BEAT = {36: 2.0, 38: 2.0, 42: 2.5}
_HARDNESS = 0.75  # of a built-in stroke at the reference velocity
_SILENT = 1e-6

Array = np.ndarray


def level_of(font: Font, zones: Sequence[Zone], instrument: str) -> float | None:
    """Return a gain for every sound of a preset, None if none of its reference keys sounds.

    For a kit it makes a plain beat as loud as the built-in kit does; for what has a pitch it is the
    mean, in decibels, of what each key lacks. Raises 303.
    """
    if is_drums(instrument):
        return _kit_level(font, zones, instrument)
    lacking = []
    for key in _within(zones, _BASS_KEYS if instrument.startswith("bass") else _KEYS):
        found = loudest(_sound(font, zones, key, _LENGTH_S), _RATE)
        if found > _SILENT:
            lacking.append(math.log(REFERENCE_RMS / found))
    return math.exp(sum(lacking) / len(lacking)) if lacking else None


def _kit_level(font: Font, zones: Sequence[Zone], kit: str) -> float | None:
    wanted = found = 0.0
    for key, strokes in _BEAT.items():
        if _has(zones, key):
            found += strokes * _energy(_sound(font, zones, key, STROKE_S))
            wanted += strokes * _energy(_built_in(kit, key))
    return math.sqrt(wanted / found) if found > _SILENT**2 else None


def _sound(font: Font, zones: Sequence[Zone], key: int, length_s: float) -> Array:
    sounding = [zone for zone in zones if zone.sounds(key, REFERENCE_VELOCITY)]
    notes = [note_of(zone, key, REFERENCE_VELOCITY) for zone in sounding[:MOST_ZONES]]
    return sound_of(font, notes, length_s, _RATE)


def _within(zones: Sequence[Zone], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Return the keys of `wanted` that sound, else one from the middle of those that do."""
    if keys := tuple(key for key in wanted if _has(zones, key)):
        return keys
    every = [key for key in range(128) if _has(zones, key)]
    return (every[len(every) // 2],) if every else ()


def _has(zones: Sequence[Zone], key: int) -> bool:
    return any(zone.sounds(key, REFERENCE_VELOCITY) for zone in zones)


def _built_in(kit: str, key: int) -> Array:
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(f"{kit} {key}".encode())))
    return stroke(kit, key, _RATE, _HARDNESS, rng)[None]


def _energy(x: Array) -> float:
    """Return the K-weighted energy of a stroke, both channels added up."""
    power, _ = k_power(x, _RATE, at_rest(len(x)))
    return float(power.sum(dtype=np.float64)) / _RATE * 2 / len(x)
