"""New material put into the source so that nobody hears where. The only splice in the project.

All arrays are float `(frames, channels)` at the source's rate. Kept audio is only looked at; every
frame that comes out lies inside the region. In order, the new material is

1. moved by its delay (at most 5 ms) and polarity, where it clearly is the source's own music,
2. scaled by the edge gains, from K-weighted levels: at most ±3 dB, linear in dB from edge to
   edge, 0 dB at an edge where either side is below −60 dBFS,
3. freed of its DC against the source by a ramp (where it differs by −60 dBFS or more),
4. faded inside the region with g₁² + g₂² + 2ρg₁g₂ = 1, ρ measured on the fade: the power neither
   dips nor swells. Where the region replaces nothing (`over` is None) the source is carried on
   under the fade by linear prediction,
5. limited to −1 dBTP, or the true peak of what the region held before if that is higher, with a
   gain of exactly 1 at both seams. Where it replaces nothing, the ceiling falls from the peak of
   the kept audio at the seam to −1 dBTP within 5 ms: louder audio is carried on there.

An edge at the clip's end has no kept audio: no fade, and the other edge's gain and DC hold there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from daemon.audio.align import LONGEST_DELAY_S, Alignment, align
from daemon.audio.limiter import ATTACK_S, gain_curve
from daemon.audio.loudness import amplitude, db, loudest, peaks, rms_db
from daemon.audio.seam import LONGEST_FADE_S, SILENT_DB, Edge, Seam, fade, measure

HANDLE_S = 0.060
"""Seconds of new material beside the region that are worth handing in."""

CONTEXT_S = 1.0
"""Seconds of kept audio beside the region that are worth handing in."""

CEILING_DB = -1.0
_READING_DB = 0.05


@dataclass(frozen=True)
class Report:
    """What a splice did: delay (frames), polarity, both edges, the limiter's deepest gain (dB)."""

    delay: int
    polarity: int
    correlation: float
    start: Edge
    end: Edge
    limiter_db: float

    def as_dict(self) -> dict[str, object]:
        """Return plain data."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Spliced:
    """The region, float32 `(frames, channels)`, and the report."""

    samples: np.ndarray
    report: Report


def splice(
    before: np.ndarray,
    over: np.ndarray | None,
    after: np.ndarray,
    new: np.ndarray,
    handle: int,
    rate: int,
    kept: Sequence[int] = (),
) -> Spliced:
    """Return the region made of `new`, joined to the kept audio on both sides.

    `before` and `after` are kept audio beside the region, up to `CONTEXT_S`, empty at the clip's
    ends. `over` is the source inside the region, None where there is none. `new` covers the region
    and `handle` frames on each side. `kept` channels are left alone: as in `over`, or silent once
    what sounds at the seam has died away.
    """
    frames, channels = len(new) - 2 * handle, new.shape[1]
    assert handle >= 0, handle
    assert frames > 0, (len(new), handle)
    assert before.shape[1] == after.shape[1] == channels, (before.shape, after.shape, new.shape)
    assert over is None or over.shape == (frames, channels), frames
    beside = round(CONTEXT_S * rate)
    before, after = before[max(0, len(before) - beside) :], after[:beside]
    if not len(kept):
        return _splice(before, over, after, new, handle, rate)
    own, rest = list(kept), [c for c in range(channels) if c not in kept]
    under = None if over is None else over[:, rest]
    done = _splice(before[:, rest], under, after[:, rest], new[:, rest], handle, rate)
    samples = np.empty((frames, channels), np.float32)
    samples[:, rest] = done.samples
    samples[:, own] = (
        _died_away(before[:, own], after[:, own], frames, rate) if over is None else over[:, own]
    )
    return Spliced(samples, done.report)


def _splice(
    before: np.ndarray,
    over: np.ndarray | None,
    after: np.ndarray,
    new: np.ndarray,
    handle: int,
    rate: int,
) -> Spliced:
    frames, channels = len(new) - 2 * handle, new.shape[1]
    found = _alignment(before, over, after, new, handle, rate)
    lead = handle - abs(found.delay)
    first = found.delay + abs(found.delay)
    moved = new[first : first + frames + 2 * lead] * np.float32(found.polarity)
    seams = _seams(before, over, after, moved, lead, rate)
    edges = _edges(seams, channels)
    body = _levelled(moved[lead : lead + frames], edges)
    start = fade(seams[0], edges[0], body) if len(before) else edges[0]
    end = fade(seams[1], edges[1], body[::-1]) if len(after) else edges[1]
    deepest = _limit(body, before, over, after, rate)
    report = Report(found.delay, found.polarity, found.correlation, start, end, deepest)
    return Spliced(body, report)


def _died_away(before: np.ndarray, after: np.ndarray, frames: int, rate: int) -> np.ndarray:
    """Return silence that the kept audio on both sides fades into."""
    body = np.zeros((frames, before.shape[1]), np.float32)
    for seam, view in zip(
        _seams(before, None, after, body, 0, rate), (body, body[::-1]), strict=True
    ):
        if len(seam.before):
            fade(seam, Edge(), view)
    return body


def _alignment(
    before: np.ndarray,
    over: np.ndarray | None,
    after: np.ndarray,
    new: np.ndarray,
    handle: int,
    rate: int,
) -> Alignment:
    delay = min(round(LONGEST_DELAY_S * rate), handle // 2)
    reach = handle - delay
    inside = 0 if over is None else min(len(over), round(LONGEST_FADE_S * rate))
    none = new[:0]
    pairs = []
    if len(before):
        source = np.concatenate([before[-reach:], none if over is None else over[:inside]])
        first = handle - min(reach, len(before))
        pairs.append((source, new[first - delay : first + len(source) + delay]))
    if len(after):
        source = np.concatenate(
            [none if over is None else over[len(over) - inside :], after[:reach]]
        )
        first = len(new) - handle - inside
        pairs.append((source, new[first - delay : first + len(source) + delay]))
    heard = [p for p in pairs if delay and min(rms_db(p[0]), rms_db(p[1])) >= SILENT_DB]
    return align(heard)


def _seams(
    before: np.ndarray,
    over: np.ndarray | None,
    after: np.ndarray,
    moved: np.ndarray,
    lead: int,
    rate: int,
) -> tuple[Seam, Seam]:
    """Return the start and, in reverse, the end."""
    frames = len(moved) - 2 * lead
    longest = frames // 3 if len(before) and len(after) else frames // 2
    start = Seam(before, over, moved, lead, longest, rate)
    turned = None if over is None else over[::-1]
    return start, Seam(after[::-1], turned, moved[::-1], lead, longest, rate)


def _edges(seams: tuple[Seam, Seam], channels: int) -> tuple[Edge, Edge]:
    """Return both edges as measured; one without kept audio takes the other's gain and DC."""
    edges = [measure(seam) if len(seam.before) else None for seam in seams]
    nothing = Edge(dc=(0.0,) * channels)
    start, end = edges
    other = start or end or nothing
    copied = Edge(gain_db=other.gain_db, dc=other.dc)
    return start or copied, end or copied


def _levelled(new: np.ndarray, edges: tuple[Edge, Edge]) -> np.ndarray:
    """Return `new` as float32 with the gains (linear in dB) and the DC ramp applied."""
    start, end = edges
    along = np.linspace(0.0, 1.0, len(new))
    gain = 10 ** ((start.gain_db + (end.gain_db - start.gain_db) * along) / 20)
    body = np.empty(new.shape, np.float32)
    for channel, (first, last) in enumerate(zip(start.dc, end.dc, strict=True)):
        body[:, channel] = new[:, channel] * gain + (first + (last - first) * along)
    return body


def _limit(
    body: np.ndarray, before: np.ndarray, over: np.ndarray | None, after: np.ndarray, rate: int
) -> float:
    """Limit `body` in place; return the deepest gain in dB."""
    near = round(LONGEST_FADE_S * rate)
    left, right = before[-near:], after[:near]
    joined = np.concatenate([left, body, right])
    inside = slice(len(left), len(left) + len(body))
    # A fourfold reading may lie a little below the true peak.
    lowest, own_lowest = amplitude(CEILING_DB - _READING_DB), amplitude(CEILING_DB)
    if loudest(body).max() <= own_lowest and peaks(joined, rate)[inside].max() <= lowest:
        return 0.0  # below every ceiling that the kept audio could set, so that is not read
    held = joined if over is None else np.concatenate([left, over, right])
    ceiling = _ceiling(peaks(held, rate), lowest, inside, over, rate)
    own = _ceiling(loudest(held), own_lowest, inside, over, rate)
    pinned = (len(before) > 0, len(after) > 0)
    gain = gain_curve(joined, rate, ceiling, pinned, own, inside)
    body *= gain[:, None].astype(np.float32)
    return db(float(gain.min()))


def _ceiling(
    tops: np.ndarray, lowest: float, inside: slice, over: np.ndarray | None, rate: int
) -> np.ndarray:
    """Return the ceiling of every frame from the peaks `tops` of the source and beside it."""
    ceiling = np.full(len(tops), lowest)
    if over is not None:
        return np.maximum(ceiling, tops[inside].max())
    frames = inside.stop - inside.start
    falling = _falling(min(frames, max(1, round(ATTACK_S * rate))))
    for kept, part in (
        # The reading between the last kept frame and the first new one hears what is new.
        (tops[: max(0, inside.start - 1)], ceiling[inside]),
        (tops[inside.stop :], ceiling[inside][::-1]),
    ):
        more = max(0.0, float(kept.max(initial=0.0)) - lowest)
        np.maximum(part[: len(falling)], lowest + more * falling, out=part[: len(falling)])
    return ceiling


def _falling(frames: int) -> np.ndarray:
    """Return half a raised cosine from 1 towards 0, `(frames,)`."""
    return 0.5 + 0.5 * np.cos(np.pi * np.arange(frames) / frames)
