"""The pitched instruments. Each makes the whole sound of one key; the part cuts it to the note.

A `Tone` is float32 `(channels, frames)` with one or two channels. Struck tones die away by
themselves, looped ones go round for as long as the key is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.render.tone import (
    Array,
    banded,
    closing,
    fading,
    harmonics,
    hertz,
    low_cut,
    modes,
    noise,
    plucked,
    rising,
    spectral_pair,
    steady_phase,
    times,
    trimmed,
)

LOOP_S = 3.0
REFERENCE_RMS = 0.1  # of the loudest 0.2 s of every tone, so that instruments balance
_LISTEN_S = 0.2


@dataclass(frozen=True)
class Tone:
    """The sound of one key: samples, whether they loop, how it begins and lets go (seconds).

    `gain` is for its velocity. Let go, it falls by `fall_db` along a straight line in decibels, or,
    if that is 0, along a squared line to nothing.
    """

    samples: Array
    loops: bool
    attack_s: float
    release_s: float
    gain: float = 1.0
    fall_db: float = 0.0


Make = Callable[[float, int, float, np.random.Generator], Array]


@dataclass(frozen=True)
class Voice:
    """An instrument: how a tone is made, and how it is played."""

    make: Make
    loops: bool = False
    attack_s: float = 0.002
    release_s: float = 0.08
    low_cut_hz: float = 90.0


def tone(instrument: str, midi: int, rate: int, hard: float, rng: np.random.Generator) -> Tone:
    """Return the tone of `instrument` at `midi`; `hard` 0…1 is how strongly the key is struck."""
    voice = VOICES[instrument]
    samples = np.atleast_2d(voice.make(hertz(midi), rate, hard, rng))
    if not voice.loops:
        samples = trimmed(low_cut(samples, rate, voice.low_cut_hz))
        samples *= closing(samples.shape[1], rate)
    level = loudest(samples, rate)
    return Tone(
        np.ascontiguousarray(samples * np.float32(REFERENCE_RMS / level)),
        voice.loops,
        voice.attack_s,
        voice.release_s,
    )


def loudest(samples: Array, rate: int) -> float:
    """Return the largest root mean square of 0.2 s, lows counting less, as the ear weighs them."""
    power = (banded(samples, rate, 140.0, 0.0, 1) ** 2).mean(axis=0)
    size = min(len(power), round(_LISTEN_S * rate))
    sums = np.concatenate([[0.0], np.cumsum(power, dtype=np.float64)])
    best = float((sums[size:] - sums[:-size]).max()) / size
    return max(1e-20, best) ** 0.5


# -- basses ----------------------------------------------------------------------------------------


def _bass(power: float, damping: float, t60_s: float, pluck: float, click: float) -> Make:
    def make(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
        t = times(2.6, rate)
        k = np.arange(1, 33)
        bright = power + 0.5 * (1 - hard)
        amplitudes = np.abs(np.sin(np.pi * k * pluck)) / k**bright
        body = harmonics(steady_phase(frequency, t), frequency, rate, list(amplitudes), damping)
        finger = banded(noise(len(t), rng), rate, 600, 3600) * fading(t, 0.045)
        return body * fading(t, t60_s) * rising(t, 0.004) + np.float32(click * hard) * finger

    return make


def _sub_bass(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(3.0, rate)
    body = harmonics(
        steady_phase(frequency, t),
        frequency,
        rate,
        [1, 0.5, 0.36, 0.22, 0.15, 0.1, 0.06, 0.04],
        1.5,
    )
    return body * fading(t, 6.0) * rising(t, 0.006)


def _synth_bass(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(2.2, rate)
    saw = [1 / k for k in range(1, 40)]
    bright = harmonics(steady_phase(frequency, t), frequency, rate, saw, 2.6 - 1.4 * hard)
    return bright * fading(t, 3.5) * rising(t, 0.003)


# -- keys ------------------------------------------------------------------------------------------


def _piano(softness: float) -> Make:
    """Return a struck string: stiff (Fletcher, JASA 36(1), 1964), in two decays (Weinreich, 1977).

    Partial k lies at k·f·√(1 + B k²); the hammer strikes at 1/8 and is felt-soft.
    """

    def make(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
        k = np.arange(1, 41)
        stiffness = 2.2e-4 * (frequency / 220) ** 1.1
        hz = k * frequency * np.sqrt(1 + stiffness * k**2) / np.sqrt(1 + stiffness)
        felt = (900 + 2600 * hard) / softness
        level = np.abs(np.sin(np.pi * k / 8.2)) ** 0.6 / k**0.8 / (1 + (hz / felt) ** 2) ** 0.55
        long = np.clip(12 * (130 / frequency) ** 0.55, 1.4, 14) / (1 + (hz / 1700) ** 0.9)
        frames = round(4.0 * rate)
        t = times(4.0, rate)
        sides = []
        for cents in (-0.7, 0.9):
            own = hz * 2 ** ((cents + rng.normal(0, 0.25, len(k))) / 1200)
            quick = modes(own, np.maximum(long / 5, 0.08), 0.7 * level, rate, frames)
            sides.append(quick + modes(own * 1.00012, long, 0.4 * level, rate, frames))
        knock = banded(noise(len(t), rng), rate, 120, 1400 + 3800 * hard) * fading(t, 0.06)
        both = np.stack([sides[0] + 0.5 * sides[1], 0.5 * sides[0] + sides[1]])
        return (both + np.float32(0.05 + 0.12 * hard) * knock) * rising(t, 0.0012)

    return make


def _epiano(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
    """Return a tine piano by frequency modulation (Chowning, JAES 21(7), 1973)."""
    t = times(3.2, rate)
    turn = 2 * np.pi * frequency * t
    index = (0.35 + 1.5 * hard) * min(1.0, 420 / frequency) * np.exp(-t / 0.55)
    body = np.sin(turn + index * np.sin(turn)) + 0.18 * hard * np.sin(3 * turn + 0.6 * index)
    count = min(7.0, int(0.4 * rate / frequency))
    tine = modes(
        frequency * np.array([count, 2 * count + 0.3, 19.7]),
        np.array([0.5, 0.28, 0.16]),
        (0.05 + 0.16 * hard) * np.array([1.0, 0.6, 0.35]),
        rate,
        len(t),
    )
    thump = banded(noise(len(t), rng), rate, 150, 2600) * fading(t, 0.04)
    sound = body * fading(t, 4.5) + tine + np.float32(0.05 + 0.1 * hard) * thump
    return np.asarray(sound * rising(t, 0.0012), np.float32)


def _organ(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
    drawbars = {0.5: 0.5, 1: 1.0, 1.5: 0.35, 2: 0.7, 3: 0.45, 4: 0.35, 6: 0.18, 8: 0.15}
    return _loop(frequency, rate, rng, drawbars, 1.2, 9000.0)


# -- strings under fingers -------------------------------------------------------------------------


def _guitar(bright_hz: float, t60_s: float, softness: float, position: float) -> Make:
    def make(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
        period = int(rate / frequency) + 6
        burst = noise(period, rng)
        burst -= np.roll(burst, max(1, int(period * position)))
        burst = _ring_low(burst, rate, bright_hz * (0.5 + 0.9 * hard))
        string = plucked(frequency, rate, 2.8, t60_s * (220 / frequency) ** 0.35, softness, burst)
        body = string + 1.2 * banded(string, rate, 90, 280) + 0.3 * banded(string, rate, 350, 600)
        return body - body.mean()

    return make


def _ring_low(burst: Array, rate: int, high_hz: float) -> Array:
    """Return one period with its top rolled off, still a seamless ring without DC."""
    spectrum = np.fft.rfft(burst)
    f = np.fft.rfftfreq(len(burst), 1 / rate)
    spectrum *= 1 / (1 + (f / high_hz) ** 2)
    spectrum[0] = 0
    return np.fft.irfft(spectrum, n=len(burst)).astype(np.float32)


def _pluck(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(1.6, rate)
    saw = [1 / k for k in range(1, 30)]
    left = harmonics(steady_phase(frequency * 1.002, t), frequency, rate, saw, 4 - 2 * hard)
    right = harmonics(steady_phase(frequency * 0.998, t), frequency, rate, saw, 4 - 2 * hard)
    return np.stack([left, right]) * fading(t, 1.6) * rising(t, 0.002)


# -- held sounds -----------------------------------------------------------------------------------


def _loop(
    frequency: float,
    rate: int,
    rng: np.random.Generator,
    partials: dict[float, float],
    width_cents: float,
    top_hz: float,
) -> Array:
    """Return a loop of broadened partials (Nasca's PADsynth): `(2, frames)`."""
    frames = 1 << round(np.log2(LOOP_S * rate))

    def magnitude(f: Array) -> Array:
        total = np.zeros(len(f))
        for ratio, level in partials.items():
            centre = frequency * ratio
            if centre > 0.45 * rate:
                continue
            width = max(centre * (2 ** (width_cents / 1200) - 1), 0.5 * rate / frames)
            a, b = np.searchsorted(f, (centre - 5 * width, centre + 5 * width))
            near = f[a : b + 1]
            total[a : b + 1] += level / width**0.5 * np.exp(-(((near - centre) / width) ** 2))
        return total / (1 + (f / top_hz) ** 2)

    return spectral_pair(rate, frames, magnitude, rng)


def _held(slope: float, width_cents: float, top_hz: float, odd: float = 1.0) -> Make:
    def make(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
        partials = {float(k): (odd if k % 2 == 0 else 1.0) / k**slope for k in range(1, 40)}
        return _loop(frequency, rate, rng, partials, width_cents, top_hz * (0.6 + 0.8 * hard))

    return make


def _choir(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
    def formant(f: float) -> float:
        peaks = ((650, 120, 1.0), (1080, 150, 0.6), (2650, 250, 0.25), (3400, 300, 0.12))
        return sum(a * float(np.exp(-(((f - c) / w) ** 2))) for c, w, a in peaks) + 0.08

    partials = {float(k): formant(k * frequency) / k**0.4 for k in range(1, 40)}
    return _loop(frequency, rate, rng, partials, 18, 7000)


def _sung_lead(amplitudes: list[float], vibrato_cents: float, breath: float) -> Make:
    def make(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
        t = times(4.0, rate)
        depth = frequency * (2 ** (vibrato_cents / 1200) - 1) / 5.3
        wobble = depth * rising(np.maximum(t - 0.2, 0), 0.6) * (1 - np.cos(2 * np.pi * 5.3 * t))
        phase = 2 * np.pi * frequency * t + wobble
        sound = harmonics(phase, frequency * 1.03, rate, amplitudes)
        air = banded(noise(len(t), rng), rate, frequency, 6000) * np.float32(breath)
        return (sound + air) * fading(t, 14) * rising(t, 0.02)

    return make


_SAW = [1 / k for k in range(1, 36)]
_SOFT = [1.0, 0.18, 0.34, 0.12, 0.18, 0.09, 0.11, 0.06, 0.08, 0.05, 0.05, 0.04, 0.03, 0.03]

VOICES: dict[str, Voice] = {
    "bass-finger": Voice(_bass(1.0, 1.5, 4.5, 0.22, 0.10), release_s=0.06, low_cut_hz=38),
    "bass-pick": Voice(_bass(0.75, 1.9, 4.0, 0.12, 0.16), release_s=0.05, low_cut_hz=38),
    "bass-upright": Voice(_bass(1.0, 2.8, 2.4, 0.30, 0.14), release_s=0.09, low_cut_hz=38),
    "bass-sub": Voice(_sub_bass, release_s=0.06, low_cut_hz=34),
    "bass-synth": Voice(_synth_bass, release_s=0.04, low_cut_hz=38),
    "piano": Voice(_piano(0.8), release_s=0.16, low_cut_hz=60),
    "piano-soft": Voice(_piano(1.7), release_s=0.22, low_cut_hz=60),
    "epiano": Voice(_epiano, release_s=0.12),
    "organ": Voice(_organ, True, 0.008, 0.05),
    "guitar-nylon": Voice(_guitar(3600, 3.2, 0.22, 0.16), release_s=0.12, low_cut_hz=75),
    "guitar-steel": Voice(_guitar(4400, 4.0, 0.18, 0.14), release_s=0.12, low_cut_hz=80),
    "guitar-muted": Voice(_guitar(3000, 0.35, 0.35, 0.15), release_s=0.03, low_cut_hz=100),
    "guitar-drive": Voice(_guitar(5000, 6.0, 0.22, 0.12), release_s=0.06, low_cut_hz=80),
    "pluck": Voice(_pluck, release_s=0.10),
    "pad-warm": Voice(_held(1.25, 15, 3600), True, 0.25, 0.6, 120),
    "pad-choir": Voice(_choir, True, 0.22, 0.5, 120),
    "strings": Voice(_held(0.95, 13, 6500), True, 0.14, 0.35, 120),
    "brass": Voice(_held(0.75, 9, 4800), True, 0.05, 0.12, 120),
    "stab": Voice(_held(0.9, 14, 5200), True, 0.004, 0.12, 120),
    "lead-soft": Voice(_sung_lead(_SOFT, 12, 0.0), release_s=0.09),
    "lead-saw": Voice(_sung_lead(_SAW, 10, 0.0), release_s=0.08),
    "flute": Voice(_sung_lead([1.0, 0.4, 0.12, 0.05], 16, 0.05), release_s=0.1),
}
