"""A plan to stems, before mastering. Signals are float32 `(2, frames)`.

Long pieces are rendered in stretches of some seconds with a run-up as long as the room rings, so
that neither memory nor the time between two cancellation checks grows with the piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.plan.types import Part, Plan
from daemon.engines.sketch.render.bank import Bank
from daemon.engines.sketch.render.effects import duck_curve, ducked, inserted, kick_frames
from daemon.engines.sketch.render.part import Check, Cue, Window, cues, dry_part
from daemon.engines.sketch.render.tone import Array

STRETCH_S = 24.0
_RUN_UP_S = 0.3  # beyond the room's own length
_RUN_OUT_S = 0.1


@dataclass(frozen=True)
class _Score:
    """What all stretches share: every part with its cues, and where the kicks are."""

    plan: Plan
    parts: tuple[tuple[Part, tuple[Cue, ...]], ...]
    kicks: Sequence[int]


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
    parts = tuple((part, tuple(cues(plan, part, window.rate))) for part in plan.parts)
    score = _Score(plan, parts, kick_frames(plan, window.rate))
    out: dict[str, Array] = {
        part.stem: np.zeros((2, window.frames), np.float32) for part in plan.parts
    }
    step = round(STRETCH_S * window.rate)
    starts = range(0, window.frames, step)
    for turn, at in enumerate(starts):
        length = min(step, window.frames - at)
        before, after = _margins(plan, window, at, length)
        wide = Window(window.start_frame + at - before, before + length + after, window.rate)
        share = (turn / len(starts), 1 / len(starts))
        for name, stem in _stretch(score, bank, wide, check, progress, share).items():
            out[name][:, at : at + length] = stem[:, before : before + length]
    progress(1.0)
    return out


def _margins(plan: Plan, window: Window, at: int, length: int) -> tuple[int, int]:
    """Return frames to render before and after a stretch; none at the window's own ends."""
    run_up = round((plan.mix.room_s + _RUN_UP_S) * window.rate)
    return min(at, run_up), min(round(_RUN_OUT_S * window.rate), window.frames - at - length)


def _stretch(
    score: _Score,
    bank: Bank,
    window: Window,
    check: Check,
    progress: Callable[[float], None],
    share: tuple[float, float],
) -> dict[str, Array]:
    """Return every stem in one window; progress covers `share` (start, width) of the whole."""
    plan = score.plan
    curve = duck_curve(score.kicks, window) if any(p.duck_db for p in plan.parts) else None
    dry: dict[str, Array] = {}
    sends: dict[str, Array] = {}
    for i, (part, cue_list) in enumerate(score.parts):
        sound = inserted(part, dry_part(part, cue_list, bank, window, check), window)
        if curve is not None and part.duck_db:
            sound = ducked(sound, curve, part.duck_db)
        sound *= np.float32(10 ** (part.gain_db / 20))
        send = sound.mean(axis=0) * np.float32(10 ** (part.send_db / 20))
        _accumulate(dry, part.stem, sound)
        _accumulate(sends, part.stem, send)
        progress(share[0] + share[1] * 0.8 * (i + 1) / len(score.parts))
    room = bank.room(plan.mix.room_s, plan.mix.room_tone_hz, window.rate)
    for name, send in sends.items():
        check()
        dry[name] += room.wet(send)
    return dry


def _accumulate(table: dict[str, Array], name: str, sound: Array) -> None:
    if name in table:
        table[name] += sound
    else:
        table[name] = sound
