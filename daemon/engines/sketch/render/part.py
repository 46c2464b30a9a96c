"""One part to sound: every note at its frame, cut to its length, placed left and right.

Signals are float32 `(2, frames)`; frame 0 of a window is frame `start_frame` of the clip.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Part, Plan, PlanNote
from daemon.engines.sketch.render.bank import Bank
from daemon.engines.sketch.render.kit import PAN
from daemon.engines.sketch.render.tone import Array
from daemon.engines.sketch.render.voices import Tone

KICK, HATS, OPEN_HAT = 36, (42, 44, 46), 46
_CHOKE_S = 0.012
_LONGEST_S = 2.5  # no drum rings longer, no key is heard longer once let go
_CHECK_EVERY = 16  # notes
_GHOST = 0.6
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


def cues(plan: Plan, part: Part, rate: int) -> list[Cue]:
    """Return a part's notes as cues, in order of time."""
    turns: dict[int, int] = {}
    found = []
    for note in part.notes:
        turns[note.midi] = turns.get(note.midi, -1) + 1
        held = max(1, round(plan.length_of(note) * rate))
        found.append(Cue(onset_frame(plan, note, rate), held, turns[note.midi], note))
    return sorted(found, key=lambda cue: cue.at)


def onset_frame(plan: Plan, note: PlanNote, rate: int) -> int:
    """Return the frame of the clip at which `note` begins."""
    return round(plan.onset_s(note) * rate)


def dry_part(part: Part, score: Sequence[Cue], bank: Bank, window: Window, check: Check) -> Array:
    """Return the part before effects, `(2, frames)`; `score` is what `cues` made of it."""
    bus = np.zeros((2, window.frames), np.float32)
    play = _drum if is_drums(part.instrument) else _key
    chokes = [cue.at for cue in score if cue.note.midi in HATS] if play is _drum else []
    end = window.start_frame + window.frames
    for i, cue in enumerate(score):
        if i % _CHECK_EVERY == 0:
            check()
        if cue.at >= end:
            break
        if cue.at + cue.held + _LONGEST_S * window.rate > window.start_frame:
            play(bus, part, cue, bank, window, chokes)
    return bus


def _strength(note: PlanNote) -> float:
    level = (note.velocity / 127) ** _LOUDNESS_POWER
    return level * _GHOST if note.articulation == "ghost" else level


def _drum(
    bus: Array, part: Part, cue: Cue, bank: Bank, window: Window, chokes: Sequence[int]
) -> None:
    note = cue.note
    sound = bank.stroke(part.instrument, note.midi, note.velocity, cue.turn, window.rate)
    if note.midi == OPEN_HAT:
        sound = _choked(sound, cue.at, chokes, window.rate)
    _add(bus, sound[None], cue.at - window.start_frame, _strength(note), PAN.get(note.midi, 0.0))


def _choked(sound: Array, at: int, chokes: Sequence[int], rate: int) -> Array:
    """Stop an open hat where the pedal closes it."""
    later = bisect.bisect_right(chokes, at)
    if later >= len(chokes) or chokes[later] - at >= len(sound):
        return sound
    return _released(sound[None], chokes[later] - at, round(_CHOKE_S * rate))[0]


def _key(
    bus: Array, part: Part, cue: Cue, bank: Bank, window: Window, chokes: Sequence[int]
) -> None:
    tone = bank.tone(part.instrument, cue.note.midi, cue.note.velocity, window.rate)
    release = round(tone.release_s * window.rate)
    if cue.at + cue.held + release <= window.start_frame:
        return
    sound = _looped(tone, cue.held, window.rate) if tone.loops else tone.samples
    if cue.held < sound.shape[1]:
        sound = _released(sound, cue.held, release)
    _add(bus, sound, cue.at - window.start_frame, _strength(cue.note), part.pan)


def _looped(tone: Tone, held: int, rate: int) -> Array:
    """Go round the loop for as long as the key is held, its attack shaped."""
    total = held + round(tone.release_s * rate)
    rounds = -(-total // tone.samples.shape[1])
    sound = np.tile(tone.samples, (1, rounds))[:, :total]
    attack = min(total, max(1, round(tone.attack_s * rate)))
    curve = 0.5 - 0.5 * np.cos(np.pi * np.arange(attack) / attack)
    sound[:, :attack] *= curve.astype(np.float32)
    return sound


def _released(sound: Array, held: int, release: int) -> Array:
    """Let the sound go after `held` frames: an exponential that is silent after `release`."""
    stop = min(sound.shape[1], held + release)
    out = sound[:, :stop].copy()
    fall = np.linspace(1, 0, release, dtype=np.float32) ** 2
    out[:, held:] *= fall[: stop - held]
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
