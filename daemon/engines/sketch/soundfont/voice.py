"""A note's zones as sound, as if the key were held for good.

`ATTENUATION_SHARE`: `initialAttenuation` counts for 0.4 of the decibels it names. The hardware that
banks were made for did so, and players that banks are tried with follow it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.soundfont.envelope import FULL_DB, bent, release_s, spread, volume_curve
from daemon.engines.sketch.soundfont.filter import low_passed
from daemon.engines.sketch.soundfont.font import Font, Zone
from daemon.engines.sketch.soundfont.generators import Gen
from daemon.engines.sketch.soundfont.modulators import added
from daemon.engines.sketch.soundfont.resampling import glided, transposed
from daemon.engines.sketch.soundfont.samples import Head

ATTENUATION_SHARE = 0.4
_COARSE = 32768  # frames
_SHORTEST_LOOP = 2
_LOOPING = (1, 3)
_LOWEST, _HIGHEST = 1 / 256, 32.0  # frames of a sample for one that is made
_MOST_FRAMES = 1 << 23  # of a sample, its loop unrolled
_MARGIN = 64
HEARD_DB = 72.0
_SHORTEST_RELEASE_S, _LONGEST_RELEASE_S = 0.012, 2.5
_PITCH = (Gen.ENVELOPE_TO_PITCH, Gen.LFO_TO_PITCH, Gen.VIBRATO_TO_PITCH)
_FILTER = (Gen.ENVELOPE_TO_FILTER, Gen.LFO_TO_FILTER, None)
_VOLUME = (None, Gen.LFO_TO_VOLUME, None)

Array = np.ndarray


@dataclass(frozen=True)
class Note:
    """A zone that sounds: its sample, its generators with what modulators add, its key."""

    zone: Zone
    values: dict[int, float]
    key: int


def note_of(zone: Zone, key: int, velocity: int) -> Note:
    """Return a zone as it sounds for a key and a velocity."""
    fixed_key, fixed = zone.values[Gen.FIXED_KEY], zone.values[Gen.FIXED_VELOCITY]
    key = fixed_key if 0 <= fixed_key <= 127 else key
    velocity = fixed if 1 <= fixed <= 127 else velocity
    values: dict[int, float] = dict(zone.values)
    values[Gen.ATTENUATION] *= ATTENUATION_SHARE
    for goal in {m.goal for m in zone.modulators}:
        values[goal] = values.get(goal, 0) + added(zone.modulators, goal, key, velocity)
    return Note(zone, values, key)


def sounded(font: Font, note: Note, frames: int, rate: int) -> Array:
    """Return one zone from the key's stroke on, mono `(≤ frames,)` at `rate`. Raises 303."""
    values, head = note.values, font.samples.head(note.zone.sample)
    gain = volume_curve(values, note.key, frames, rate)
    x = _at_pitch(font, note, head, len(gain), rate)
    bend = bent(values, note.key, len(x), rate, _FILTER)
    x = low_passed(x, values[Gen.FILTER_CENTS], values[Gen.FILTER_Q], bend, rate)
    level = np.float32(10 ** (-max(0.0, values[Gen.ATTENUATION]) / 200))
    return x * gain[: len(x)] * (level * _tremolo(note, len(x), rate))


def panned(note: Note) -> tuple[float, float]:
    """Return the gains of a zone left and right, of constant power, 1 in the middle."""
    share = min(max(note.values[Gen.PAN] / 1000 + 0.5, 0.0), 1.0) * np.pi / 2
    return float(np.cos(share) * np.sqrt(2)), float(np.sin(share) * np.sqrt(2))


def release_of(note: Note) -> float:
    """Return how long (s) a key that is let go is heard, which is until it fell by `HEARD_DB`."""
    heard = release_s(note.values) * HEARD_DB / FULL_DB
    return min(max(heard, _SHORTEST_RELEASE_S), _LONGEST_RELEASE_S)


def _tremolo(note: Note, frames: int, rate: int) -> Array | np.float32:
    bend = bent(note.values, note.key, frames, rate, _VOLUME)
    if bend is None:
        return np.float32(1)
    return spread(10 ** (bend / 200), frames)


# -- pitch -----------------------------------------------------------------------------------------


def _at_pitch(font: Font, note: Note, head: Head, frames: int, rate: int) -> Array:
    ratio = _ratio(note, head, rate)
    cents = bent(note.values, note.key, frames, rate, _PITCH)
    most = ratio if cents is None else ratio * 2 ** (max(0.0, float(cents.max())) / 1200)
    needed = min(int(frames * min(most, _HIGHEST)) + _MARGIN, _MOST_FRAMES)
    x = _unrolled(font, note, head, needed)
    if cents is None:
        return transposed(x, ratio, frames)
    room = np.clip(cents, 1200 * np.log2(_LOWEST / ratio), 1200 * np.log2(_HIGHEST / ratio))
    return glided(x, ratio, room, frames)


def _ratio(note: Note, head: Head, rate: int) -> float:
    """Return how many frames of the sample one frame of the note takes."""
    values = note.values
    root = values[Gen.ROOT_KEY] if 0 <= values[Gen.ROOT_KEY] <= 127 else head.root
    cents = (note.key - root) * values[Gen.SCALE_TUNING] + head.cents
    cents += 100 * values[Gen.COARSE_TUNE] + values[Gen.FINE_TUNE]
    cents = min(max(cents, -24000.0), 24000.0)
    return float(min(max(head.rate / rate * 2 ** (cents / 1200), _LOWEST), _HIGHEST))


def _unrolled(font: Font, note: Note, head: Head, needed: int) -> Array:
    """Return the first `needed` frames of a zone's sample with its loop gone round."""
    begin, stop = _edges(note, head)
    first, end = _loop(note, head)
    loops = note.values[Gen.MODES] in _LOOPING and end - first >= _SHORTEST_LOOP
    if not loops or not begin <= first or not end <= stop or needed <= end - begin:
        return font.samples.read(note.zone.sample, begin, min(stop, begin + needed))
    head_frames = font.samples.read(note.zone.sample, begin, end)
    loop = head_frames[first - begin :]
    return np.concatenate([head_frames, np.resize(loop, needed - len(head_frames))])


def _edges(note: Note, head: Head) -> tuple[int, int]:
    """Return where a zone's sample begins and stops, inside the sample; it may be empty."""
    values = note.values
    begin = values[Gen.START] + _COARSE * values[Gen.START_COARSE]
    stop = head.frames + values[Gen.END] + _COARSE * values[Gen.END_COARSE]
    a = min(max(0, int(begin)), head.frames)
    return a, min(max(a, int(stop)), head.frames)


def _loop(note: Note, head: Head) -> tuple[int, int]:
    values = note.values
    first = head.loop_start + values[Gen.LOOP_START] + _COARSE * values[Gen.LOOP_START_COARSE]
    end = head.loop_end + values[Gen.LOOP_END] + _COARSE * values[Gen.LOOP_END_COARSE]
    return int(first), int(end)
