"""Runs jobs in this process on the worker's own road: planned, heard, run, spliced.

What a job made comes back as arrays at the source's rate, `(frames, channels)` float32.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from daemon.audio.probe import probe
from daemon.audio.reading import window
from daemon.core.planner import plan
from daemon.engines.base import Capabilities, Chunk, Heard, Request, Result
from daemon.engines.sketch.engine import SketchEngine
from daemon.worker.perform import perform
from daemon.worker.port import JobPort

_NEW_RATE = 44100


@dataclass
class Job:
    """What came of one job.

    `sounds` by role: `region` (one array a span, in `regions` too) or `stem:<name>`. `spans` are
    frames of the source. `engine_s` is the time inside the engine's `run`, `cpu_s` the processor's
    share of it, `first_s` the time until its first chunk.
    """

    op: str
    rate: int
    seed: int
    sounds: dict[str, np.ndarray] = field(default_factory=dict)
    regions: list[np.ndarray] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    source: np.ndarray | None = None
    documents: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    analysis: Mapping[str, Any] | None = None
    engine_s: float = 0.0
    first_s: float = 0.0
    cpu_s: float = 0.0

    def stems(self) -> dict[str, np.ndarray]:
        """Return the stems by name."""
        return {r[5:]: x for r, x in self.sounds.items() if r.startswith("stem:")}

    def mix(self) -> np.ndarray:
        """Return the mix: the sum of the stems, or the source with its new regions."""
        if self.stems():
            return sum(self.stems().values())
        assert self.source is not None
        if self.op == "repaint":
            mix = self.source.copy()
            for (a, b), new in zip(self.spans, self.regions, strict=True):
                mix[a:b] = new
            return mix
        before = [r for (a, _), r in zip(self.spans, self.regions, strict=True) if a < 0]
        after = [r for (a, _), r in zip(self.spans, self.regions, strict=True) if a >= 0]
        return np.concatenate([*before, self.source, *after])


class Performer:
    """One warm engine; a job at a time."""

    def __init__(self) -> None:
        self.engine = _Timed()
        self.engine.load(None, JobPort(_Silent(), threading.Event()))  # type: ignore[arg-type]

    def run(self, op: str, source: str | None = None, **keys: Any) -> Job:
        """Do `op` with the keys of the protocol; `seed` defaults to 1."""
        values = {"seed": 1, **keys}
        info = probe(source) if source else None
        work = plan(op, values, info, _NEW_RATE)
        inbox = _Inbox()
        port = JobPort(inbox, threading.Event())  # type: ignore[arg-type]
        perform(self.engine, work, 1, port)
        job = Job(op, info.rate if info else _NEW_RATE, values["seed"])
        job.source = window(info, 0, info.frames) if info else None
        inbox.fill(job)
        job.engine_s, job.first_s = self.engine.run_s, self.engine.first_s
        job.cpu_s = self.engine.cpu_s
        return job

    def do_only(self, op: str, source: str, **keys: Any) -> None:
        """Do a job and keep nothing, so that only the worker's memory shows."""
        work = plan(op, {"seed": 1, **keys}, probe(source), _NEW_RATE)
        perform(self.engine, work, 1, JobPort(_Silent(), threading.Event()))  # type: ignore[arg-type]


class _Timed(SketchEngine):
    """The engine with a stop-watch."""

    def __init__(self) -> None:
        super().__init__()
        self.run_s = self.first_s = self.cpu_s = 0.0

    def capabilities(self) -> Capabilities:
        return super().capabilities()

    def listen(self, *args: Any, **keys: Any) -> Heard:
        return super().listen(*args, **keys)

    def run(self, request: Request, port: Any) -> Result:
        began, cpu, self.first_s = time.perf_counter(), time.process_time(), 0.0
        inner = port.emit

        def emit(chunk: Chunk) -> None:
            if not self.first_s:
                self.first_s = time.perf_counter() - began
            inner(chunk)

        port.emit = emit
        result = super().run(request, port)
        self.run_s, self.cpu_s = time.perf_counter() - began, time.process_time() - cpu
        port.emit = inner
        return result


class _Silent:
    """A channel whose other side is nobody."""

    def send(self, header: Mapping[str, Any], payload: bytes | memoryview = b"") -> None:
        """Take nothing."""


class _Inbox:
    """The control plane's end of the channel, as a list of what came."""

    def __init__(self) -> None:
        self._frames: list[tuple[dict[str, Any], bytes]] = []

    def send(self, header: Mapping[str, Any], payload: bytes | memoryview = b"") -> None:
        """Keep a frame."""
        self._frames.append((dict(header), bytes(payload)))

    def fill(self, job: Job) -> None:
        """Put together what a take sent."""
        pieces: dict[tuple[str, int], list[tuple[int, np.ndarray]]] = {}
        for header, payload in self._frames:
            kind = header["kind"]
            if kind == "audio":
                samples = np.frombuffer(payload, "<f4").reshape(-1, header["channels"])
                where = (header["role"], header.get("span", 0))
                pieces.setdefault(where, []).append((header["start"], samples))
            elif kind == "settled":
                job.spans = [(a, b) for a, b in header.get("spans", [])]
            elif kind == "document":
                job.documents[header["role"]] = payload
            elif kind == "take":
                job.notes, job.analysis = header["notes"], header.get("analysis")
        for (role, _), found in sorted(pieces.items(), key=lambda item: item[0][1]):
            whole = np.zeros((max(s + len(x) for s, x in found), found[0][1].shape[1]), np.float32)
            for start, samples in found:
                whole[start : start + len(samples)] = samples
            job.sounds[role] = whole
            if role == "region":
                job.regions.append(whole)
