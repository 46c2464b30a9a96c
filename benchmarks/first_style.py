"""How much the first job in a style computes before its first sound, in processor time.

    python benchmarks/first_style.py

Runs the engine `sketch` in this process as a worker does: the first job in each of some styles
that nobody told of, one that was prepared, and one that was prepared with time to spare, each with
a seed that was not foreseen. The clip is known. Nothing is asserted; machines differ.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from first_sound import make_songs
from talking import quantiles, row

from daemon.audio.probe import probe
from daemon.core.planner import Work, plan
from daemon.engines.sketch import SketchEngine
from daemon.worker.ahead import QuietPort, prepare
from daemon.worker.channel import Channel
from daemon.worker.clip import Shelf
from daemon.worker.perform import perform
from daemon.worker.port import JobPort

STYLES = ("jazz", "house", "funk", "reggae", "lofi", "cinematic")
JOBS = {
    "repaint of 4 s": ("repaint", {"start": 8.0, "end": 12.0, "bpm": 120.0, "downbeat": 0.0}),
    "generate, 16 s": ("generate", {"seconds": 16.0}),
}
RATE = 48_000
SPARE = QuietPort(lambda: False)


class Ear(Channel):
    """Hears when a job first sounds."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def send(self, header: Mapping[str, Any], payload: Any = b"") -> None:
        """Note the first sound."""
        if header["kind"] in ("audio", "rough") and not self.at_s:
            self.at_s = time.process_time()


def work_of(song: str, job: str, seed: int, **keys: str) -> Work:
    """Return a job's work."""
    op, told = JOBS[job]
    source = probe(song) if op == "repaint" else None
    return plan(op, {"seed": seed, **told, **keys}, source, RATE)


def to_first_sound(engine: SketchEngine, work: Work, clips: Shelf) -> float:
    """Return the processor time that a job takes until it sounds, in seconds."""
    ear, before = Ear(), time.process_time()
    perform(engine, work, 1, JobPort(ear, threading.Event()), clips)
    return ear.at_s - before


def measured(song: str, job: str, style: str) -> list[float]:
    """Return it for a job unforeseen, prepared, prepared with time to spare, and a later one."""
    out = []
    for way in ("unforeseen", "prepared", "time to spare"):
        engine, clips = SketchEngine(), Shelf()
        engine.load(None, JobPort(Ear(), threading.Event()))
        to_first_sound(engine, work_of(song, "repaint of 4 s", 1), clips)
        if way != "unforeseen":
            prepare(engine, work_of(song, job, 2, prompt=style), SPARE, clips)
        if way == "time to spare":
            engine.idle(SPARE)
        out.append(to_first_sound(engine, work_of(song, job, 11, prompt=style), clips))
    return [*out, to_first_sound(engine, work_of(song, job, 12, prompt=style), clips)]


def main() -> int:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        song = make_songs(Path(folder), 1)[0]
        for job in JOBS:
            rows = zip(*(measured(song, job, style) for style in STYLES), strict=True)
            names = ("unforeseen", "prepared", "prepared, time to spare", "  and the next one")
            for name, times_s in zip(names, rows, strict=True):
                row(f"{job}, first in a style, {name}", quantiles(list(times_s)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
