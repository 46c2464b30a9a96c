"""One part to sound: every note at its frame, cut to its length, placed left and right.

Signals are float32 `(2, frames)`; frame 0 of a window is frame `start_frame` of the clip.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Part, Plan, PlanNote
from daemon.engines.sketch.render.bank import Bank
from daemon.engines.sketch.render.kit import PAN
from daemon.engines.sketch.render.tone import Array
from daemon.engines.sketch.render.voices import Tone

KICK = 36
_CHOKE_S = 0.012
_LONGEST_S = 2.5  # no drum rings longer, no key is heard longer once let go
_NOTES_PER_CHECK = 128  # of those that are only looked up
_GHOST = 0.6
_NEPER = 0.11512925464970229  # in a decibel
_LOUDNESS_POWER = 1.5  # amplitude is (velocity / 127) to this power

Check = Callable[[], None]


@dataclass(frozen=True)
class Window:
    """The stretch to render: its first frame in the clip, its length, the sample rate."""

    start_frame: int
    frames: int
    rate: int


@dataclass(frozen=True)
class Cue:
    """One note in frames of the clip: when, how long held, which stroke of its key it is."""

    at: int
    held: int
    turn: int
    note: PlanNote


@dataclass(frozen=True)
class Score:
    """A part's cues in order of time, their frames, and how long the longest is held."""

    cues: tuple[Cue, ...]
    frames: tuple[int, ...]
    longest: int

    def within(self, first: int, stop: int) -> tuple[Cue, ...]:
        """Return the cues that begin in frames `[first, stop)`."""
        a, b = (bisect.bisect_left(self.frames, frame) for frame in (first, stop))
        return self.cues[a:b]


def scored(plan: Plan, part: Part, rate: int, check: Check) -> Score:
    """Return a part's notes as frames of the clip."""
    found = tuple(cues(plan, part, rate, check))
    longest = max((cue.held for cue in found), default=0)
    return Score(found, tuple(cue.at for cue in found), longest)


def cues(plan: Plan, part: Part, rate: int, check: Check = lambda: None) -> list[Cue]:
    """Return a part's notes as cues, in order of time."""
    turns: dict[int, int] = {}
    found = []
    for i, note in enumerate(part.notes):
        if i % _NOTES_PER_CHECK == 0:
            check()
        turns[note.midi] = turns.get(note.midi, -1) + 1
        held = max(1, round(plan.length_of(note) * rate))
        found.append(Cue(onset_frame(plan, note, rate), held, turns[note.midi], note))
    return sorted(found, key=lambda cue: cue.at)


def onset_frame(plan: Plan, note: PlanNote, rate: int) -> int:
    """Return the frame of the clip at which `note` begins."""
    return round(plan.onset_s(note) * rate)


def dry_part(part: Part, score: Score, bank: Bank, window: Window, check: Check) -> Array:
    """Return the part before effects, `(2, frames)`; `score` is what `scored` made of it."""
    bus = np.zeros((2, window.frames), np.float32)
    play = _drum if is_drums(part.instrument) else _key
    end = window.start_frame + window.frames
    ring = round(_LONGEST_S * window.rate) + (score.longest if play is _key else 0)
    sounding = score.within(window.start_frame - ring, end)
    chokes: dict[int, list[int]] = {}
    if play is _drum and sounding:
        # A pedal beyond the window may still close a hat inside it, a moment later.
        near = score.within(sounding[0].at, end + ring)
        stops = bank.stops(part.instrument).items()
        chokes = {key: [cue.at for cue in near if cue.note.midi in by] for key, by in stops}
    for cue in sounding:
        check()  # each may need a sound that has to be made first
        play(bus, part, cue, bank, window, chokes)
    return bus


def strength(note: PlanNote) -> float:
    """Return the amplitude at which a note is played."""
    level = (note.velocity / 127) ** _LOUDNESS_POWER
    return level * _GHOST if note.articulation == "ghost" else level


def _drum(
    bus: Array, part: Part, cue: Cue, bank: Bank, window: Window,
    chokes: Mapping[int, Sequence[int]],
) -> None:  # fmt: skip
    note = cue.note
    sound = bank.stroke(part.instrument, note.midi, note.velocity, cue.turn, window.rate)
    sound = np.atleast_2d(sound)
    if note.midi in chokes:
        sound = _choked(sound, cue.at, chokes[note.midi], window.rate)
    pan = PAN.get(note.midi, 0.0) if len(sound) == 1 else 0.0
    _add(bus, sound, cue.at - window.start_frame, strength(note), pan)


def _choked(sound: Array, at: int, chokes: Sequence[int], rate: int) -> Array:
    """Stop a stroke where another one ends its sound, as the pedal that closes an open hat."""
    later = bisect.bisect_right(chokes, at)
    if later >= len(chokes) or chokes[later] - at >= sound.shape[1]:
        return sound
    return _released(sound, chokes[later] - at, round(_CHOKE_S * rate))


def _key(
    bus: Array, part: Part, cue: Cue, bank: Bank, window: Window,
    chokes: Mapping[int, Sequence[int]],
) -> None:  # fmt: skip
    note = cue.note
    tone = bank.tone(part.instrument, note.midi, note.velocity, window.rate, cue.held)
    release = round(tone.release_s * window.rate)
    ends = cue.held + release if tone.loops else min(tone.samples.shape[1], cue.held + release)
    first = max(0, window.start_frame - cue.at)
    last = min(ends, window.start_frame + window.frames - cue.at)
    if last <= first:
        return
    if tone.loops:
        sound = _looped(tone, first, last, window.rate)
    else:
        sound = tone.samples[:, first:last]
    if cue.held < last and ends > cue.held:
        sound = _released(sound, cue.held - first, release, tone.fall_db)
    level = strength(note) * tone.gain
    _add(bus, sound, cue.at + first - window.start_frame, level, part.pan)


def _looped(tone: Tone, first: int, last: int, rate: int) -> Array:
    """Return frames `[first, last)` of a key that goes round its loop, its attack shaped."""
    size = tone.samples.shape[1]
    pieces, at = [], first
    while at < last:
        stop = min(last, at - at % size + size)
        pieces.append(tone.samples[:, at % size : at % size + stop - at])
        at = stop
    sound = np.concatenate(pieces, axis=1)
    attack = max(1, round(tone.attack_s * rate))
    if first < attack:
        curve = 0.5 - 0.5 * np.cos(np.pi * np.arange(first, min(last, attack)) / attack)
        sound[:, : len(curve)] *= curve.astype(np.float32)
    return sound


def _released(sound: Array, held: int, release: int, fall_db: float = 0.0) -> Array:
    """Let the sound go after `held` frames (before its start if negative), silent `release` later.

    The fall is a squared line: fast at first, then soft; or a straight one of `fall_db` decibels.
    """
    stop = min(sound.shape[1], held + release)
    out = sound[:, :stop].copy()
    begin = max(0, held)
    fall = np.arange(release - (begin - held), release - (stop - held), -1, dtype=np.float32)
    left = fall / np.float32(release)
    out[:, begin:] *= np.exp((left - 1) * np.float32(fall_db * _NEPER)) if fall_db else left**2
    return out


def _add(bus: Array, sound: Array, at: int, gain: float, pan: float) -> None:
    """Add `sound` at frame `at` of the bus, panned with constant power."""
    first, last = max(0, at), min(bus.shape[1], at + sound.shape[1])
    if last <= first:
        return
    piece = sound[:, first - at : last - at]
    left = np.float32(gain * np.cos((pan + 1) * np.pi / 4) * np.sqrt(2))
    right = np.float32(gain * np.sin((pan + 1) * np.pi / 4) * np.sqrt(2))
    bus[0, first:last] += left * piece[0]
    bus[1, first:last] += right * piece[-1]
