"""A plan to stems, before mastering. Signals are float32 `(2, frames)`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from daemon.engines.sketch.plan.types import Plan
from daemon.engines.sketch.render.bank import Bank
from daemon.engines.sketch.render.effects import duck_curve, ducked, inserted
from daemon.engines.sketch.render.part import Check, Window, dry_part
from daemon.engines.sketch.render.tone import Array


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
    curve = duck_curve(plan, window)
    dry: dict[str, Array] = {}
    sends: dict[str, Array] = {}
    for i, part in enumerate(plan.parts):
        sound = inserted(part, dry_part(plan, part, bank, window, check), window)
        if curve is not None and part.duck_db:
            sound = ducked(sound, curve, part.duck_db)
        sound *= np.float32(10 ** (part.gain_db / 20))
        send = sound.mean(axis=0) * np.float32(10 ** (part.send_db / 20))
        _accumulate(dry, part.stem, sound)
        _accumulate(sends, part.stem, send)
        progress(0.8 * (i + 1) / len(plan.parts))
    room = bank.room(plan.mix.room_s, plan.mix.room_tone_hz, window.rate)
    for name, send in sends.items():
        check()
        dry[name] += room.wet(send)
    progress(1.0)
    return dry


def _accumulate(table: dict[str, Array], name: str, sound: Array) -> None:
    if name in table:
        table[name] += sound
    else:
        table[name] = sound
