"""One part to sound: every note at its frame, cut to its length, placed left and right.

Signals are float32 `(2, frames)`; frame 0 of a window is frame `start_frame` of the clip.
"""

from __future__ import annotations

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


def onset_frame(plan: Plan, note: PlanNote, rate: int) -> int:
    """Return the frame of the clip at which `note` begins."""
    return round(plan.onset_s(note) * rate)


def dry_part(plan: Plan, part: Part, bank: Bank, window: Window, check: Check) -> Array:
    """Return the part before effects, `(2, frames)`."""
    bus = np.zeros((2, window.frames), np.float32)
    play = _drum if is_drums(part.instrument) else _key
    chokes = _choke_frames(plan, part, window.rate) if is_drums(part.instrument) else []
    turns: dict[int, int] = {}
    for i, note in enumerate(part.notes):
        if i % _CHECK_EVERY == 0:
            check()
        turns[note.midi] = turns.get(note.midi, -1) + 1
        play(bus, plan, part, note, bank, window, turns[note.midi], chokes)
    return bus


def _strength(note: PlanNote) -> float:
    level = (note.velocity / 127) ** _LOUDNESS_POWER
    return level * _GHOST if note.articulation == "ghost" else level


def _drum(
    bus: Array, plan: Plan, part: Part, note: PlanNote, bank: Bank, window: Window, turn: int,
    chokes: Sequence[int],
) -> None:  # fmt: skip
    at = onset_frame(plan, note, window.rate)
    if at >= window.start_frame + window.frames:
        return
    sound = bank.stroke(part.instrument, note.midi, note.velocity, turn, window.rate)
    if note.midi == OPEN_HAT:
        sound = _choked(sound, at, chokes, window.rate)
    _add(bus, sound[None], at - window.start_frame, _strength(note), PAN.get(note.midi, 0.0))


def _choke_frames(plan: Plan, part: Part, rate: int) -> list[int]:
    return sorted(onset_frame(plan, n, rate) for n in part.notes if n.midi in HATS)


def _choked(sound: Array, at: int, chokes: Sequence[int], rate: int) -> Array:
    """Stop an open hat where the pedal closes it."""
    later = int(np.searchsorted(chokes, at, side="right"))
    if later >= len(chokes) or chokes[later] - at >= len(sound):
        return sound
    return _released(sound[None], chokes[later] - at, round(_CHOKE_S * rate))[0]


def _key(
    bus: Array, plan: Plan, part: Part, note: PlanNote, bank: Bank, window: Window, turn: int,
    chokes: Sequence[int],
) -> None:  # fmt: skip
    at = onset_frame(plan, note, window.rate)
    held = max(1, round(plan.length_of(note) * window.rate))
    if at >= window.start_frame + window.frames:
        return
    tone = bank.tone(part.instrument, note.midi, note.velocity, window.rate)
    release = round(tone.release_s * window.rate)
    if at + held + release <= window.start_frame:
        return
    sound = _looped(tone, held, window.rate) if tone.loops else tone.samples
    if held < sound.shape[1]:
        sound = _released(sound, held, release)
    _add(bus, sound, at - window.start_frame, _strength(note), part.pan)


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
