"""What rows are measured with: one engine, its models, clips and prompts that nobody has heard."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.acestep import clips
from benchmarks.acestep.jobs import Bench
from benchmarks.acestep.setup import Models
from daemon.core.planner import Work
from daemon.engines.acestep.dit.forward import velocity
from daemon.engines.acestep.graphs import steps_for
from daemon.engines.acestep.speed import Speed

PROMPT = "warm pop song with piano, bass and brushed drums, a female voice, take {}"
LYRICS = "[verse]\n" + "soft notes are falling in the morning light\n" * 6
START_S, END_S, CLIP_S = 100.0, 108.0, 180.0
MODES = {"eager": Speed(), "graph": Speed(graphs=True), "compiled": Speed(compiled=True)}
ON_CUDA = {"compiled": Speed(graphs=True, compiled=True)}
MISSING = "not measured"
COMPILING_S = 150.0
"""What a compiler may take for one length of a step on a slow machine."""


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
        """Seconds until the benchmark has to end, by its clock."""
        return self.deadline_s - self.clock()

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


def forget(desk: Desk) -> None:
    """Have the engine forget every clip and every prompt."""
    session = desk.bench.session
    for cache in ("texts", "conditions", "cross", "latents"):
        getattr(session.caches, cache).clear()
    session.kept.clear()


def steps_are_compiled(desk: Desk) -> bool:
    """Whether the engine's steps are compiled, as asked: a compiler that fails is passed over."""
    steps = desk.bench.session.steps
    return steps is not None and len(steps) > 0 and steps.inner is not velocity
