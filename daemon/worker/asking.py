"""What an engine is asked for: the window it hears, the grid of it, and the request of a take.

Frames are the source's unless a name says `engine`.

Threads: the worker's main thread.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bridge.protocol.kinds import SEED_MAX
from daemon.audio import resample
from daemon.audio.clips import Samples
from daemon.audio.grid import Grid
from daemon.audio.types import SourceInfo
from daemon.core.planner import Layout, Told, Windowing, Work, layout
from daemon.engines.base import Capabilities, Engine, Port, Request
from daemon.worker.clip import Clip, OriginClip
from daemon.worker.sureness import Sureness, of_heard

PLANS = ("plan", "of")
"""The keys that bring a plan."""

_LISTEN_S = 120.0  # how much of a clip is listened to where only its grid is wanted


def context_s(work: Work, facts: Capabilities) -> float:
    """Return how much of the clip the engine hears on each side of a region, in seconds."""
    return float(work.options.get("context", facts.context_s)) or 1e9


def place_of(work: Work, grid: Grid, facts: Capabilities) -> Layout:
    """Return where everything lies, the window cut as the engine wants it."""
    return layout(work, grid, context_s(work, facts), cut_for(work.op, facts))


def cut_for(op: str, facts: Capabilities) -> Windowing:
    """Return how the engine wants the window of an op cut."""
    least_s = facts.window_least_s if op in facts.hears_beside else 0.0
    return Windowing(facts.window_step_s, facts.window_lengths_s, facts.window_border_s, least_s)


def origin_cut(work: Work, facts: Capabilities) -> Windowing:
    """Return how the window was cut of what the result that is varied was made to."""
    return cut_for(work.origin.op if work.origin else work.op, facts)


def window_to_hear(work: Work, facts: Capabilities) -> tuple[int, int]:
    """Return the window that settles the grid; the layout's own, where that is known."""
    if work.beats is not None:
        start, end = work.clip
        return start, min(end, start + round(_LISTEN_S * work.rate))
    # A window never depends on the tempo, so any grid will do to ask for it.
    return place_of(work, Grid.steady(120.0), facts).window


def as_taken(engine: Engine, op: str, clip: Clip) -> Samples:
    """Return what the engine hears, as it takes it for `op`: in blocks or as an array."""
    in_blocks = op in engine.capabilities().in_blocks
    return clip.heard if in_blocks else np.asarray(clip.heard)


def grid_of(engine: Engine, work: Work, clip: Clip, port: Port) -> tuple[Grid, Sureness]:
    """Return the grid in seconds of the source, and how sure it is."""
    told: Told = work.told
    grid = told.grid(has_source=work.source is not None)
    if grid:
        return grid, Sureness()
    port.progress(0.02, "listening")
    metre = told.metre if told.meter else None
    samples = as_taken(engine, work.op, clip)
    options = {k: v for k, v in work.options.items() if k not in PLANS}
    heard = engine.listen(samples, clip.engine_rate, told.bpm, metre, options, port)
    grid = heard.grid.shifted(-clip.engine_start / clip.engine_rate)
    if told.downbeat is not None:
        grid = replace(grid, downbeat=told.downbeat)
    return grid, of_heard(heard, told)


def request_for(
    engine: Engine,
    work: Work,
    clip: Clip,
    place: Layout | None,
    grid: Grid,
    sure: Sureness,
    take: int,
    origin: OriginClip | None = None,
) -> Request:
    """Return the request of one take; without a `place` nothing is to be made."""
    spans = place.spans if place else ()
    # The engine makes the clip from end to end; of that `parts` are used.
    spans = (place.window,) if place and work.parts else spans
    seeds = [(work.seed + n) % (SEED_MAX + 1) for n in range(work.takes)]
    return Request(
        op=work.op,
        clip=as_taken(engine, work.op, clip),
        rate=clip.engine_rate,
        spans=tuple(clip.engine_span(start, end) for start, end in spans),
        handle=resample.handle_frames(clip.engine_rate) if place else 0,
        grid=grid.shifted(clip.engine_start / clip.engine_rate),
        key=work.told.key,
        seed=seeds[take - 1],
        options=dict(work.options),
        **(origin.fields() if origin else {}),
        source_mark=_mark(work.source),
        source_start=clip.engine_start,
        cut=_cut(work, clip),
        later_seeds=tuple(seeds[take:]),
        take=take,
        job=work.job,
        **sure.fields(),
    )


def _cut(work: Work, clip: Clip) -> tuple[int, int]:
    """Return by how many engine frames the clip goes on before and after what is heard of it."""
    beyond = clip.start - work.clip[0], work.clip[1] - clip.start - len(clip.source)
    before, after = (max(0, round(n * clip.engine_rate / clip.rate)) for n in beyond)
    return before, after


def _mark(source: SourceInfo | None) -> str:
    return f"{source.path} {source.mtime_ns} {source.size}" if source else ""
