"""A SoundFont in place of the built-in voices: which preset plays an instrument, and how loud.

Every instrument is calibrated: a few of its keys are sounded at a middling velocity, and one gain
brings them to the level that the built-in voice has there. So a plan's balance holds with any bank,
while the balance between the keys of an instrument, and the pieces of a kit, stays the bank's own.

Threads: used by one thread at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from daemon.engines.sketch.plan.instruments import DRUM_KEYS, GM_PROGRAMS, is_drums
from daemon.engines.sketch.render.voices import Tone
from daemon.engines.sketch.soundfont.calibration import MOST_ZONES, REFERENCE_VELOCITY, level_of
from daemon.engines.sketch.soundfont.font import Font, Zone
from daemon.engines.sketch.soundfont.generators import Gen
from daemon.engines.sketch.soundfont.modulators import by_velocity
from daemon.engines.sketch.soundfont.sounding import STROKE_S, faded, sound_of
from daemon.engines.sketch.soundfont.voice import HEARD_DB, Note, note_of, release_of

_PERCUSSION = 128
# Of what plays behind an effect or in a kit of our own, the first preset that there is.
_PROGRAMS: dict[str, tuple[int, ...]] = {
    "guitar-drive": (27, 26, 25),  # clean ones: the overdrive is the engine's
    "drums-acoustic": (0,),
    "drums-electronic": (25, 24, 0),
    "drums-lofi": (0,),
    "drums-brush": (40, 0),
}
_HOUSE_POWER = 1.5  # of velocity / 127, by which a part plays
_LAYERS = (40, 70, 94, 116)  # velocities for which modulators are worked out
_EDGES = (58, 84, 104)

Array = np.ndarray


@dataclass(frozen=True)
class Struck:
    """A key as it is struck: a name for its sound, what sounds, a gain for level and velocity."""

    name: tuple[object, ...]
    notes: tuple[Note, ...]
    gain: float
    release_s: float


@dataclass(frozen=True)
class Player:
    """An open font as a band; what it was asked so far is kept."""

    font: Font
    _struck: dict[tuple[str, int, int], Struck | None] = field(default_factory=dict)
    _notes: dict[tuple[object, ...], tuple[Note, ...]] = field(default_factory=dict)
    _by_key: dict[tuple[str, int], tuple[Zone, ...]] = field(default_factory=dict)
    _levels: dict[str, float | None] = field(default_factory=dict)

    def struck(self, instrument: str, midi: int, velocity: int) -> Struck | None:
        """Return what a key sounds, None if the font has nothing for it. Raises 303."""
        name = (instrument, midi, velocity)
        if name not in self._struck:
            self._struck[name] = self._strike(*name)
        return self._struck[name]

    def tone(self, struck: Struck, length_s: float, rate: int) -> Tone:
        """Return a key that is held for `length_s`, before its gain. Raises 303."""
        samples = sound_of(self.font, struck.notes, length_s, rate)
        return Tone(samples, False, 0.0, struck.release_s, fall_db=HEARD_DB)

    def stroke(self, struck: Struck, rate: int) -> Array:
        """Return a drum's stroke before its gain, `(1 or 2, frames)`; one where it is centred."""
        return faded(sound_of(self.font, struck.notes, STROKE_S, rate), rate)

    def stops(self, kit: str) -> dict[int, frozenset[int]]:
        """Return by key of a kit the keys that end its sound: those of its exclusive class."""
        classes: dict[int, set[int]] = {}
        for key in DRUM_KEYS.values():
            struck = self.struck(kit, key, REFERENCE_VELOCITY)
            for note in struck.notes if struck else ():
                if number := int(note.values[Gen.CHOKE_CLASS]):
                    classes.setdefault(number, set()).add(key)
        return {key: frozenset(keys) for keys in classes.values() for key in keys}

    def plays(self, instrument: str) -> bool:
        """Whether the font has a sound for the instrument. Raises 303."""
        return self._level(instrument) is not None

    def _zones(self, instrument: str) -> tuple[Zone, ...]:
        bank, own = 0, GM_PROGRAMS.get(instrument)
        if is_drums(instrument):
            bank, own = _PERCUSSION, 0
        programs = _PROGRAMS.get(instrument, () if own is None else (own,))
        presets = (self.font.zones(bank, program) for program in programs)
        return next((zones for zones in presets if zones), ())

    def _level(self, instrument: str) -> float | None:
        if instrument not in self._levels:
            self._levels[instrument] = level_of(self.font, self._zones(instrument), instrument)
        return self._levels[instrument]

    def _strike(self, instrument: str, midi: int, velocity: int) -> Struck | None:
        level, zones = self._level(instrument), self._zones_of_key(instrument, midi)
        chosen = [zone for zone in zones if zone.sounds(midi, velocity)][:MOST_ZONES]
        if not chosen or level is None:
            return None
        bends = any(by_velocity(zone.modulators) for zone in chosen)
        at = _LAYERS[sum(velocity >= edge for edge in _EDGES)] if bends else REFERENCE_VELOCITY
        name = ("font", instrument, midi, tuple(map(zones.index, chosen)), at)
        if name not in self._notes:
            self._notes[name] = tuple(note_of(zone, midi, at) for zone in chosen)
        lead = min(self._notes[name], key=lambda note: note.values[Gen.ATTENUATION])
        softer = note_of(lead.zone, midi, velocity).values[Gen.ATTENUATION]
        softer -= lead.values[Gen.ATTENUATION]
        house = (REFERENCE_VELOCITY / max(1, velocity)) ** _HOUSE_POWER
        gain = level * house * float(10 ** (-softer / 200))
        return Struck(name, self._notes[name], gain, release_of(lead))

    def _zones_of_key(self, instrument: str, midi: int) -> tuple[Zone, ...]:
        name = (instrument, midi)
        if name not in self._by_key:
            zones = self._zones(instrument)
            self._by_key[name] = tuple(z for z in zones if z.keys[0] <= midi <= z.keys[1])
        return self._by_key[name]
