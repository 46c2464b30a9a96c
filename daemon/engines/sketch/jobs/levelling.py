"""Material for a region brought to the loudness of what lies beside it.

The body gets the gated loudness of the clip on both sides; each edge keeps the level that the
source has there, so that the splice's own edge gains find nothing to do. Samples are float32
`(frames, 2)`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from daemon.audio.loudness import amplitude
from daemon.audio.seam import MOST_GAIN_DB, level_difference_db
from daemon.audio.splice import HANDLE_S
from daemon.engines.base import Request, Span
from daemon.engines.sketch.render.level import Loudness

CONTEXT_S = 8.0
QUIETEST_LUFS = -60.0  # what is softer than this counts as silence
_SILENT_LUFS = -20.0
_EDGE_S = 0.4  # of new material that the splice compares with the source at a seam
_SLOPE_S = 0.6  # from an edge's level to the body's
_MOST_EDGE_DB = 4.0  # between an edge and the body: a rest in the source is not written in
_MOST_BODY_DB = 24.0
_ROUNDS, _NEAR_LU = 4, 0.05


@dataclass(frozen=True)
class _Edge:
    """One seam: the gain in dB that matches the source there, None without kept audio."""

    wanted_db: float | None

    def near(self, body_db: float) -> float:
        """Return the gain at this edge beside a body of the given gain."""
        if self.wanted_db is None:
            return body_db
        return float(np.clip(self.wanted_db, body_db - _MOST_EDGE_DB, body_db + _MOST_EDGE_DB))

    def left(self, body_db: float) -> float:
        """Return the gain that the splice will find missing at this edge."""
        if self.wanted_db is None:
            return 0.0
        missing = self.wanted_db - self.near(body_db)
        return float(np.clip(missing, -MOST_GAIN_DB, MOST_GAIN_DB))


def beside(request: Request, span: Span) -> np.ndarray:
    """Return the clip on both sides of the span, `CONTEXT_S` each; all of it where that is none."""
    reach = round(CONTEXT_S * request.rate)
    before = request.clip[max(0, span.start - reach) : max(0, span.start)]
    after = request.clip[span.end : span.end + reach]
    around = np.concatenate([before, after])
    return around if len(around) >= request.rate // 2 else request.clip[:]


def target_lufs(context: np.ndarray, rate: int) -> float:
    """Return the gated loudness of `context`; −20 LUFS beside silence."""
    level = Loudness(np.ascontiguousarray(context.T), rate).lufs() if len(context) else None
    return level if level is not None and level > QUIETEST_LUFS else _SILENT_LUFS


def blended(
    old: np.ndarray, new: np.ndarray, share: float, target: float, request: Request, span: Span
) -> np.ndarray:
    """Return `old` with a `share` 0…1 of `new`, which is at `target` LUFS, at constant power."""
    inside = slice(request.handle, request.handle + span.frames)
    have = Loudness(np.ascontiguousarray(old[inside].T), request.rate).lufs()
    gain = 1.0 if have is None else amplitude(min(target - have, _MOST_BODY_DB))
    angle = math.pi / 2 * share
    return np.asarray(math.cos(angle) * gain * old + math.sin(angle) * new, np.float32)


def levelled(sound: np.ndarray, target: float, request: Request, span: Span) -> np.ndarray:
    """Return the material of a span and its handles at `target` LUFS."""
    rate, handle = request.rate, request.handle
    loudness = Loudness(np.ascontiguousarray(sound[handle : handle + span.frames].T), rate)
    if loudness.lufs() is None:
        return sound
    edges = (_at_start(sound, request, span), _at_end(sound, request, span))
    body_db = 0.0
    for _ in range(_ROUNDS):
        # The splice tilts what it gets by what it still misses at the edges.
        tilt = np.linspace(edges[0].left(body_db), edges[1].left(body_db), span.frames)
        reached = loudness.lufs(_ratio(_curve(body_db, edges, span.frames, rate) + tilt))
        if reached is None or abs(target - reached) < _NEAR_LU:
            break
        body_db = float(np.clip(body_db + target - reached, -_MOST_BODY_DB, _MOST_BODY_DB))
    gain = np.pad(_curve(body_db, edges, span.frames, rate), handle, mode="edge")
    return np.asarray(sound * _ratio(gain)[:, None], np.float32)


def _ratio(gain_db: np.ndarray) -> np.ndarray:
    return np.exp(np.float32(math.log(10) / 20) * gain_db.astype(np.float32))


def _curve(body_db: float, edges: tuple[_Edge, _Edge], frames: int, rate: int) -> np.ndarray:
    """Return the gain in dB along the region, `(frames,)`."""
    share = min(1.0, frames / (2 * (_EDGE_S + _SLOPE_S) * rate))
    hold, slope = share * _EDGE_S * rate, share * _SLOPE_S * rate
    knots = (hold, hold + slope, frames - hold - slope, frames - hold)
    levels = (edges[0].near(body_db), body_db, body_db, edges[1].near(body_db))
    return np.interp(np.arange(frames), knots, levels)


def _at_start(sound: np.ndarray, request: Request, span: Span) -> _Edge:
    if span.start <= 0:
        return _Edge(None)
    lead, reach = _reach(request)
    return _edge(sound, request, span, max(0, span.start - lead), min(span.start + reach, span.end))


def _at_end(sound: np.ndarray, request: Request, span: Span) -> _Edge:
    if span.end >= len(request.clip):
        return _Edge(None)
    lead, reach = _reach(request)
    return _edge(sound, request, span, max(span.start, span.end - reach), span.end + lead)


def _edge(sound: np.ndarray, request: Request, span: Span, first: int, last: int) -> _Edge:
    """Compare source and new material in the clip's frames `[first, last)`, as the splice does."""
    offset, last = request.handle - span.start, min(last, len(request.clip))
    source = request.clip[first : max(first, last)]
    new = sound[first + offset : first + offset + len(source)]
    return _Edge(level_difference_db(source, new, request.rate))


def _reach(request: Request) -> tuple[int, int]:
    """Return how many frames outside and inside the span the splice looks at."""
    lead = min(request.handle, round(HANDLE_S * request.rate))
    return lead, round(_EDGE_S * request.rate)
