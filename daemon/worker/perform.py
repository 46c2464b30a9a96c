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
from bridge.protocol.kinds import SEED_MAX
from bridge.protocol.ops import DAEMON_KEYS, KEY
from daemon.audio import resample
from daemon.audio.clips import Samples
from daemon.audio.grid import Grid
from daemon.core.planner import Layout, Told, Work, layout, settle
from daemon.engines.base import Capabilities, Engine, Request, Result
from daemon.worker import tempo
from daemon.worker.clip import Clip, hear
from daemon.worker.fit import Fitter
from daemon.worker.port import JobPort

_LISTEN_S = 120.0  # how much of a clip is listened to where only its grid is wanted


def perform(engine: Engine, work: Work, first_take: int, port: JobPort) -> None:
    """Run a job from `first_take` on. Raises PunchinError, Cancelled."""
    port.take_share = (0.0, 1.0)
    port.progress(0.0, "reading")
    facts = engine.capabilities()
    work = _with_length(engine, work, port)
    window = _window_to_hear(work, facts)
    clip = hear(engine, work, window, port.check)
    to = _change(engine, work, clip, port)
    grid, told = (to.own, True) if to else _grid(engine, work, clip, port)
    work = settle(work, grid)
    place = layout(work, grid, _context_s(work, facts))
    if place.window != window:
        clip = hear(engine, work, place.window, port.check)
    brought = None
    if to:
        brought = tempo.bring(engine, work, clip, to, _listener(engine, port), port)
        work, clip, grid = brought.work, brought.clip, brought.grid
        place = layout(work, grid, _context_s(work, facts))
    _tell_layout(work, place, grid, facts, port, brought)
    if work.op == "analyze":
        return _analyze(engine, work, clip, grid, told, port)
    for take in range(first_take, work.takes + 1):
        share = 1 / work.takes
        port.take_share = ((take - 1) * share, share)
        if brought:
            brought.send(take, port)
        _play_take(engine, work, clip, place, grid, told, take, port)
    return None


def _play_take(
    engine: Engine,
    work: Work,
    clip: Clip,
    place: Layout,
    grid: Grid,
    told: bool,
    take: int,
    port: JobPort,
) -> None:
    seed = (work.seed + take - 1) % (SEED_MAX + 1)
    spans = tuple(clip.engine_span(start, end) for start, end in place.spans)
    request = Request(
        op=work.op,
        clip=_as_taken(engine, work.op, clip),
        rate=clip.engine_rate,
        spans=spans,
        handle=resample.handle_frames(clip.engine_rate),
        grid=grid.shifted(clip.engine_start / clip.engine_rate),
        grid_told=told,
        key=work.told.key,
        seed=seed,
        options=dict(work.options),
    )
    fitter = Fitter(work, clip, place, request, take, port)
    port.on_chunk = fitter.chunk
    result = engine.run(request, port)
    port.on_chunk = None
    notes = list(fitter.finish()) + _bandwidth_note(engine, clip)
    _send_documents(result, take, port)
    fields = {"take": take, "seed": seed, "key": result.key}
    port.send("take", {**fields, "notes": [*result.notes, *notes]})


def _analyze(engine: Engine, work: Work, clip: Clip, grid: Grid, told: bool, port: JobPort) -> None:
    request = Request(
        op="analyze",
        clip=_as_taken(engine, work.op, clip),
        rate=clip.engine_rate,
        spans=(),
        handle=0,
        grid=grid.shifted(clip.engine_start / clip.engine_rate),
        grid_told=told,
        key=work.told.key,
        seed=work.seed,
        options=dict(work.options),
    )
    result = engine.run(request, port)
    analysis = _moved(dict(result.analysis or {}), clip.engine_start / clip.engine_rate)
    fields = {"take": 1, "seed": work.seed, "key": result.key}
    port.send("take", {**fields, "notes": list(result.notes), "analysis": analysis})


# -- what the engine hears ---------------------------------------------------------------------


def _context_s(work: Work, facts: Capabilities) -> float:
    return float(work.options.get("context", facts.context_s)) or 1e9


def _as_taken(engine: Engine, op: str, clip: Clip) -> Samples:
    """Return what the engine hears, as it takes it for `op`: in blocks or as an array."""
    in_blocks = op in engine.capabilities().in_blocks
    return clip.heard if in_blocks else np.asarray(clip.heard)


def _window_to_hear(work: Work, facts: Capabilities) -> tuple[int, int]:
    """The window that has to be heard to settle the grid; the layout's own, where that is known."""
    if work.beats is not None:
        start, end = work.clip
        return start, min(end, start + round(_LISTEN_S * work.rate))
    # A window never depends on the tempo, so any grid will do to ask for it.
    return layout(work, Grid.steady(120.0), _context_s(work, facts)).window


def _with_length(engine: Engine, work: Work, port: JobPort) -> Work:
    """Return the work with the length of its plan, where none is told. Raises 101."""
    if work.source is not None or work.seconds is not None or work.bars is not None:
        return work
    told, nothing = work.told, np.zeros((0, 2), np.float32)
    heard = engine.listen(nothing, work.rate, told.bpm, None, dict(work.options), port)
    if heard.length_s is None:
        raise error(101, f"{work.op} needs a length: send seconds or bars")
    return replace(work, seconds=heard.length_s)


def _grid(engine: Engine, work: Work, clip: Clip, port: JobPort) -> tuple[Grid, bool]:
    """Return the grid in seconds of the source, and whether the tempo was told."""
    told: Told = work.told
    grid = told.grid(has_source=work.source is not None)
    if grid:
        return grid, True
    port.progress(0.02, "listening")
    metre = told.metre if told.meter else None
    samples = _as_taken(engine, work.op, clip)
    heard = engine.listen(samples, clip.engine_rate, told.bpm, metre, dict(work.options), port)
    grid = heard.grid.shifted(-clip.engine_start / clip.engine_rate)
    if told.downbeat is not None:
        grid = replace(grid, downbeat=told.downbeat)
    return grid, told.tempo


def _change(engine: Engine, work: Work, clip: Clip, port: JobPort) -> tempo.Change | None:
    """Return the change of tempo that is asked for, None where the clip has that tempo."""
    if not work.stretch:
        return None
    own, _ = _grid(engine, tempo.untold(work), clip, port)
    return tempo.change(work, own, clip.source.channels)


def _listener(engine: Engine, port: JobPort) -> Callable[[Work, Clip], Grid]:
    return lambda work, clip: _grid(engine, work, clip, port)[0]


# -- what is told ------------------------------------------------------------------------------


def _tell_layout(
    work: Work,
    place: Layout,
    grid: Grid,
    facts: Capabilities,
    port: JobPort,
    brought: tempo.Brought | None,
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
    # What stands in the request is of the source, as the client would have told it.
    downbeat = brought.change.own.downbeat if brought else grid.downbeat
    if brought:
        result["stretched"] = brought.change.facts()
    fields = {
        "result": result if work.op != "analyze" else {},
        "grid": {"bpm": result["bpm"], "meter": result["meter"], "downbeat": downbeat},
        "used": _used(work.op, facts),
        "mix_frames": place.mix_frames,
        "source_frame": place.source_frame,
        "spans": [list(s) for s in place.spans],
        "clip": list(work.clip),
    }
    port.send("settled", fields)


def _used(op: str, facts: Capabilities) -> list[str]:
    """Return the keys that this op makes use of, with this engine."""
    known = DAEMON_KEYS | (facts.keys & KEY.keys())
    # Which job `of` means and how much context is heard is settled before the engine is asked.
    used = {key for key in known | {"context"} if op in KEY[key].ops}
    return sorted(used | ({"of"} if op != "generate" else set()))


def _mix_is_source(work: Work) -> bool:
    return work.op in ("repaint", "edit")


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
