"""What a plan will sound like, from its notes alone: the power of the mix before it is rendered.

Every tone's own K-weighted power is known (`Bank.tone_power`), so a part's loudness is the sum of
its notes'. It says how loud what has not been rendered yet will be, which lets the first seconds of
a piece leave under the right gain. Parts are taken as incoherent, and a room as adding its send.
"""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Part
from daemon.engines.sketch.render.bank import Bank
from daemon.engines.sketch.render.effects import driven_power, duck_curve
from daemon.engines.sketch.render.level import HOP_S
from daemon.engines.sketch.render.part import Check, Cue, Score, Window, strength
from daemon.engines.sketch.render.stems import Piece
from daemon.engines.sketch.render.tone import Array

_RELEASE_SHARE = 0.2  # of its length, that the power of a release counts for (∫ x⁴)
_CHECK_EVERY = 8  # notes; each may need a tone that has to be made first


def forecast(piece: Piece, bank: Bank, first_frame: int, hops: int, check: Check) -> Array:
    """Return the expected K-weighted power of hops of 0.1 s from a frame of the clip on, `(hops,)`.

    It is that of `stretches`' sum: both channels added up, before any mastering.
    """
    rate = piece.window.rate
    total = np.zeros(hops)
    span = Window(first_frame, hops * round(HOP_S * rate), rate)
    for part, score in piece.parts:
        check()
        power = _part_power(part, score, bank, span, check)
        if part.duck_db:
            power *= _ducking(piece, part.duck_db, span)
        room = 10 ** (part.send_db / 10)
        total += power * 10 ** (part.gain_db / 10) * (1 + room)
    return total


def _part_power(part: Part, score: Score, bank: Bank, span: Window, check: Check) -> Array:
    hop = round(HOP_S * span.rate)
    power = np.zeros(span.frames // hop)
    drums = is_drums(part.instrument)
    for i, cue in enumerate(score.cues):
        if i % _CHECK_EVERY == 0:
            check()
        sound = _stroke(part, cue, bank, span.rate) if drums else _key(part, cue, bank, span.rate)
        at = (cue.at - span.start_frame) // hop
        a, b = max(0, at), min(len(power), at + len(sound))
        if b > a:
            power[a:b] += strength(cue.note) ** 2 * sound[a - at : b - at]
    return driven_power(part.instrument, power)


def _stroke(part: Part, cue: Cue, bank: Bank, rate: int) -> Array:
    return bank.stroke_power(part.instrument, cue.note.midi, cue.note.velocity, cue.turn, rate)


def _key(part: Part, cue: Cue, bank: Bank, rate: int) -> Array:
    """Return the power of a held tone by hop; the last one for its share only."""
    tone = bank.tone(part.instrument, cue.note.midi, cue.note.velocity, rate)
    release = tone.release_s * _RELEASE_SHARE / HOP_S
    power = bank.tone_power(part.instrument, cue.note.midi, cue.note.velocity, rate)
    held = cue.held / (HOP_S * rate) + release
    hops = max(1, round(held))
    if len(power) == 1:
        return np.full(hops, power[0] * held / hops)
    return power[:hops] * min(1.0, held / hops)


def _ducking(piece: Piece, depth_db: float, span: Window) -> Array:
    """Return the mean share of power that ducking leaves in each hop."""
    hop = round(HOP_S * span.rate)
    step = max(1, hop // 20)
    out = []
    for at in range(0, span.frames, 600 * hop):
        length = min(600 * hop, span.frames - at)
        curve = duck_curve(piece.kicks, Window(span.start_frame + at, length, span.rate))
        few = 10 ** (-depth_db / 10 * curve.reshape(-1, hop)[:, ::step])
        out.append(few.mean(axis=1))
    return np.concatenate(out)
