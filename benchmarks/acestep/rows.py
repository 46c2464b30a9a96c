"""What is measured, one function a group of rows. All on one engine, one job at a time.

*cold*: a clip and a prompt that nobody has heard of, on a warm engine. *prepared*: the same once
the engine has prepared for it. *exact*: prepared, with the whole clip as context.
"""

from __future__ import annotations

import copy
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.acestep import clips, stock
from benchmarks.acestep.jobs import Bench, Times
from benchmarks.acestep.setup import Models
from benchmarks.acestep.table import Row, milliseconds
from daemon.core.planner import Work
from daemon.engines.acestep.graphs import steps_for
from daemon.engines.acestep.latents.decode import decode
from daemon.engines.acestep.latents.lean import lean
from daemon.engines.acestep.speed import Speed

PROMPT = "warm pop song with piano, bass and brushed drums, a female voice, take {}"
LYRICS = "[verse]\n" + "soft notes are falling in the morning light\n" * 6
START_S, END_S, CLIP_S = 100.0, 108.0, 180.0
MODES = {"eager": Speed(), "graph": Speed(graphs=True), "compiled": Speed(compiled=True)}
ON_CUDA = {"compiled": Speed(graphs=True, compiled=True)}
MISSING = "not measured"


@dataclass
class Desk:
    """What rows are measured with: the engine, the models, a folder for clips, repeats."""

    bench: Bench
    models: Models
    folder: Path
    device: torch.device
    repeats: int
    deadline_s: float
    notes: list[str] = field(default_factory=list)
    _clips: dict[tuple[float, int], str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def clock(self) -> Callable[[], float]:
        """Processor time on the CPU, which other programs hardly change; else the time."""
        return time.process_time if self.device.type == "cpu" else time.perf_counter

    @property
    def left_s(self) -> float:
        """Seconds until the benchmark has to end."""
        return self.deadline_s - time.monotonic()

    def clip(self, seconds: float, seed: int) -> str:
        """Return a clip's path, written once."""
        key = (seconds, seed)
        if key not in self._clips:
            path = self.folder / f"{seconds:g}-{seed}.wav"
            self._clips[key] = clips.write(path, seconds, seed)
        return self._clips[key]

    def prompt(self) -> str:
        """Return a prompt that nobody has read."""
        return PROMPT.format(next(self._numbers))

    def repaint(self, source: str, **keys: Any) -> Work:
        """Return the job that most rows are about: 8 s new, 8 turbo steps."""
        told = {"start": START_S, "end": END_S, "lyrics": LYRICS, "prompt": self.prompt()}
        return self.bench.work("repaint", source, **{**told, **keys})


def use(desk: Desk, mode: str) -> bool:
    """Have the engine work in a mode; False where the device does not have it."""
    on_cuda = desk.device.type == "cuda"
    if mode == "graph" and not on_cuda:
        return False
    speed = ON_CUDA.get(mode, MODES[mode]) if on_cuda else MODES[mode]
    session = desk.bench.session
    session.speed, session.steps = speed, steps_for(speed, desk.device)
    return True


def edits(desk: Desk, mode: str) -> dict[str, Times]:
    """Return the median times of the three ways, warmed up, in the mode in use."""
    found = {}
    for way in ("cold", "prepared", "exact"):
        context = {"context": 0.0} if way == "exact" else {}
        warm = desk.repaint(desk.clip(CLIP_S, 0), **context)
        if mode != "eager" or way == "cold":
            desk.bench.prepare(warm)
            desk.bench.run(warm)
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


def forget(desk: Desk) -> None:
    """Have the engine forget every clip and every prompt."""
    session = desk.bench.session
    for cache in ("texts", "conditions", "cross", "latents"):
        getattr(session.caches, cache).clear()
    session.kept.clear()


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


def bgm_rows(desk: Desk) -> list[Row]:
    """Accompaniments by the base checkpoint, 50 steps, guidance 7, for 30 s of clip."""
    on_cuda = desk.device.type == "cuda"
    steps = 50 if on_cuda else 2
    source = desk.clip(30.0, 4)
    rows, one_s = [], 0.0
    for takes, goal in ((1, "≤ 1.0 s"), (3, "≤ 2.5 s")):
        work = desk.bench.work(
            "bgm",
            source,
            prompt=desk.prompt(),
            steps=steps,
            guidance=7.0,
            takes=takes,
            ways=("complete",),
        )
        if takes == 1:
            desk.bench.run(work)
        took = desk.bench.run(replace(work, seed=work.seed + 100))
        one_s = one_s or took.whole_s
        rows.append(
            Row(
                f"bgm by base, {steps} steps, guidance 7, 30 s: {takes} candidate(s)",
                (milliseconds(took.whole_s),),
                goal if on_cuda else "",
            )
        )
    parts, common = desk.models.parts["base"], desk.models.common
    pipe = stock.pipeline(parts, common, desk.models.placement.transformer_dtype)
    told = {"task_type": "complete", "num_inference_steps": steps, "shift": 1.0}
    told |= {"guidance_scale": 7.0, "lyrics": "", "complete_track_classes": ["drums", "bass"]}
    clip = clips.music(30.0, 4)
    stock.seconds(pipe, desk.device, desk.clock, clip, prompt=desk.prompt(), **told)
    took_s = stock.seconds(pipe, desk.device, desk.clock, clip, prompt=desk.prompt(), **told)
    rows.append(Row("the stock call for it", (milliseconds(took_s),)))
    rows.append(Row("stock / one candidate", (f"{took_s / one_s:.2f} ×",), "≥ 1.3 ×"))
    return rows


def vae_rows(desk: Desk) -> list[Row]:
    """What a VAE in less than float32 adds, below the same music decoded in float32."""
    vae = desk.bench.session.shared.vae
    own = torch.Generator().manual_seed(3)
    channels = int(vae.config.decoder_input_channels)
    latents = torch.randn(120, channels, generator=own)
    with _exact_float32():
        exact = decode(vae, latents, 10, 110)
    rows = []
    if desk.device.type == "cuda":
        rows.append(_noise_row("TF32 (as it runs)", decode(vae, latents, 10, 110), exact, True))
    for dtype in (torch.float16, torch.bfloat16):
        small = lean(copy.deepcopy(desk.models.common.vae), dtype)
        name = str(dtype).removeprefix("torch.")
        rows.append(_noise_row(name, decode(small, latents, 10, 110), exact, False))
    return rows


def _noise_row(name: str, samples: np.ndarray, exact: np.ndarray, gated: bool) -> Row:
    level = 20 * np.log10(np.sqrt(np.mean((samples - exact) ** 2) / np.mean(exact**2)) + 1e-12)
    return Row(f"the VAE's noise, {name}", (f"{level:.1f} dB",), "≤ -60 dB" if gated else "")


@contextmanager
def _exact_float32() -> Iterator[None]:
    """Have convolutions and products on CUDA in full float32."""
    held = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = held


def memory_row(desk: Desk, run: Callable[[], object]) -> Row:
    """Most memory of the device that a job takes besides the weights."""
    if desk.device.type != "cuda":
        return Row("most memory besides the weights", (MISSING,), "≤ 1.5 GiB")
    session = desk.bench.session
    session.caches.clear()
    session.kept.clear()
    torch.cuda.empty_cache()
    modules = [session.shared.vae, session.shared.text_encoder]
    for found in session.found:
        modules += session.open(found).modules
    weights = sum(t.nbytes for module in modules for t in (*module.parameters(), *module.buffers()))
    other = torch.cuda.memory_allocated(desk.device) - weights
    torch.cuda.reset_peak_memory_stats(desk.device)
    run()
    peak = torch.cuda.max_memory_allocated(desk.device) - weights - max(0, other)
    figure = f"{peak / 2**30:.2f} GiB (weights {weights / 2**30:.2f} GiB)"
    return Row("most memory besides the weights", (figure,), "≤ 1.5 GiB")
