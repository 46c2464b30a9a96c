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
    fading,
    harmonics,
    hertz,
    low_cut,
    noise,
    plucked,
    rising,
    spectral_pair,
    steady_phase,
    times,
)

LOOP_S = 3.0
_REFERENCE_RMS = 0.1  # of the loudest 0.2 s of every tone, so that instruments balance
_LISTEN_S = 0.2


@dataclass(frozen=True)
class Tone:
    """The sound of one key: samples, whether they loop, how it begins and lets go (seconds)."""

    samples: Array
    loops: bool
    attack_s: float
    release_s: float


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
        samples = low_cut(samples, rate, voice.low_cut_hz)
        samples *= _tail(samples.shape[1], rate)
    level = _loudest(samples, rate)
    return Tone(
        np.ascontiguousarray(samples * np.float32(_REFERENCE_RMS / level)),
        voice.loops,
        voice.attack_s,
        voice.release_s,
    )


def _tail(frames: int, rate: int) -> Array:
    """Return a gain that closes the last 30 ms, so that no tone ends in a step."""
    length = min(frames, round(0.03 * rate))
    gain = np.ones(frames, np.float32)
    gain[frames - length :] = np.linspace(1, 0, length, dtype=np.float32)
    return gain


def _loudest(samples: Array, rate: int) -> float:
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
        finger = banded(noise(len(t), rng), rate, 700, 3000) * fading(t, 0.03)
        return body * fading(t, t60_s) * rising(t, 0.004) + np.float32(click * hard) * finger

    return make


def _sub_bass(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(3.0, rate)
    body = harmonics(steady_phase(frequency, t), frequency, rate, [1, 0.35, 0.22, 0.1, 0.05])
    return body * fading(t, 6.0) * rising(t, 0.006)


def _synth_bass(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
    t = times(2.2, rate)
    saw = [1 / k for k in range(1, 40)]
    bright = harmonics(steady_phase(frequency, t), frequency, rate, saw, 6 - 3 * hard)
    return bright * fading(t, 3.5) * rising(t, 0.003)


# -- keys ------------------------------------------------------------------------------------------


def _piano(softness: float) -> Make:
    def make(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
        t = times(4.0, rate)
        k = np.arange(1, 29)
        slope = softness + 0.9 * (1 - hard) + max(0.0, np.log2(frequency / 260)) * 0.25
        amplitudes = list(np.abs(np.sin(np.pi * k / 8.2)) ** 0.7 / k**slope + 1e-6)
        damping = 0.35 + frequency / 1400
        t60_s = float(np.clip(11 * (130 / frequency) ** 0.6, 1.2, 14))
        strings = []
        for cents in (-0.9, 1.1):
            own = frequency * 2 ** (cents / 1200)
            strings.append(harmonics(steady_phase(own, t), own, rate, amplitudes, damping))
        hammer = banded(noise(len(t), rng), rate, 300, 2500 + 2500 * hard) * fading(t, 0.05)
        both = np.stack([strings[0] + 0.55 * strings[1], 0.55 * strings[0] + strings[1]])
        both *= 0.75 * fading(t, t60_s) + 0.25 * fading(t, t60_s / 6)
        return (both + np.float32(0.10 * hard + 0.03) * hammer) * rising(t, 0.002)

    return make


def _epiano(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
    """Return a tine piano by frequency modulation (Chowning, JAES 21(7), 1973)."""
    t = times(3.2, rate)
    turn = 2 * np.pi * frequency * t
    index = (0.35 + 1.5 * hard) * min(1.0, 420 / frequency) * np.exp(-t / 0.55)
    body = np.sin(turn + index * np.sin(turn))
    bell = min(14.0, int(0.4 * rate / frequency))
    tine = np.sin(turn * bell) * np.exp(-t / 0.09) * (0.05 + 0.14 * hard)
    sound = body * fading(t, 4.5) + 0.5 * tine
    return np.asarray(sound * rising(t, 0.002), np.float32)


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
        body = string + 0.6 * banded(string, rate, 90, 260) + 0.3 * banded(string, rate, 350, 600)
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
    left = harmonics(steady_phase(frequency * 1.002, t), frequency, rate, saw, 7 - 3 * hard)
    right = harmonics(steady_phase(frequency * 0.998, t), frequency, rate, saw, 7 - 3 * hard)
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
        return sum(a * float(np.exp(-(((f - c) / w) ** 2))) for c, w, a in peaks) + 0.05

    partials = {float(k): formant(k * frequency) / k**0.4 for k in range(1, 40)}
    return _loop(frequency, rate, rng, partials, 28, 7000)


def _sung_lead(amplitudes: list[float], vibrato_cents: float, breath: float) -> Make:
    def make(frequency: float, rate: int, hard: float, rng: np.random.Generator) -> Array:
        t = times(4.0, rate)
        depth = frequency * (2 ** (vibrato_cents / 1200) - 1) / 5.3
        wobble = depth * rising(t - 0.25 * (t > 0.25), 0.6) * (1 - np.cos(2 * np.pi * 5.3 * t))
        phase = 2 * np.pi * frequency * t + wobble
        sound = harmonics(phase, frequency * 1.03, rate, amplitudes)
        air = banded(noise(len(t), rng), rate, frequency, 6000) * np.float32(breath)
        return (sound + air) * fading(t, 14) * rising(t, 0.02)

    return make


_SAW = [1 / k for k in range(1, 36)]
_SOFT = [1.0, 0.05, 0.33, 0.03, 0.16, 0.02, 0.08, 0.01, 0.04]

VOICES: dict[str, Voice] = {
    "bass-finger": Voice(_bass(1.25, 2.2, 4.5, 0.22, 0.05), release_s=0.06, low_cut_hz=30),
    "bass-pick": Voice(_bass(0.95, 2.8, 4.0, 0.12, 0.12), release_s=0.05, low_cut_hz=30),
    "bass-upright": Voice(_bass(1.35, 4.5, 2.4, 0.30, 0.08), release_s=0.09, low_cut_hz=30),
    "bass-sub": Voice(_sub_bass, release_s=0.06, low_cut_hz=28),
    "bass-synth": Voice(_synth_bass, release_s=0.04, low_cut_hz=30),
    "piano": Voice(_piano(1.1), release_s=0.14, low_cut_hz=60),
    "piano-soft": Voice(_piano(1.6), release_s=0.20, low_cut_hz=60),
    "epiano": Voice(_epiano, release_s=0.12),
    "organ": Voice(_organ, True, 0.008, 0.05),
    "guitar-nylon": Voice(_guitar(2600, 3.2, 0.30, 0.18), release_s=0.12, low_cut_hz=75),
    "guitar-steel": Voice(_guitar(5200, 4.0, 0.16, 0.13), release_s=0.12, low_cut_hz=80),
    "guitar-muted": Voice(_guitar(3000, 0.35, 0.35, 0.15), release_s=0.03, low_cut_hz=100),
    "guitar-drive": Voice(_guitar(5000, 6.0, 0.22, 0.12), release_s=0.06, low_cut_hz=80),
    "pluck": Voice(_pluck, release_s=0.10),
    "pad-warm": Voice(_held(1.5, 22, 2200), True, 0.25, 0.6, 120),
    "pad-choir": Voice(_choir, True, 0.22, 0.5, 120),
    "strings": Voice(_held(1.15, 18, 3400), True, 0.14, 0.35, 120),
    "brass": Voice(_held(0.9, 9, 2600), True, 0.05, 0.12, 120),
    "stab": Voice(_held(0.9, 14, 5200), True, 0.004, 0.12, 120),
    "lead-soft": Voice(_sung_lead(_SOFT, 12, 0.0), release_s=0.09),
    "lead-saw": Voice(_sung_lead(_SAW, 10, 0.0), release_s=0.08),
    "flute": Voice(_sung_lead([1.0, 0.4, 0.12, 0.05], 16, 0.05), release_s=0.1),
}
