"""Drum kits: one-shots of kick, snare, cymbals and small percussion, each in several strokes.

A stroke is float32 `(frames,)`, its level set so that pieces balance; `hard` is 0…1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from daemon.engines.sketch.render.tone import (
    Array,
    banded,
    closing,
    fading,
    low_cut,
    noise,
    rising,
    times,
    trimmed,
)

_LOW_CUT_HZ = 34.0
_METAL = (263.0, 400.0, 421.0, 474.0, 587.0, 845.0)  # inharmonic partials, tuned by ear to a cymbal


@dataclass(frozen=True)
class Kit:
    """How a kit sounds: pitch, length and level of the kick, snares' wires, cymbals' tone (Hz)."""

    kick_hz: float = 60.0
    kick_sweep_hz: float = 150.0
    kick_s: float = 0.32
    kick_click: float = 0.5
    snare_hz: float = 186.0
    snare_s: float = 0.22
    wires: float = 1.0
    hat_low_hz: float = 4800.0
    top_hz: float = 15000.0
    metal: float = 0.4
    kick_level: float = 1.0


KITS = {
    "drums-acoustic": Kit(),
    "drums-electronic": Kit(53.0, 210.0, 0.42, 0.35, 200.0, 0.20, 1.3, 4200.0, 16000.0, 0.6, 0.88),
    "drums-lofi": Kit(62.0, 110.0, 0.26, 0.15, 172.0, 0.18, 1.1, 3000.0, 10000.0, 0.3),
    "drums-brush": Kit(66.0, 90.0, 0.26, 0.1, 190.0, 0.26, 0.8, 4200.0, 11000.0, 0.3),
}

Stroke = Callable[[Kit, int, float, np.random.Generator], Array]


def stroke(kit: str, key: int, rate: int, hard: float, rng: np.random.Generator) -> Array:
    """Return one stroke of a General MIDI percussion key; keys that a kit lacks sound as a rim."""
    make = _PIECES.get(key, _rim)
    sound = make(_as_struck(KITS[kit], rng), rate, hard, rng)
    sound = trimmed(low_cut(sound, rate, _LOW_CUT_HZ))
    return sound * closing(len(sound), rate)


def _as_struck(kit: Kit, rng: np.random.Generator) -> Kit:
    """Return the kit as it answers to one stroke: never twice on quite the same spot."""
    tight, snappy, bright = 1 + 0.012 * rng.uniform(-1, 1, 3)
    return replace(
        kit,
        snare_hz=kit.snare_hz * tight,
        kick_click=kit.kick_click * (1 + 10 * (snappy - 1)),
        wires=kit.wires * (1 + 6 * (snappy - 1)),
        hat_low_hz=kit.hat_low_hz * (1 + 4 * (bright - 1)),
    )


def _kick(kit: Kit, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(kit.kick_s * 1.6, rate)
    fall = 0.03 + 0.01 * (1 - hard)
    sweep = kit.kick_sweep_hz * (0.7 + 0.3 * hard)
    phase = 2 * np.pi * (kit.kick_hz * t + sweep * fall * (1 - np.exp(-t / fall)))
    body = np.sin(phase).astype(np.float32) * fading(t, kit.kick_s * 1.5) * rising(t, 0.0015)
    body = np.tanh(1.6 * body) / np.float32(np.tanh(1.6))
    click = banded(noise(len(t), rng), rate, 1200, 6500, 1) * fading(t, 0.02)
    return (
        np.float32(0.56 * kit.kick_level) * body
        + np.float32(0.3 * kit.kick_click * (0.4 + hard)) * click
    )


def _snare(kit: Kit, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(kit.snare_s * 2.2, rate)
    bend = 1 + 0.12 * np.exp(-t / 0.01)
    low = np.sin(2 * np.pi * kit.snare_hz * np.cumsum(bend) / rate).astype(np.float32)
    high = np.sin(2 * np.pi * kit.snare_hz * 1.78 * t).astype(np.float32)
    shell = low * fading(t, 0.20) + 0.5 * high * fading(t, 0.12)
    wires = banded(noise(len(t), rng), rate, 900 + 300 * hard, 0, 1)
    wires = banded(wires, rate, 0, 9500, 3)
    wires = wires * (0.7 * fading(t, kit.snare_s * 1.5) + 0.3 * fading(t, 0.05))
    return (0.30 * shell + np.float32(0.26 * kit.wires) * wires) * rising(t, 0.001)


def _clap(kit: Kit, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(0.34, rate)
    grain = banded(noise(len(t), rng), rate, 900, 6500)
    envelope = 0.5 * fading(t, 0.28)
    for start, level in ((0.0, 0.8), (0.010, 0.7), (0.021, 0.9)):
        later = t >= start
        envelope[later] += level * fading(t[later] - start, 0.03)
    return 0.26 * grain * envelope


def _rim(kit: Kit, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(0.09, rate)
    wood = np.sin(2 * np.pi * 1720 * t) * fading(t, 0.045)
    wood += 0.6 * np.sin(2 * np.pi * 460 * t) * fading(t, 0.07)
    tick = banded(noise(len(t), rng), rate, 2500, 9000) * fading(t, 0.012)
    return np.asarray(0.26 * wood * rising(t, 0.0007) + 0.2 * tick, np.float32)


def _tom(frequency: float) -> Stroke:
    def make(kit: Kit, rate: int, hard: float, rng: np.random.Generator) -> Array:
        t = times(0.55, rate)
        phase = 2 * np.pi * frequency * (t + 0.35 * 0.03 * (1 - np.exp(-t / 0.03)))
        body = np.sin(phase) + 0.25 * np.sin(1.59 * phase) * fading(t, 0.12)
        skin = banded(noise(len(t), rng), rate, 500, 4500) * fading(t, 0.05)
        return np.asarray(
            (0.42 * body * fading(t, 0.5) + 0.07 * skin) * rising(t, 0.001), np.float32
        )

    return make


@lru_cache(maxsize=16)
def _metal(frames: int, rate: int, scale: float) -> Array:
    """Return a cluster of inharmonic partials, all below the band's end; not to be written to.

    Every stroke of a cymbal has the same one.
    """
    t, total = np.arange(frames) / rate, np.zeros(frames)
    for base in _METAL:
        for k in (5, 7, 9, 13, 17, 23):
            if base * scale * k < 0.45 * rate:
                total += np.sin(2 * np.pi * base * scale * k * t + base) / k**0.5
    metal = np.asarray(total / 4, np.float32)
    metal.flags.writeable = False
    return metal


def _cymbal(
    seconds: float, t60_s: float, level: float, low_scale: float, metal: float, scale: float
) -> Stroke:
    def make(kit: Kit, rate: int, hard: float, rng: np.random.Generator) -> Array:
        t = times(seconds, rate)
        body = (1 - metal * kit.metal) * noise(len(t), rng)
        body += 1.4 * metal * kit.metal * _metal(len(t), rate, scale)
        low = kit.hat_low_hz * low_scale * (0.9 + 0.15 * hard)
        body = banded(body, rate, low, min(kit.top_hz, 0.44 * rate), 3)
        return np.float32(level) * body * fading(t, t60_s) * rising(t, 0.001)

    return make


def _ride(kit: Kit, rate: int, hard: float, rng: np.random.Generator) -> Array:
    wash = _cymbal(0.9, 1.0, 0.065, 0.75, 0.9, 0.9)(kit, rate, hard, rng)
    t = np.arange(len(wash)) / rate
    ping = np.sin(2 * np.pi * 3140 * t) + 0.6 * np.sin(2 * np.pi * 4870 * t)
    return wash + np.asarray(0.035 * (0.4 + hard) * ping * fading(t, 0.35), np.float32)


def _shaker(kit: Kit, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(0.10, rate)
    swell = rising(t, 0.006) * fading(t, 0.09)
    return 0.12 * banded(noise(len(t), rng), rate, 4200, 13000) * swell


def _tambourine(kit: Kit, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(0.22, rate)
    jingle = banded(_metal(len(t), rate, 1.9) + 0.5 * noise(len(t), rng), rate, 5500, 14000)
    return 0.11 * jingle * (0.6 * fading(t, 0.06) + 0.4 * fading(t, 0.2)) * rising(t, 0.002)


def _cowbell(kit: Kit, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(0.3, rate)
    bell = np.sin(2 * np.pi * 562 * t) + 0.8 * np.sin(2 * np.pi * 845 * t)
    bell += 0.3 * np.sin(2 * np.pi * 1690 * t)
    return np.asarray(0.12 * bell * fading(t, 0.25) * rising(t, 0.001), np.float32)


_PIECES: dict[int, Stroke] = {
    36: _kick,
    37: _rim,
    38: _snare,
    39: _clap,
    41: _tom(88.0),
    42: _cymbal(0.12, 0.075, 0.14, 1.0, 0.6, 1.0),
    44: _cymbal(0.10, 0.055, 0.11, 0.9, 0.6, 1.0),
    46: _cymbal(0.60, 0.50, 0.13, 0.9, 0.6, 1.0),
    47: _tom(124.0),
    49: _cymbal(1.9, 1.9, 0.16, 0.42, 0.5, 0.8),
    50: _tom(168.0),
    51: _ride,
    54: _tambourine,
    56: _cowbell,
    70: _shaker,
}

PAN = {42: 0.22, 44: 0.22, 46: 0.22, 49: -0.3, 51: 0.34, 41: 0.35, 47: 0.1, 50: -0.22, 54: -0.35,
       56: -0.25, 70: -0.4, 37: -0.08}  # fmt: skip
"""Where the pieces stand, as the audience sees them; kick, snare and clap in the middle."""

STOPS = {46: frozenset((42, 44, 46))}
"""By key, the keys whose strokes end its sound: the pedal closes an open hat."""
