"""What a plan will sound like, from its notes alone: the power of the mix before it is rendered.

Every tone's own K-weighted power is known (`Bank.tone_power`), so a part's loudness is the sum of
its notes'. It says how loud what has not been rendered yet will be, which lets the first seconds of
a piece leave under the right gain. Parts are taken as incoherent, and a room as adding its send.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Part
from daemon.engines.sketch.render.bank import STROKES, Bank
from daemon.engines.sketch.render.effects import driven_power, duck_curve
from daemon.engines.sketch.render.level import HOP_S
from daemon.engines.sketch.render.part import Check, Cue, Score, Window, strength
from daemon.engines.sketch.render.stems import Piece
from daemon.engines.sketch.render.tone import Array

_RELEASE_SHARE = 0.2  # of its length, that the power of a release counts for (∫ x⁴)
_READINGS = 20  # of the ducking, a hop


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
    sounds = _Sounds(part, bank, span.rate)
    for cue in score.cues:
        check()  # each may need a tone that has to be made first
        sound = sounds.of(cue)
        at = (cue.at - span.start_frame) // hop
        a, b = max(0, at), min(len(power), at + len(sound))
        if b > a:
            power[a:b] += strength(cue.note) ** 2 * sound[a - at : b - at]
    return driven_power(part.instrument, power)


class _Sounds:
    """The powers of one part's sounds by hop, each asked of the bank once."""

    def __init__(self, part: Part, bank: Bank, rate: int) -> None:
        self._name, self._bank, self._rate = part.instrument, bank, rate
        self._drums = is_drums(part.instrument)
        self._known: dict[tuple[Hashable, ...], tuple[Array, float]] = {}

    def of(self, cue: Cue) -> Array:
        """Return the power of a note that is played at full strength."""
        note = cue.note
        alike = self._bank.alike(note.velocity, cue.held)
        key = (note.midi, alike, cue.turn % STROKES if self._drums else 0)
        if key not in self._known:
            self._known[key] = self._asked(cue)
        power, release = self._known[key]
        return power if self._drums else _held(power, cue.held / (HOP_S * self._rate) + release)

    def _asked(self, cue: Cue) -> tuple[Array, float]:
        """Return a sound's power by hop, and how many hops its release counts for."""
        bank, name, rate = self._bank, self._name, self._rate
        midi, velocity = cue.note.midi, cue.note.velocity
        if self._drums:
            return bank.stroke_power(name, midi, velocity, cue.turn, rate), 0.0
        release_s = bank.tone(name, midi, velocity, rate, cue.held).release_s
        power = bank.tone_power(name, midi, velocity, rate, cue.held)
        return power, release_s * _RELEASE_SHARE / HOP_S


def _held(power: Array, held: float) -> Array:
    """Return the power of a tone that is held for `held` hops; the last one for its share only."""
    hops = max(1, round(held))
    if len(power) == 1:
        return np.full(hops, power[0] * held / hops)
    return power[:hops] * min(1.0, held / hops)


def _ducking(piece: Piece, depth_db: float, span: Window) -> Array:
    """Return the mean share of power that ducking leaves in each hop, read twenty times a hop."""
    step = max(1, round(HOP_S * span.rate) // _READINGS)
    hops = span.frames // round(HOP_S * span.rate)
    window = Window(span.start_frame // step, hops * _READINGS, round(_READINGS / HOP_S))
    curve = duck_curve([frame // step for frame in piece.kicks], window)
    share: Array = 10 ** (-depth_db / 10 * curve.reshape(-1, _READINGS))
    return share.mean(axis=1)
