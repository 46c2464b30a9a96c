"""The bank keeps the sounds that were made, so that each key is made once.

Sounds depend only on (instrument, key, strength, rate), never on the plan or on the order in which
they are asked for: a warm bank and a fresh one give the same samples.

Threads: used by one thread at a time.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np

from daemon.engines.sketch.render.kit import STOPS, stroke
from daemon.engines.sketch.render.level import HOP_S, at_rest, hop_means, k_power
from daemon.engines.sketch.render.space import Room, make_plate, make_room
from daemon.engines.sketch.render.tone import Array
from daemon.engines.sketch.render.voices import Tone, tone

LAYERS = (58, 84, 104)  # velocities at which a harder stroke is used
STROKES = 4
"""Alternating strokes of a drum."""

_HARDNESS = (0.2, 0.5, 0.75, 1.0)
_LIMIT_BYTES = 160 << 20

Sound = TypeVar("Sound", Tone, Array, Room)


class Bank:
    """A bounded store of sounds; the longest unused go first. `made` counts all that were made."""

    def __init__(self, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._limit, self._bytes = limit_bytes, 0
        self.made = 0
        self._sounds: OrderedDict[tuple[object, ...], Tone | Array | Room] = OrderedDict()

    def tone(self, instrument: str, midi: int, velocity: int, rate: int, held: int = 0) -> Tone:
        """Return the tone of a pitched instrument's key; one that is enough for `held` frames."""
        layer = layer_of(velocity)
        key = (instrument, midi, layer, rate)
        return self._kept(key, lambda rng: tone(instrument, midi, rate, _HARDNESS[layer], rng))

    def stroke(self, kit: str, midi: int, velocity: int, turn: int, rate: int) -> Array:
        """Return a stroke of a drum, float32 `(frames,)`; `turn` counts its strokes.

        One that stands left or right by itself is `(2, frames)`.
        """
        layer = layer_of(velocity)
        key = (kit, midi, layer, turn % STROKES, rate)
        return self._kept(key, lambda rng: stroke(kit, midi, rate, _HARDNESS[layer], rng))

    def room(self, seconds: float, tone_hz: float, rate: int) -> Room:
        """Return a room's reverb."""
        key = ("room", seconds, tone_hz, rate)
        return self._kept(key, lambda rng: make_room(seconds, tone_hz, rate, rng))

    def plate(self, seconds: float, rate: int) -> Room:
        """Return a plate's reverb."""
        return self._kept(("plate", seconds, rate), lambda rng: make_plate(seconds, rate, rng))

    def stops(self, kit: str) -> Mapping[int, frozenset[int]]:
        """Return by key of a kit the keys whose strokes end its sound."""
        return STOPS

    def alike(self, velocity: int, held: int) -> Hashable:
        """Return what two notes of one key must share to have the same sound."""
        return layer_of(velocity)

    def tone_power(
        self, instrument: str, midi: int, velocity: int, rate: int, held: int = 0
    ) -> Array:
        """Return the K-weighted power of a tone in hops of 0.1 s; one number for a loop."""
        name = ("power", instrument, midi, layer_of(velocity), rate)

        def made(rng: np.random.Generator) -> Array:
            tone = self.tone(instrument, midi, velocity, rate)
            hop = tone.samples.shape[1] if tone.loops else round(HOP_S * rate)
            return power_of(tone.samples, rate, hop)

        return self._kept(name, made)

    def stroke_power(self, kit: str, midi: int, velocity: int, turn: int, rate: int) -> Array:
        """Return the K-weighted power of a stroke in hops of 0.1 s."""
        name = ("power", kit, midi, layer_of(velocity), turn % STROKES, rate)

        def made(rng: np.random.Generator) -> Array:
            sound = self.stroke(kit, midi, velocity, turn, rate)
            return power_of(sound[None], rate, round(HOP_S * rate))

        return self._kept(name, made)

    def begin(self, check: Callable[[], None]) -> None:
        """Forget what was asked for, as a job begins; `check` is called before what takes long."""

    def notes(self) -> tuple[str, ...]:
        """Return what to tell of the sounds that were asked for since `begin`."""
        return ()

    @property
    def share(self) -> float:
        """How much of the store is used, 0…1."""
        return self._bytes / self._limit

    def clear(self) -> None:
        """Forget every sound."""
        self._sounds.clear()
        self._bytes = 0

    def _kept(self, key: tuple[object, ...], make: Callable[[np.random.Generator], Sound]) -> Sound:
        if key in self._sounds:
            self._sounds.move_to_end(key)
            return self._sounds[key]  # type: ignore[return-value]
        seed = zlib.crc32(repr(key).encode())
        sound = make(np.random.Generator(np.random.PCG64(seed)))
        self._sounds[key] = sound
        self.made += 1
        self._bytes += _size(sound)
        while self._bytes > self._limit and len(self._sounds) > 1:
            self._bytes -= _size(self._sounds.popitem(last=False)[1])
        return sound


def power_of(sound: Array, rate: int, hop: int) -> Array:
    """Return power by hop, both channels added up, as `part` places a sound in the middle."""
    power, _ = k_power(sound, rate, at_rest(len(sound)))
    return hop_means(power, hop) * (2 / len(sound))


def layer_of(velocity: int) -> int:
    """Return which of the layers of hardness a velocity plays, 0 the softest."""
    return sum(velocity >= edge for edge in LAYERS)


def _size(sound: Tone | Array | Room) -> int:
    if isinstance(sound, Tone):
        return sound.samples.nbytes
    return sound.nbytes
