"""One job in the worker: read the clip, settle the grid, let the engine play, fit what it made.

Frames are the source's unless a name says `engine`. The engine hears the window of the layout at
its own rate, in stereo, and never above full scale; `fit` takes its material back.

Threads: the worker's main thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bridge.protocol.errors import error
from bridge.protocol.ops import DAEMON_KEYS, KEY
from daemon.audio.grid import Grid
from daemon.core.planner import Layout, Work, settle
from daemon.engines.base import Capabilities, Engine, Request, Result
from daemon.worker import tempo
from daemon.worker.asking import (
    PLANS,
    as_taken,
    grid_of,
    origin_cut,
    place_of,
    request_for,
    window_to_hear,
)
from daemon.worker.clip import Clip, Shelf, origin_of
from daemon.worker.fit import Fitter
from daemon.worker.port import JobPort
from daemon.worker.sureness import Sureness


def perform(
    engine: Engine, work: Work, first_take: int, port: JobPort, clips: Shelf | None = None
) -> None:
    """Run a job from `first_take` on. Raises PunchinError, Cancelled.

    `clips` are the windows that were read before.
    """
    clips = clips or Shelf()
    port.take_share = (0.0, 1.0)
    port.progress(0.0, "reading")
    facts = engine.capabilities()
    work = _with_length(engine, work, port)
    window = window_to_hear(work, facts)
    clip = clips.hear(engine, work, window, port.check)
    to, sure = _change(engine, work, clip, port)
    by_plan = None if to else _plan_grid(engine, work, clip, port)
    if to:
        grid = to.own
    elif by_plan:
        grid, sure = by_plan, Sureness()
    else:
        grid, sure = grid_of(engine, work, clip, port)
    work = settle(work, grid)
    place = place_of(work, grid, facts)
    if place.window != window:
        clip = clips.hear(engine, work, place.window, port.check)
    brought = None
    if to:
        brought = tempo.bring(engine, work, clip, to, _listener(engine, port), port)
        work, clip, grid = brought.work, brought.clip, brought.grid
        place = place_of(work, grid, facts)
    _tell_layout(work, place, grid, facts, port, brought, by_plan)
    if work.op == "analyze":
        return _analyze(engine, work, clip, grid, sure, port)
    origin = origin_of(engine, work, clip, origin_cut(work, facts), port.check)
    for take in range(first_take, work.takes + 1):
        share = 1 / work.takes
        port.take_share = ((take - 1) * share, share)
        if brought:
            brought.send(take, port)
        request = request_for(engine, work, clip, place, grid, sure, take, origin)
        _play_take(engine, work, clip, place, sure, request, port)
    return None


def _play_take(
    engine: Engine,
    work: Work,
    clip: Clip,
    place: Layout,
    sure: Sureness,
    request: Request,
    port: JobPort,
) -> None:
    take = request.take
    fitter = Fitter(work, clip, place, request, take, port)
    port.on_chunk = fitter.chunk
    result = engine.run(request, port)
    port.on_chunk = None
    notes = list(fitter.finish()) + _bandwidth_note(engine, clip)
    _send_documents(result, take, port)
    seed = request.seed if result.seed is None else result.seed
    fields = {"take": take, "seed": seed, "key": result.key, "unused": list(result.unused)}
    port.send("take", {**fields, "notes": [*result.notes, *sure.notes(work.op), *notes]})


def _analyze(
    engine: Engine, work: Work, clip: Clip, grid: Grid, sure: Sureness, port: JobPort
) -> None:
    request = request_for(engine, work, clip, None, grid, sure, 1)
    result = engine.run(request, port)
    analysis = _moved(dict(result.analysis or {}), clip.engine_start / clip.engine_rate)
    fields = {"take": 1, "seed": work.seed, "key": result.key}
    port.send(
        "take", {**fields, "notes": [*sure.notes(work.op), *result.notes], "analysis": analysis}
    )


# -- what the engine hears ---------------------------------------------------------------------


def _with_length(engine: Engine, work: Work, port: JobPort) -> Work:
    """Return the work with the length of its plan, where none is told. Raises 101."""
    if work.source is not None or work.seconds is not None or work.bars is not None:
        return work
    told, nothing = work.told, np.zeros((0, 2), np.float32)
    heard = engine.listen(nothing, work.rate, told.bpm, None, dict(work.options), port)
    if heard.length_s is None:
        raise error(101, f"{work.op} needs a length: send seconds or bars")
    return replace(work, seconds=heard.length_s)


def _plan_grid(engine: Engine, work: Work, clip: Clip, port: JobPort) -> Grid | None:
    """Return the grid of the plan that the op plays, in seconds of the source; None without one."""
    settles = engine.capabilities().plan_settles
    if work.op not in settles or work.stretch or not any(map(work.options.get, PLANS)):
        return None
    port.progress(0.02, "listening")
    samples, options = as_taken(engine, work.op, clip), dict(work.options)
    heard = engine.listen(samples, clip.engine_rate, None, None, options, port)
    return heard.grid.shifted(-clip.engine_start / clip.engine_rate) if heard.is_plan else None


def _change(
    engine: Engine, work: Work, clip: Clip, port: JobPort
) -> tuple[tempo.Change | None, Sureness]:
    """Return the change of tempo that is asked for, None where the clip has that tempo.

    With it comes how sure the clip's own grid is, which the new one is made from.
    """
    if not work.stretch:
        return None, Sureness()
    own, sure = grid_of(engine, tempo.untold(work), clip, port)
    return tempo.change(work, own, clip.source.channels), replace(sure, told=True)


def _listener(engine: Engine, port: JobPort) -> Callable[[Work, Clip], Grid]:
    return lambda work, clip: grid_of(engine, work, clip, port)[0]


# -- what is told ------------------------------------------------------------------------------


def _tell_layout(
    work: Work,
    place: Layout,
    grid: Grid,
    facts: Capabilities,
    port: JobPort,
    brought: tempo.Brought | None,
    by_plan: Grid | None,
) -> None:
    at = (place.spans[0][0] if place.spans else work.clip[0]) / work.rate
    beats, unit = grid.metre_at(at)
    shift = 0.0 if _mix_is_source(work) else (place.source_frame - work.clip[0]) / work.rate
    result: dict[str, Any] = {
        "source_frame": place.source_frame,
        "region_start_frame": place.regions[0][0],
        "region_end_frame": place.regions[-1][1],
        "seed": work.seed,
        "bpm": grid.tempo_at(at),
        "meter": f"{beats}/{unit}",
        "key": work.told.key,
        "downbeat": grid.downbeat + shift,
        "notes": list(brought.notes) if brought else [],
    }
    settled = facts.plan_settles.get(work.op, frozenset()) if by_plan else frozenset()
    # What stands in the request is of the source, as the client would have told it.
    downbeat = brought.change.own.downbeat if brought else grid.downbeat
    if brought:
        result["stretched"] = brought.change.facts()
    fields = {
        "result": result if work.op != "analyze" else {},
        "grid": {"bpm": result["bpm"], "meter": result["meter"], "downbeat": downbeat},
        "used": sorted(_used(work.op, facts) - settled),
        "mix_frames": place.mix_frames,
        "source_frame": place.source_frame,
        "spans": [list(s) for s in place.spans],
        "clip": list(work.clip),
    }
    port.send("settled", fields)


def _used(op: str, facts: Capabilities) -> set[str]:
    """Return the keys that this op makes use of, with this engine."""
    known = DAEMON_KEYS | (facts.keys & KEY.keys())
    # Which job `of` means and how much context is heard is settled before the engine is asked.
    used = {key for key in known | {"context"} if op in KEY[key].ops}
    return used | ({"of"} if op != "generate" else set())


def _mix_is_source(work: Work) -> bool:
    return work.in_place


def _send_documents(result: Result, take: int, port: JobPort) -> None:
    for role, document in result.documents.items():
        data = document.encode() if isinstance(document, str) else document
        port.send("document", {"role": role, "take": take}, data)


def _bandwidth_note(engine: Engine, clip: Clip) -> list[str]:
    limit = engine.capabilities().bandwidth_hz or clip.engine_rate / 2
    if clip.rate / 2 <= limit + 1:
        return []
    return [f"the new material has nothing above {limit / 1000:g} kHz"]


def _moved(analysis: dict[str, Any], offset_s: float) -> dict[str, Any]:
    """Times of an analysis from the clip's first sample to the source's."""
    json.dumps(analysis, allow_nan=False)
    if not offset_s:
        return analysis
    analysis["downbeats"] = [t + offset_s for t in analysis.get("downbeats", [])]
    for rows in ("chords", "notes"):
        analysis[rows] = [
            {**row, "start": row["start"] + offset_s, "end": row["end"] + offset_s}
            for row in analysis.get(rows, [])
        ]
    return analysis
