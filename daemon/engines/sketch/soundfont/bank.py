"""The sound bank with a SoundFont: its presets play, the built-in voices play what it lacks.

A key's sound is made in lengths of a power of two of seconds, of which a note takes the shortest
that is enough, so that it does not depend on the notes before it.

Threads: used by one thread at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from daemon.engines.sketch.render.bank import Bank, power_of
from daemon.engines.sketch.render.level import HOP_S
from daemon.engines.sketch.render.tone import Array
from daemon.engines.sketch.render.voices import Tone
from daemon.engines.sketch.soundfont.font import open_font
from daemon.engines.sketch.soundfont.player import Player, Struck

_LIMIT_BYTES = 384 << 20  # sounds are as long as their notes
_LONGEST_S, _SPARE_S = 32.0, 0.05


class FontBank(Bank):
    """A bank whose sounds come from a SoundFont first."""

    def __init__(self, path: Path, limit_bytes: int = _LIMIT_BYTES) -> None:
        super().__init__(limit_bytes)
        self.player = Player(open_font(path))
        self._asked: set[tuple[str, bool]] = set()
        self._check: Callable[[], None] = lambda: None
        self._stops: dict[str, Mapping[int, frozenset[int]]] = {}

    def tone(self, instrument: str, midi: int, velocity: int, rate: int, held: int = 0) -> Tone:
        """See `Bank.tone`."""
        struck = self._struck(instrument, midi, velocity)
        if struck is None:
            return super().tone(instrument, midi, velocity, rate)
        return replace(self._tone(struck, rate, held), gain=struck.gain)

    def stroke(self, kit: str, midi: int, velocity: int, turn: int, rate: int) -> Array:
        """See `Bank.stroke`."""
        struck = self._struck(kit, midi, velocity)
        if struck is None:
            return super().stroke(kit, midi, velocity, turn, rate)
        sound = self._stroke(struck, rate) * np.float32(struck.gain)
        return sound if len(sound) > 1 else sound[0]

    def stops(self, kit: str) -> Mapping[int, frozenset[int]]:
        """See `Bank.stops`: also the exclusive classes of the SoundFont."""
        if kit not in self._stops:
            self._stops[kit] = {**super().stops(kit), **self.player.stops(kit)}
        return self._stops[kit]

    def alike(self, velocity: int, held: int) -> Hashable:
        """See `Bank.alike`."""
        return velocity, held

    def tone_power(
        self, instrument: str, midi: int, velocity: int, rate: int, held: int = 0
    ) -> Array:
        """See `Bank.tone_power`."""
        struck = self._struck(instrument, midi, velocity)
        if struck is None:
            return super().tone_power(instrument, midi, velocity, rate)
        name = ("power", *struck.name, rate, _length_s(struck, rate, held))
        power = self._kept(name, lambda rng: _power(self._tone(struck, rate, held).samples, rate))
        return power * struck.gain**2

    def stroke_power(self, kit: str, midi: int, velocity: int, turn: int, rate: int) -> Array:
        """See `Bank.stroke_power`."""
        struck = self._struck(kit, midi, velocity)
        if struck is None:
            return super().stroke_power(kit, midi, velocity, turn, rate)
        name = ("power", *struck.name, rate)
        power = self._kept(name, lambda rng: _power(self._stroke(struck, rate), rate))
        return power * struck.gain**2

    def begin(self, check: Callable[[], None]) -> None:
        """See `Bank.begin`."""
        self._asked.clear()
        self._check = check

    def notes(self) -> tuple[str, ...]:
        """See `Bank.notes`: which SoundFont played, and what it lacks."""
        font = self.player.font
        lacking = ", ".join(sorted(name for name, found in self._asked if not found))
        played = f"Played with the SoundFont {font.name} ({font.path.name})."
        lacks = f"The SoundFont {font.path.name} lacks {lacking}, or keys: built-in voices play."
        told = (played,) if any(found for _, found in self._asked) else ()
        return (*told, lacks) if lacking else told

    def _struck(self, instrument: str, midi: int, velocity: int) -> Struck | None:
        if not any((instrument, found) in self._asked for found in (True, False)):
            self._check()
        struck = self.player.struck(instrument, midi, velocity)
        self._asked.add((instrument, struck is not None))
        return struck

    def _tone(self, struck: Struck, rate: int, held: int) -> Tone:
        length_s = _length_s(struck, rate, held)

        def made(rng: np.random.Generator) -> Tone:
            self._check()
            return self.player.tone(struck, length_s, rate)

        return self._kept((*struck.name, rate, length_s), made)

    def _stroke(self, struck: Struck, rate: int) -> Array:
        def made(rng: np.random.Generator) -> Array:
            self._check()
            return self.player.stroke(struck, rate)

        return self._kept((*struck.name, rate), made)


def _length_s(struck: Struck, rate: int, held: int) -> float:
    """Return the length of a sound that is enough for a note, a power of two."""
    needed = held / rate + struck.release_s + _SPARE_S
    return float(min(_LONGEST_S, 2.0 ** max(0, math.ceil(math.log2(needed)))))


def _power(sound: Array, rate: int) -> Array:
    return power_of(sound, rate, round(HOP_S * rate))
