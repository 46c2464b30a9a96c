"""Replacing a part of a clip by other bars of it with the same harmony."""

from __future__ import annotations

import numpy as np

from daemon.audio.clips import Samples
from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.names import chord_name, parse_chord
from daemon.engines.sketch.listen.types import Listening
from daemon.engines.sketch.reuse.beats import Beats, cut_beats, distances
from daemon.engines.sketch.reuse.route import Route, cheapest, jump_costs, step_cost
from daemon.engines.sketch.reuse.weave import FADE_S, LEAD_S, Run, runs, weave

_SNAP_S = 0.03
_CONTEXT = 2.0  # weight of a smooth way in and out, at strength 0; half at strength 1
_CLOSENESS = 3.0  # weight of likeness to the old bars, at strength 0; against it at strength 1
_CHANCE = 0.4  # spread of the seed's preferences among bars
_OTHER_SEVENTH = 0.5
_NO_WAY = 1e6
_LARGEST_GAIN_DB = 3.0
_CONTEXT_BARS = 2
_AUDIBLE = 1e-4


def replace_bars(
    samples: Samples,
    rate: int,
    heard: Listening,
    start_frame: int,
    end_frame: int,
    handle: int,
    seed: int,
    strength: float,
    check: Check = unchecked,
) -> np.ndarray | None:
    """Fill `[start_frame, end_frame)` of the clip with bars from elsewhere in it.

    Only beats outside the region are used, on the same beat of the bar and under the same decoded
    chord. `strength` 0…1 goes from the bars most like the old ones to the least. Returns float32
    `(handle + end_frame − start_frame + handle, 2)`, or None where the clip has no such bars.
    """
    beats = cut_beats(samples, rate, heard, handle / rate, check)
    region = (start_frame, end_frame)
    if beats.number == 0:
        return None
    counts = _counts_in(beats, region)
    usable = _usable(beats, region)
    path = _route(beats, counts, usable, strength, seed, check)
    if path is None:
        return None
    joined = runs(path.tolist(), beats.edges, beats.frame_of(counts), rate)
    new = weave(samples, joined, start_frame - handle, end_frame + handle, rate, check, region)
    new = _bridged(new, joined, len(samples), region, handle)
    return new * np.float32(_gain(samples, new[handle : len(new) - handle], beats, region))


def _counts_in(beats: Beats, region: tuple[int, int]) -> np.ndarray:
    """Pulse counts of the beats that the region touches by more than a sliver."""
    snap = _SNAP_S / beats.pulse.mean_s
    first = int(np.floor(beats.count_at(region[0]) + snap))
    last = int(np.ceil(beats.count_at(region[1]) - snap))
    return np.arange(first, max(last, first + 1))


def _usable(beats: Beats, region: tuple[int, int]) -> np.ndarray:
    """Which beats lie outside the region with the run-up that a fade needs, `(n,)`."""
    lead = round((LEAD_S + FADE_S) * beats.rate)
    before = beats.edges[1:] <= region[0]
    after = beats.edges[:-1] - lead >= region[1]
    return before | after


def _route(
    beats: Beats,
    counts: np.ndarray,
    usable: np.ndarray,
    strength: float,
    seed: int,
    check: Check,
) -> np.ndarray | None:
    check()
    distance = distances(beats.features)
    jump = jump_costs(distance, beats.places, beats.pulse.per_bar, beats.sides)
    check()
    random = np.random.Generator(np.random.PCG64(seed))
    old = np.clip(counts - beats.first_count, 0, beats.number - 1)
    harmony = _mismatch(beats.chords)
    cost = _CLOSENESS * (1 - 2 * strength) * distance[old]
    cost = cost - min(0.0, float(cost.min()))
    chance = random.random(beats.number)[beats.bars]
    cost = cost + _CHANCE * chance + harmony[old]
    cost[:, ~usable] = _NO_WAY
    entry, leave = _edges(beats, distance, counts)
    ease = _CONTEXT * (1 - strength / 2)
    return cheapest(
        Route(
            places=beats.places,
            wanted_places=counts % beats.pulse.per_bar,
            jump=np.where(usable[None, :], jump, _NO_WAY),
            cost=cost,
            entry=ease * entry,
            leave=ease * leave,
        ),
        check,
    )


def _edges(beats: Beats, distance: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cost of beginning with each beat and of ending with it, `(n,)` each.

    At the region's edges only its surroundings count, not the bars that are to go.
    """
    before, after = counts[0] - 1 - beats.first_count, counts[-1] + 1 - beats.first_count
    own = np.arange(beats.number)
    back, ahead = np.maximum(own - 1, 0), np.minimum(own + 1, beats.number - 1)
    entry, leave = np.zeros(beats.number), np.zeros(beats.number)
    sides = beats.sides
    if before >= 0:
        entry = distance[before, back] + step_cost(sides[before + 1, 0], sides[:-1, 1])
    if 0 <= after < beats.number:
        leave = distance[ahead, after] + step_cost(sides[1:, 0], sides[after, 1])
    return entry, leave


def _mismatch(names: tuple[str, ...]) -> np.ndarray:
    """Cost `(n, n)` of one chord in the place of another: none if equal, some within a triad."""
    exact, triads = np.array(names), np.array([_triad(name) for name in names])
    cost = np.where(exact[:, None] == exact[None, :], 0.0, _OTHER_SEVENTH)
    cost[triads[:, None] != triads[None, :]] = _NO_WAY
    return cost


def _triad(name: str) -> str:
    """Return the chord without its seventh or suspension: `Am7` → `Am`."""
    parsed = parse_chord(name)
    if parsed is None:
        return name
    root, quality = parsed
    return chord_name(root, {"m7": "m", "m": "m", "dim": "dim"}.get(quality, ""))


def _bridged(
    new: np.ndarray, joined: list[Run], clip_frames: int, region: tuple[int, int], handle: int
) -> np.ndarray:
    """Mirror the material into handles that would lie in the region or outside the clip."""
    first, last = joined[0].offset, joined[-1].offset
    head = _readable(region[0] - handle + first, region[0] + first, clip_frames, region)
    tail = _readable(region[1] + last, region[1] + handle + last, clip_frames, region)
    inner = new[handle : len(new) - handle]
    if not head:
        new[:handle] = np.resize(inner[: max(1, handle)][::-1], (handle, new.shape[1]))
    if not tail:
        new[len(new) - handle :] = np.resize(inner[::-1][: max(1, handle)], (handle, new.shape[1]))
    return new


def _readable(start: int, end: int, clip_frames: int, region: tuple[int, int]) -> bool:
    return start >= 0 and end <= clip_frames and (end <= region[0] or start >= region[1])


def _gain(samples: Samples, new: np.ndarray, beats: Beats, region: tuple[int, int]) -> float:
    """Gain that brings the material to the level of the bars on either side, within ±3 dB."""
    reach = round(_CONTEXT_BARS * beats.pulse.per_bar * beats.pulse.mean_s * beats.rate)
    around = np.concatenate(
        [samples[max(0, region[0] - reach) : region[0]], samples[region[1] : region[1] + reach]]
    )
    levels = [
        float(np.sqrt(np.square(x, dtype=np.float64).mean())) if x.size else 0.0
        for x in (around, new)
    ]
    if min(levels) < _AUDIBLE:
        return 1.0
    limit = 10 ** (_LARGEST_GAIN_DB / 20)
    return float(np.clip(levels[0] / levels[1], 1 / limit, limit))
