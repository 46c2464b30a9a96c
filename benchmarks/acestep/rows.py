"""Repaints: what is measured of them, one function a group of rows. One engine, one job at a time.

*cold*: a clip and a prompt that nobody has heard of, on a warm engine. *prepared*: the same once
the engine has prepared for it. *exact*: prepared, with the whole clip as context.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import replace

from benchmarks.acestep import clips, stock
from benchmarks.acestep.desk import (
    CLIP_S,
    COMPILING_S,
    END_S,
    LYRICS,
    MISSING,
    MODES,
    START_S,
    Desk,
    forget,
    steps_are_compiled,
)
from benchmarks.acestep.jobs import Times
from benchmarks.acestep.table import Row, milliseconds


def edits(desk: Desk, mode: str) -> dict[str, Times]:
    """Return the median times of the three ways, warmed up, in the mode in use."""
    found = {}
    for way in ("cold", "prepared", "exact"):
        if way == "exact" and mode == "compiled" and desk.left_s < COMPILING_S:
            continue  # another length is another run of the compiler
        context = {"context": 0.0} if way == "exact" else {}
        warm = desk.repaint(desk.clip(CLIP_S, 0), **context)
        if mode != "eager" or way == "cold":
            desk.bench.prepare(warm)
            desk.bench.run(warm)
        if mode == "compiled" and not steps_are_compiled(desk):
            raise RuntimeError("no compiler, or one that failed")
        times = []
        for number in range(desk.repeats if way != "exact" else 1):
            work = desk.repaint(desk.clip(CLIP_S, 1 + number), seed=5, **context)
            if way != "cold":
                desk.bench.prepare(work)
            else:
                forget(desk)
            times.append(desk.bench.run(work))
        found[way] = median(times)
    return found


def median(times: list[Times]) -> Times:
    """Return the job that took the middle time."""
    return sorted(times, key=lambda t: t.whole_s)[len(times) // 2]


def edit_rows(found: Mapping[str, Mapping[str, Times]], on_cuda: bool) -> list[Row]:
    """Return the rows of `found[mode][way]`."""
    goals = {
        ("prepared", "first"): "≤ 60 ms",
        ("prepared", "whole"): "≤ 90 ms",
        ("cold", "whole"): "≤ 150 ms",
    }
    rows = []
    for way in ("cold", "prepared", "exact"):
        for part, of in (("first", lambda t: t.first_s), ("whole", lambda t: t.whole_s)):
            told = [found[m].get(way) if m in found else None for m in MODES]
            figures = tuple(MISSING if t is None else milliseconds(of(t)) for t in told)
            goal = goals.get((way, part), "") if on_cuda else ""
            label = "until the first chunk" if part == "first" else "until the take is whole"
            rows.append(Row(f"{way}: {label}", figures, goal))
    told = [found[m]["cold"].file_s if m in found else None for m in MODES]
    figures = tuple(milliseconds(t) for t in told)
    return [*rows, Row("besides: reading the file", figures)]


def takes_row(desk: Desk) -> Row:
    """Four more takes after the first, against the first."""
    work = desk.repaint(desk.clip(CLIP_S, 1), takes=5, seed=77)
    if desk.device.type == "cuda":  # kernels for a batch are chosen at its first run
        desk.bench.run(replace(work, seed=177))
    desk.bench.prepare(work)
    desk.bench.session.kept.clear()
    times = desk.bench.run(work)
    first, all_of_them = times.takes_s[0], times.takes_s[-1]
    figure = f"{milliseconds(all_of_them - first)} ({(all_of_them - first) / first:.2f} × one)"
    goal = "≤ 2.5 × one" if desk.device.type == "cuda" else ""
    return Row("4 more takes of a prepared job", (figure,), goal)


def next_seed_row(desk: Desk) -> Row:
    """The take with the next seed, made ahead."""
    session = desk.bench.session
    held, session.speed = session.speed, replace(session.speed, speculate=True)
    work = desk.repaint(desk.clip(CLIP_S, 1), seed=300)
    desk.bench.run(work)
    desk.bench.idle()
    took = desk.bench.run(replace(work, seed=301))
    session.speed = held
    session.speculation.clear()
    return Row("the next seed, made ahead", (milliseconds(took.whole_s),))


def long_clip_row(desk: Desk) -> Row:
    """A prepared job in a ten-minute clip against one in a one-minute clip."""
    works = []
    for seconds in (60.0, 600.0):
        source = desk.clip(seconds, 9)
        works.append(desk.repaint(source, start=seconds / 2, end=seconds / 2 + 8))
        desk.bench.prepare(works[-1])
    # In turns, so that a load that comes and goes meets both.
    runs = [
        [desk.bench.run(replace(work, seed=seed)).whole_s for work in works]
        for seed in range(desk.repeats + 3)
    ]
    found = [statistics.median(column) for column in zip(*runs, strict=True)]
    ratio = found[1] / found[0]
    figure = f"{milliseconds(found[1])} / {milliseconds(found[0])} = {ratio:.2f}"
    return Row("prepared, a 10 min clip / a 1 min clip", (figure,), "≤ 1.1")


def stock_seconds(desk: Desk) -> float:
    """The stock call on the same job, the clip given as samples; after a short call to warm up."""
    parts, common = desk.models.parts["turbo"], desk.models.common
    pipe = stock.pipeline(parts, common, desk.models.placement.transformer_dtype)
    told = {"lyrics": LYRICS, "task_type": "repaint", "num_inference_steps": 8, "shift": 3.0}
    told |= {"guidance_scale": 1.0, "audio_duration": None}
    short = clips.music(12.0, 50)
    region = {"repainting_start": 2.0, "repainting_end": 10.0}
    stock.seconds(pipe, desk.device, desk.clock, short, prompt=desk.prompt(), **region, **told)
    clip = clips.music(CLIP_S, 51)
    region = {"repainting_start": START_S, "repainting_end": END_S}
    runs = 1 if desk.device.type == "cpu" else 1 + desk.repeats
    took = [
        stock.seconds(pipe, desk.device, desk.clock, clip, prompt=desk.prompt(), **region, **told)
        for _ in range(runs)
    ]
    return statistics.median(took[-desk.repeats :])


def stock_rows(
    stock_s: float, found: Mapping[str, Mapping[str, Times]], on_cuda: bool
) -> list[Row]:
    """The stock call, and how many times as fast each way is."""
    goals = {"cold": "≥ 5 ×", "prepared": "≥ 8 ×", "exact": "≥ 2 ×"} if on_cuda else {}
    goals = goals or {"cold": "≥ 6 ×"}
    rows = [Row("the stock call, clip in memory", (milliseconds(stock_s),))]
    for way in ("cold", "prepared", "exact"):
        told = [found[m].get(way) if m in found else None for m in MODES]
        figures = tuple(MISSING if t is None else f"{stock_s / t.whole_s:.1f} ×" for t in told)
        rows.append(Row(f"stock / {way}", figures, goals.get(way, "")))
    return rows
