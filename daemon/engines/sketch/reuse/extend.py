"""Continuing a clip, or leading into it, with its own bars."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from daemon.audio.clips import Samples
from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.types import Listening
from daemon.engines.sketch.plan.types import PlanChord
from daemon.engines.sketch.reuse.beats import Beats, cut_beats, distances
from daemon.engines.sketch.reuse.even import evened
from daemon.engines.sketch.reuse.loop import predicted_distance
from daemon.engines.sketch.reuse.route import Route, cheapest, jump_costs
from daemon.engines.sketch.reuse.weave import FADE_S, LEAD_S, Run, crossfade, mirrored, runs, weave

_FOLLOW = 0.8  # weight of the loop's prediction against the smoothness of jumps
_CHANCE = 0.7  # spread of the seed's preferences among bars
_ROUGH = 1.0  # of a jump with nothing to fade over: more than a seed's whim, less than a wrong bar
_NEAR_S = 0.5
_SNAP_S = 0.03  # a clip that ends this close to a beat ends on it


@dataclass(frozen=True, eq=False)
class Continuation:
    """Sound `(handle + frames + handle, 2)` and the chords of the bars that it is made of.

    Chords count quarter notes from the downbeat of the clip's grid.
    """

    samples: np.ndarray
    chords: tuple[PlanChord, ...]


def continue_from(
    samples: Samples,
    rate: int,
    heard: Listening,
    frames: int,
    handle: int,
    at_end: bool,
    seed: int,
    check: Check = unchecked,
) -> Continuation | None:
    """Make `frames` of music that continue the clip (`at_end`) or lead into it.

    `samples` is float32 `(n, 2)`, `heard` what was heard in it. At the join the handle is the
    clip's own end (or beginning), at the other end it is more of the new music. None when the clip
    has less than a bar of whole beats, or no way on. The same seed gives the same samples.
    """
    reach_s = (frames + 2 * handle) / rate
    beats = cut_beats(samples, rate, heard, reach_s, check)
    if beats.number <= beats.pulse.per_bar:
        return None
    counts = _counts_to_fill(beats, len(samples), frames + handle, at_end)
    path = _route(beats, counts, at_end, seed, check)
    if path is None:
        return None
    joined = runs(path.tolist(), beats.edges, beats.frame_of(counts), rate)
    near = max(handle, round(FADE_S * rate)) + 1  # all that the join needs of the clip
    if at_end:
        joined = [Run(0, 0), *joined]
        new = weave(samples, joined, len(samples), len(samples) + frames + handle, rate, check)
        new = _evened(samples, new, joined, len(samples), beats)
        new = _joined_after(samples[max(0, len(samples) - near) :], new, handle, rate)
    else:
        new = weave(samples, joined, -frames - handle, 0, rate, check)
        new = _evened(samples, new, joined, -frames - handle, beats)
        new = _joined_after(samples[:near][::-1], new[::-1], handle, rate)[::-1].copy()
    return Continuation(new, _chords(beats, counts, path))


def _chords(beats: Beats, counts: np.ndarray, path: np.ndarray) -> tuple[PlanChord, ...]:
    """Return the chord of every beat that was filled, neighbours of one name joined."""
    quarters, found = beats.pulse.quarters, list[PlanChord]()
    for count, beat in zip(counts.tolist(), path.tolist(), strict=True):
        start, end, name = count * quarters, (count + 1) * quarters, beats.chords[beat]
        if found and found[-1].name == name:
            start = found.pop().start_quarter
        found.append(PlanChord(start, end, name))
    return tuple(found)


def _counts_to_fill(beats: Beats, clip_frames: int, frames: int, at_end: bool) -> np.ndarray:
    """Pulse counts of the beats that the new material covers, in order."""
    snap = _SNAP_S / beats.pulse.mean_s
    if at_end:
        first = int(np.floor(beats.count_at(clip_frames) + snap))
        last = int(np.ceil(beats.count_at(clip_frames + frames)))
    else:
        first = int(np.floor(beats.count_at(-frames)))
        last = int(np.ceil(beats.count_at(0) - snap))
    return np.arange(first, max(last, first + 1))


def _route(
    beats: Beats, counts: np.ndarray, at_end: bool, seed: int, check: Check
) -> np.ndarray | None:
    check()
    distance = distances(beats.features)
    jump = jump_costs(distance, beats.places, beats.pulse.per_bar, beats.sides)
    check()
    cost = _FOLLOW * predicted_distance(beats, distance, counts) + _chance(beats, counts, seed)
    free = np.zeros(beats.number, np.float32)
    return cheapest(
        Route(
            places=beats.places,
            wanted_places=counts % beats.pulse.per_bar,
            jump=jump + _roughness(beats),
            cost=cost,
            entry=jump[-1] if at_end else free,
            leave=free if at_end else jump[:, 0],
        ),
        check,
    )


def _roughness(beats: Beats) -> np.ndarray:
    """Cost `(n, n)` of jumps that the clip has nothing to fade over for.

    That is the audio just before its first beat, and at the end of a last beat that was cut short.
    """
    whole = beats.frame_of(beats.first_count + np.arange(beats.number + 1))
    early = beats.edges[:-1] < round((LEAD_S + FADE_S) * beats.rate)
    short = whole[1:] - beats.edges[1:] > round((LEAD_S - FADE_S) * beats.rate)
    return _ROUGH * (early[None, :] + short[:, None].astype(float))


def _chance(beats: Beats, counts: np.ndarray, seed: int) -> np.ndarray:
    """Preferences `(k, n)` of this seed for bars of the clip in each bar to fill."""
    random = np.random.Generator(np.random.PCG64(seed))
    to_fill = counts // beats.pulse.per_bar - counts[0] // beats.pulse.per_bar
    table = random.random((int(to_fill[-1]) + 1, int(beats.bars[-1]) + 1))
    return _CHANCE * table[to_fill[:, None], beats.bars[None, :]]


def _evened(
    samples: Samples, new: np.ndarray, joined: list[Run], start: int, beats: Beats
) -> np.ndarray:
    """Take the steps in loudness out of `new`, which begins at frame `start`.

    What leads into the clip is seen from the clip backwards: there the clip is what stays.
    """
    rate = beats.rate
    lead, near = round(LEAD_S * rate), round(_NEAR_S * rate)
    bar = round(beats.pulse.per_bar * beats.pulse.mean_s * rate)
    cuts = [
        run.start - lead - start
        for last, run in itertools.pairwise(joined)
        if abs(run.offset - last.offset) > near and 0 < run.start - lead - start < len(new)
    ]
    if start >= 0:
        return evened(new, samples[max(0, len(samples) - near) :], [0, *cuts], bar, rate)
    turned = [0, *(len(new) - cut for cut in reversed(cuts))]
    return evened(new[::-1], samples[:near][::-1], turned, bar, rate)[::-1]


def _joined_after(clip: np.ndarray, new: np.ndarray, handle: int, rate: int) -> np.ndarray:
    """Put the clip's last `handle` frames before `new`, and round off the join behind it."""
    tail = clip[max(0, len(clip) - handle) :]
    fade = min(len(new), round(FADE_S * rate) // 2)
    out = np.concatenate([np.zeros((handle - len(tail), 2), np.float32), tail, new])
    out[handle : handle + fade] = crossfade(mirrored(clip, fade), new[:fade])
    return out
