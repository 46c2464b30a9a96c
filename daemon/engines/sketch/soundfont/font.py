"""A SoundFont that is open: its presets, and the zones that a key and a velocity sound.

Threads: used by one thread at a time. The samples stay in the file, which is mapped into memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from daemon.engines.sketch.soundfont.faults import damaged
from daemon.engines.sketch.soundfont.generators import Gen, bounds, summed
from daemon.engines.sketch.soundfont.modulators import TO_ATTENUATION, Modulator, merged, told
from daemon.engines.sketch.soundfont.records import Records, read_records
from daemon.engines.sketch.soundfont.riff import chunks, mapped, text_of
from daemon.engines.sketch.soundfont.samples import Samples, open_samples

_MOST_ZONES = 20_000  # of a preset
_VERSIONS = (2, 3)


@dataclass(frozen=True, eq=False)
class Zone:
    """What sounds for keys and velocities (both ends included): a sample and its generators.

    `modulators` hold the default, what the instrument says instead, and what the preset adds.
    """

    keys: tuple[int, int]
    velocities: tuple[int, int]
    sample: int
    values: dict[int, int]
    modulators: tuple[Modulator, ...]

    def sounds(self, key: int, velocity: int) -> bool:
        """Whether a note is within the zone."""
        low, high = self.velocities
        return self.keys[0] <= key <= self.keys[1] and low <= velocity <= high


@dataclass(frozen=True)
class Font:
    """An open SoundFont; `presets` are record numbers by (bank, program)."""

    path: Path
    name: str
    records: Records
    samples: Samples
    presets: dict[tuple[int, int], int]
    _zones: dict[int, tuple[Zone, ...]] = field(default_factory=dict)

    def zones(self, bank: int, program: int) -> tuple[Zone, ...]:
        """Return a preset's zones, none if the font lacks it. Raises 303."""
        preset = self.presets.get((bank, program))
        if preset is None:
            return ()
        if preset not in self._zones:
            self._zones[preset] = _preset_zones(self.records, self.samples, preset, self.path)
        return self._zones[preset]


def open_font(path: Path) -> Font:
    """Open a SoundFont and check its tables. Raises 303."""
    data = mapped(path)
    places = chunks(data, path)
    _check_version(data, places.get("ifil"), path)
    records = read_records(data, places, path)
    samples = open_samples(data, places, records, path)
    heads = records.phdr[:-1]
    presets = {
        (int(head["bank"]), int(head["program"])): i
        for i, head in reversed(list(enumerate(heads)))
        if records.phdr["bag"][i + 1] > head["bag"]
    }
    if not presets:
        raise damaged(path, "has no preset with a zone")
    name = text_of(data, places.get("INAM")) or path.stem
    return Font(path, name, records, samples, presets)


def _check_version(data: np.ndarray, place: tuple[int, int] | None, path: Path) -> None:
    if place is None or place[1] < 4:
        raise damaged(path, "does not tell its version")
    major = int.from_bytes(data[place[0] : place[0] + 2].tobytes(), "little")
    if major not in _VERSIONS:
        raise damaged(path, f"is of version {major}; versions 2 and 3 can be read")


# -- zones -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bag:
    """Generators and modulators of one bag; `target` is its instrument or sample, if it has one."""

    values: dict[int, int]
    modulators: tuple[Modulator, ...]
    target: int | None


def _preset_zones(records: Records, samples: Samples, preset: int, path: Path) -> tuple[Zone, ...]:
    zones: list[Zone] = []
    layers = _bags(records.phdr, records.pbag, records.pgen, records.pmod, preset, Gen.INSTRUMENT)
    for layer in layers:
        assert layer.target is not None
        inside = _bags(
            records.inst, records.ibag, records.igen, records.imod, layer.target, Gen.SAMPLE
        )
        zones += [zone for bag in inside if (zone := _joined(layer, bag, samples))]
        if len(zones) > _MOST_ZONES:
            raise damaged(path, f"has a preset of more than {_MOST_ZONES} zones")
    return tuple(zones)


def _bags(
    heads: np.ndarray, bags: np.ndarray, gens: np.ndarray, mods: np.ndarray, which: int, ends: Gen
) -> list[_Bag]:
    """Return the bags of a preset or instrument that have a target, its global one laid under."""
    first, stop = int(heads["bag"][which]), int(heads["bag"][which + 1])
    found: list[_Bag] = []
    common = _Bag({}, (), None)
    for i in range(first, stop):
        own = gens[int(bags["gen"][i]) : int(bags["gen"][i + 1])]
        bag = _bag(own, mods[int(bags["mod"][i]) : int(bags["mod"][i + 1])], ends)
        if bag.target is not None:
            values = {**common.values, **bag.values}
            found.append(_Bag(values, merged(common.modulators, bag.modulators), bag.target))
        elif i == first:
            common = bag
    return found


def _bag(gens: np.ndarray, mods: np.ndarray, ends: Gen) -> _Bag:
    """Return one bag; generators after the one that names the target don't count."""
    values: dict[int, int] = {}
    for kind, amount in gens.tolist():
        if kind == ends:
            return _Bag(values, told(mods), amount & 0xFFFF)
        values[kind] = amount
    return _Bag(values, told(mods), None)


def _joined(layer: _Bag, bag: _Bag, samples: Samples) -> Zone | None:
    """Return the zone where a preset's bag and an instrument's meet, None if they don't."""
    assert bag.target is not None
    keys = _common(layer, bag, Gen.KEYS)
    velocities = _common(layer, bag, Gen.VELOCITIES)
    if keys[0] > keys[1] or velocities[0] > velocities[1] or not samples.playable(bag.target):
        return None
    own = merged((TO_ATTENUATION,), bag.modulators)
    values = summed(bag.values, layer.values)
    return Zone(keys, velocities, bag.target, values, (*own, *layer.modulators))


def _common(layer: _Bag, bag: _Bag, kind: Gen) -> tuple[int, int]:
    (low, high), (least, most) = bounds(layer.values, kind), bounds(bag.values, kind)
    return max(low, least), min(high, most)
