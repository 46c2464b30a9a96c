"""What can be heard of a job, as plain data for the player.

A programme is laid out in frames of the result; see `daemon/player/shelf.py` for its form. Around a
region one bar is heard on each side, from bar line to bar line, so that its seams sound in place
and a launch on the bar keeps the bars of the DAW.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.protocol.errors import error
from daemon.audio.grid import Grid
from daemon.audio.types import SourceInfo
from daemon.core.admission import work_of
from daemon.core.jobs import Job, ResultFile
from daemon.core.planner import Work, settle

SOURCE_TAKE = 0
MIX = "mix"
_CONTEXT_S = 2.0  # around a region whose bars nobody knows
_MOST_BAR_S = 8.0
Item = dict[str, Any]
Layer = list[dict[str, Any]]


def of_take(job: Job, files: Sequence[ResultFile], take: int, role: str) -> Item:
    """Return a finished take, or its source (take 0). Raises 101, 108."""
    if take == SOURCE_TAKE:
        return _of_source(job, files)
    mine = {f.role: f for f in files if f.take == take and f.rate}
    if not mine:
        raise error(108, f"job {job.id} has no take {take} to play: name one that is finished")
    stems = {r.removeprefix("stem:"): f for r, f in mine.items() if r.startswith("stem:")}
    if role == MIX and MIX not in mine:
        heard, first = list(stems.values()), next(iter(mine.values()))
    else:
        first = _named(job, mine, role)
        role, heard = first.role, [first]
    # What was added on both sides of a clip is heard one after the other.
    sides = [f for f in files if f.take == take and f.role == role] if role == "region" else [first]
    frames = sum(map(_frames, sides))
    layers = [_in_a_row(sides)] if len(sides) > 1 else [_whole(f) for f in heard]
    pairs = {MIX: layers} | {n: [_whole(f)] for n, f in stems.items()}
    whole = role in mine and role not in (MIX,) and not role.startswith("stem:")
    place = (0, frames, 0, frames) if whole else _place(job, job.result, first.rate, frames)
    origin_s = _region_s(job) if whole else _origin_s(job)
    return _item(job.id, take, role, first.rate, frames, place, origin_s, pairs)


def _named(job: Job, mine: Mapping[str, ResultFile], role: str) -> ResultFile:
    for name in (role, f"stem:{role}"):
        if name in mine:
            return mine[name]
    names = ", ".join(mine)
    raise error(101, f"job {job.id} has no {role[:80]} to play: choose one of {names}")


def _of_source(job: Job, files: Sequence[ResultFile]) -> Item:
    stretched = next((f for f in files if f.role == "stretched"), None)
    if stretched:
        frames = _frames(stretched)
        place = _place(job, job.result, stretched.rate, frames)
        pairs = {MIX: [_whole(stretched)]}
        return _item(job.id, 0, MIX, stretched.rate, frames, place, _origin_s(job), pairs)
    if not job.facts["source"]:
        raise error(101, f"job {job.id} has no source: play take 1")
    source = SourceInfo(**job.facts["source"])
    clip = (0, source.frames) if _spliced(job) else clip_of(job)
    frames = clip[1] - clip[0]
    segment = {"start": 0, "end": frames, "file": source.path, "offset": clip[0]}
    pairs = {MIX: [[segment]]}
    mix = next((f for f in files if f.role == MIX), None)
    place = (0, frames, 0, frames)
    if mix and _spliced(job) and job.result:
        place = _beside(job, source, mix)
        frames = place[1]
    return _item(job.id, 0, MIX, source.rate, frames, place, clip[0] / source.rate, pairs)


def _beside(job: Job, source: SourceInfo, mix: ResultFile) -> tuple[int, int, int, int]:
    """Return start, length and loop of the source, in time with a mix that is compared with it.

    Where the mix goes beyond the source there is silence, so that a swap finds its place again.
    """
    rate = source.rate
    shift = round(_origin_s(job) * rate)
    start, whole, first, end = _place(job, job.result, rate, round(mix.seconds * rate))
    return max(0, start + shift), max(source.frames, whole + shift), first + shift, end + shift


def of_running(job: Job, settled: Mapping[str, Any], stems: bool) -> Item:
    """Return the first take of a job that is still at work, from what it has settled."""
    work = work_of(job)
    rate, frames = work.rate, settled["mix_frames"]
    layers: list[Layer] = [[{"start": 0, "end": frames, "live": [job.id, "stems"]}]]
    if not stems:
        layers = [_regions(job, work.source, settled)]
    elif work.over_clip:
        source, clip = work.over_clip
        layers.append(_kept(source, settled["clip"] if job.op == "layer" else clip, 0))
    place = _place(job, settled["result"], rate, frames)
    origin_s = (settled["clip"][0] - settled["source_frame"]) / rate if work.source else 0.0
    if _in_place(job):
        origin_s = 0.0
    return _item(job.id, 1, MIX, rate, frames, place, origin_s, {MIX: layers})


def _regions(job: Job, source: SourceInfo | None, settled: Mapping[str, Any]) -> Layer:
    """Return the kept audio with the new material in its place."""
    frames, clip = settled["mix_frames"], settled["clip"]
    shift = 0 if _in_place(job) else settled["source_frame"] - clip[0]
    new = [(a + shift, b + shift) for a, b in settled["spans"]]
    layer: Layer = [
        {"start": a, "end": b, "live": [job.id, f"region {i}"]} for i, (a, b) in enumerate(new)
    ]
    if source is None or not _spliced(job):
        return [{**s, "start": 0, "end": frames} for s in layer]
    here = 0
    for a, b in [*sorted(new), (frames, frames)]:
        if a > here:
            kept = {"start": here, "end": a, "file": source.path, "offset": here - shift}
            layer.append(kept)
        here = b
    return layer


def _in_place(job: Job) -> bool:
    return "parts" in job.facts or job.op in ("repaint", "edit")


def _spliced(job: Job) -> bool:
    return job.op == "extend" or _in_place(job)


def _kept(source: SourceInfo, clip: Sequence[int], at: int) -> Layer:
    end = at + clip[1] - clip[0]
    return [{"start": at, "end": end, "file": source.path, "offset": clip[0]}]


def _item(
    job_id: str,
    take: int,
    role: str,
    rate: int,
    frames: int,
    place: tuple[int, int, int, int],
    origin_s: float,
    pairs: Mapping[str, list[Layer]],
) -> Item:
    start, _, first, end = place
    return {
        "id": job_id,
        "take": take,
        "role": role,
        "rate": rate,
        "frames": frames,
        "start": start,
        "loop": [first, end],
        "origin_s": origin_s,
        "pairs": dict(pairs),
    }


def _whole(file: ResultFile) -> Layer:
    return [{"start": 0, "end": _frames(file), "file": file.path}]


def _in_a_row(files: Sequence[ResultFile]) -> Layer:
    ends = list(itertools.accumulate(map(_frames, files), initial=0))
    places = zip(files, itertools.pairwise(ends), strict=True)
    return [{"start": start, "end": end, "file": file.path} for file, (start, end) in places]


def _frames(file: ResultFile) -> int:
    return round(file.seconds * file.rate)


# -- where things lie ----------------------------------------------------------------------------


def _place(
    job: Job, result: Mapping[str, Any], rate: int, frames: int
) -> tuple[int, int, int, int]:
    """Return where a result starts, its length, and its loop, in frames."""
    if not _spliced(job) or "region_start_frame" not in result:
        return 0, frames, 0, frames
    first, end = result["region_start_frame"], result["region_end_frame"]
    first_s, end_s = around(_grid(job, result), first / rate, end / rate)
    start, stop = max(0, round(first_s * rate)), min(frames, round(end_s * rate))
    return start, frames, start, stop


def around(grid: Grid | None, start_s: float, end_s: float) -> tuple[float, float]:
    """Return where context begins and ends: a bar before and after, from bar line to bar line."""
    if grid is None or grid.bars_length(start_s, 1) > _MOST_BAR_S:
        return start_s - _CONTEXT_S, end_s + _CONTEXT_S
    bar = grid.bars_length(start_s, 1, backwards=True)
    before = grid.bar_lines(start_s - 3 * bar, start_s + 1e-4)
    bar = grid.bars_length(end_s, 1)
    after = grid.bar_lines(end_s - 1e-4, end_s + 3 * bar)
    return before[-2], after[1]


def _grid(job: Job, result: Mapping[str, Any]) -> Grid | None:
    told = job.request.get("tempomap")
    if told and _in_place(job):
        rows = json.loads(told) if isinstance(told, str) else told
        return Grid.from_rows(rows, result.get("downbeat") or float(rows[0][0]))
    if not result.get("bpm") or result.get("downbeat") is None:
        return None
    beats, unit = (int(n) for n in str(result.get("meter") or "4/4").split("/"))
    return Grid.steady(result["bpm"], beats, unit, result["downbeat"])


def clip_of(job: Job) -> tuple[int, int]:
    """Return the frames of the source that are the clip."""
    return settled_of(job).clip


def settled_of(job: Job) -> Work:
    """Return a done job's work, with a region in beats as it was settled."""
    work = work_of(job)
    if work.beats is not None and job.result.get("bpm"):
        beats, unit = (int(n) for n in job.result["meter"].split("/"))
        grid = Grid.steady(job.result["bpm"], beats, unit, job.result["downbeat"])
        work = settle(work, grid)
    return work


def _origin_s(job: Job) -> float:
    """Return where in the source the result's first frame lies, in seconds."""
    if _in_place(job) or not job.facts["source"]:
        return 0.0
    rate = job.facts["source"]["rate"]
    return float(clip_of(job)[0] - job.result.get("source_frame", 0)) / rate


def _region_s(job: Job) -> float:
    rate = job.facts["source"]["rate"] if job.facts["source"] else job.facts["rate"]
    return _origin_s(job) + float(job.result.get("region_start_frame", 0)) / rate
