"""Which lines of untimed lyrics each passage of a long clip has.

A vocal tells by its notes where it is sung; of a mix nobody knows, and the lines are divided by
time. Passages are in latent frames of the clip.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daemon.engines.acestep.cache import window_key
from daemon.engines.acestep.ops.passages import Passage
from daemon.engines.acestep.parts import FRAMES_PER_S, RATE
from daemon.engines.acestep.session import Session
from daemon.engines.acestep.text.lyrics import Lot, divided
from daemon.engines.base import Port, Request
from daemon.engines.sketch.listen import melody

_VOCALS = frozenset({"bgm"})
"""Ops whose clip is a voice alone."""


def lines_of(
    session: Session, request: Request, passages: Sequence[Passage], port: Port
) -> tuple[tuple[Lot, ...], tuple[str, ...]]:
    """Return what of the lyrics each passage has, and notes; () where nothing is to be divided."""
    lyrics = str(request.options.get("lyrics", ""))
    if len(passages) == 1 or not divided(lyrics, [1.0] * len(passages)):
        return (), ()
    sung = _sung_s(session, request, passages, port) if request.op in _VOCALS else []
    by_notes = sum(sung) > 0
    lots = divided(lyrics, sung if by_notes else [float(p.end - p.start) for p in passages])
    begin_s = request.source_start / RATE
    rows = [
        f"{_numbers(lot)} from {_time(begin_s + p.start / FRAMES_PER_S)}"
        for lot, p in zip(lots, passages, strict=True)
    ]
    how = "where the vocal is sung" if by_notes else "time; [mm:ss.xx] before a line is surer"
    return lots, (f"lyrics: {', '.join(rows)} (divided by {how})",)


def _sung_s(
    session: Session, request: Request, passages: Sequence[Passage], port: Port
) -> list[float]:
    """Return for how many seconds notes are sung in each passage."""
    clip = np.asarray(request.clip)
    key = ("sung", window_key(clip, request.source_mark, request.source_start))
    notes = session.kept.made(key, lambda: melody(clip, request.rate, port.check))
    edges = [(p.start / FRAMES_PER_S, p.end / FRAMES_PER_S) for p in passages]
    return [
        sum(max(0.0, min(end, note.end_s) - max(start, note.start_s)) for note in notes)
        for start, end in edges
    ]


def _numbers(lot: Lot) -> str:
    if lot.first == lot.last:
        return "none"
    if lot.last == lot.first + 1:
        return f"line {lot.last}"
    return f"lines {lot.first + 1}-{lot.last}"


def _time(at_s: float) -> str:
    return f"{int(at_s) // 60}:{int(at_s) % 60:02d}"
