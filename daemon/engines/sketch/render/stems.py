"""A plan to stems, before mastering, a stretch at a time. Signals are float32 `(2, frames)`.

What rings on from one stretch to the next (rooms, filters) is carried over, so that neither memory
nor the time to the first sound nor that between two cancellation checks grows with the piece.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Mix, Part, Plan
from daemon.engines.sketch.render.bank import Bank
from daemon.engines.sketch.render.effects import duck_curve, ducked, inserted, kick_frames
from daemon.engines.sketch.render.part import Check, Score, Window, dry_part, scored
from daemon.engines.sketch.render.space import BLOCK_S, Room
from daemon.engines.sketch.render.tone import Array

HOP_S = 0.005
"""Stretches are whole hops of this length, but for the last."""

_PLATED = ("lead-soft", "lead-saw", "flute", "pluck")
_LONGEST_PLATE_S, _PLATE_OF_ROOM = 1.5, 0.85
_DRY_DB = -32.0  # what is sent to the room more softly than this is not heard in it

Line = TypeVar("Line", bound=Hashable)


@dataclass(frozen=True)
class Piece:
    """A plan made ready to be played in `window`: every part with its score, and the kicks."""

    plan: Plan
    window: Window
    parts: tuple[tuple[Part, Score], ...]
    kicks: Sequence[int]


@dataclass
class _Ringing:
    """What a stretch leaves to the next one: tails by stem and space, filters by part."""

    tails: dict[tuple[str, bool], Array] = field(default_factory=dict)
    effects: dict[int, tuple[Array, ...]] = field(default_factory=dict)


def prepared(plan: Plan, window: Window, check: Check) -> Piece:
    """Return the plan with its notes as frames."""
    parts = tuple((part, scored(plan, part, window.rate, check)) for part in plan.parts)
    return Piece(plan, window, parts, kick_frames(parts))


def raw_stems(
    plan: Plan,
    bank: Bank,
    window: Window,
    check: Check,
    progress: Callable[[float], None] = lambda fraction: None,
) -> dict[str, Array]:
    """Return every stem of `plan` in `window`, in the plan's order of parts, unmastered.

    `progress` hears 0…1.
    """
    out: dict[str, Array] = {
        part.stem: np.zeros((2, window.frames), np.float32) for part in plan.parts
    }
    at = 0
    for stems in stretches(prepared(plan, window, check), bank, check):
        length = 0
        for name, stem in stems.items():
            length = stem.shape[1]
            out[name][:, at : at + length] = stem
        at += length
        progress(at / window.frames)
    progress(1.0)
    return out


def stretches(piece: Piece, bank: Bank, check: Check) -> Iterator[dict[str, Array]]:
    """Yield the stems of one stretch after the other, from the window's first frame to its last."""
    window, ringing = piece.window, _Ringing()
    hop = round(HOP_S * window.rate)
    step = max(1, round(BLOCK_S * window.rate) // hop) * hop
    for at in range(0, window.frames, step):
        length = min(step, window.frames - at)
        part_of = Window(window.start_frame + at, length, window.rate)
        yield _stretch(piece, bank, part_of, ringing, check)


def _stretch(
    piece: Piece, bank: Bank, window: Window, ringing: _Ringing, check: Check
) -> dict[str, Array]:
    """Return every stem in one window and move `ringing` on to its end."""
    plan = piece.plan
    curve = duck_curve(piece.kicks, window) if any(p.duck_db for p in plan.parts) else None
    dry: dict[str, Array] = {}
    sends: dict[tuple[str, bool], Array] = {}
    for i, (part, score) in enumerate(piece.parts):
        sound = dry_part(part, score, bank, window, check)
        sound, ringing.effects[i] = inserted(part, sound, window, ringing.effects.get(i, ()))
        if curve is not None and part.duck_db:
            sound = ducked(sound, curve, part.duck_db)
        sound *= np.float32(10 ** (part.gain_db / 20))
        if part.send_db > _DRY_DB:
            send = (sound[0] + sound[1]) * np.float32(0.5 * 10 ** (part.send_db / 20))
            _accumulate(sends, (part.stem, _on_plate(part)), send)
        _accumulate(dry, part.stem, sound)
    nothing = np.zeros((2, 0), np.float32)
    for line, send in sends.items():
        check()
        space = _space(plan.mix, line[1], bank, window.rate)
        wet, ringing.tails[line] = space.wet(send, ringing.tails.get(line, nothing))
        dry[line[0]] += wet
    return dry


def _on_plate(part: Part) -> bool:
    """Whether a part goes to the plate; the others stand in the room."""
    return is_drums(part.instrument) or part.instrument in _PLATED


def _space(mix: Mix, on_plate: bool, bank: Bank, rate: int) -> Room:
    if on_plate:
        return bank.plate(min(_LONGEST_PLATE_S, _PLATE_OF_ROOM * mix.room_s), rate)
    return bank.room(mix.room_s, mix.room_tone_hz, rate)


def _accumulate(table: dict[Line, Array], name: Line, sound: Array) -> None:
    if name in table:
        table[name] += sound
    else:
        table[name] = sound
