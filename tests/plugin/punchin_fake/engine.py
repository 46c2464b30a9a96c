"""An engine that does every op with a seeded tone, and misbehaves when the prompt says so.

Prompt words: `wait N` seconds at check points, `hold FILE` until there is that file, both with
`after SEED` in later takes only, `hold FILE after one` in all runs but the first, `pause N` in the
middle of its sound, `hang` without check points, `die`, `die once FILE`, `raise`, `oom`, `nan`,
`short`, `nothing`, `loud`, `copy` (gives back what it heard). With `note FILE` it writes down what
it is asked for; with `linger` it prepares until something else is wanted, and with `clumsy` a
preparation fails. The model `rateN` sets the engine's own sample rate; with
the model `falls FILE` it dies while it loads, unless there is that file, which it makes.
"""

import os
import re
import threading
import time
from pathlib import Path

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.base import Cancelled, Capabilities, Chunk, Heard, Result

OPS = ["generate", "repaint", "extend", "bgm", "cover", "retake", "edit"]
OPS += ["layer", "stems", "analyze"]
KEYS = frozenset(["prompt", "lyrics", "strength", "track", "stems", "language"])
PREPARES = frozenset(["repaint", "cover"])


class FakeEngine:
    def __init__(self):
        self.rate = 0
        self.notes = None

    def capabilities(self):
        about = ("fake", "1.0", "a tone for tests")
        return Capabilities(*about, frozenset(OPS), KEYS, context_s=4.0, prepares=PREPARES)

    def load(self, model, port):
        port.progress(0.5, "loading")
        if model and model.startswith("rate"):
            self.rate = int(model[4:])
        if model and model.startswith("falls"):
            mark = Path(model.partition(" ")[2])
            if not mark.exists():
                mark.write_text("fell")
                os._exit(7)
        return "cpu"

    def rate_for(self, source_rate):
        return self.rate or source_rate

    def listen(self, clip, rate, bpm, metre, options, port):
        port.check()
        return Heard(Grid.steady(bpm or 120.0, *(metre or (4, 4))), 0.5)

    def unload(self):
        self.rate = 0

    def run(self, request, port):
        prompt = request.options.get("prompt", "")
        self._note("run", request)
        self._misbehave(prompt, request.seed, port)
        if request.op == "analyze":
            return Result("C major", analysis=_analysis(request))
        chunks = [chunk for role in _roles(request) for chunk in self._chunks(request, role)]
        pause = re.search(r"pause ([\d.]+)", prompt)
        for i, chunk in enumerate(chunks):
            if pause and i == len(chunks) // 2:
                _wait(float(pause[1]), port)
            port.emit(chunk)
        port.progress(1.0, "done")
        documents = {"plan": "{}"} if request.op == "generate" else {}
        return Result("C major", (f"heard {prompt!r}",) if prompt else (), documents)

    def _chunks(self, request, role):
        for span in request.spans:
            start, end = span.start - request.handle, span.end + request.handle
            yield from _chunks(role, start, self._sound(request, role, start, end))

    def prepare(self, request, port):
        prompt = request.options.get("prompt", "")
        self._note("prepare", request)
        if "clumsy" in prompt.split():
            raise RuntimeError("a bug in the plug-in's preparation")
        try:
            if "linger" in prompt.split():
                _wait(600, port)
            port.check()
        except Cancelled:
            self._note("gave way", request)
            raise

    def idle(self, port):
        port.check()
        if self.notes:
            self._write("idle")

    def _note(self, what, request):
        found = re.search(r"note (\S+)", request.options.get("prompt", ""))
        self.notes = found and Path(found[1])
        if self.notes:
            spans = " ".join(f"{s.start}-{s.end}" for s in request.spans)
            self._write(f"{what} {request.op} {spans}")

    def _write(self, line):
        with self.notes.open("a") as notes:
            notes.write(line + "\n")

    def _misbehave(self, prompt, seed, port):
        port.progress(0.1, "thinking")
        wait = re.search(r"wait ([\d.]+)(?: after (\d+))?", prompt)
        if wait and seed > int(wait[2] or -1):
            _wait(float(wait[1]), port)
        hold = re.search(r"hold (\S+)(?: after (\d+|one))?", prompt)
        if hold and _is_held(hold, seed):
            _hold(Path(hold[1]), port)
        once = re.search(r"die once (\S+)", prompt)
        if once and not Path(once[1]).exists():
            Path(once[1]).write_text("died")
            os._exit(7)
        if re.search(r"die$", prompt):
            os._exit(7)
        if "hang" in prompt.split():
            threading.Event().wait()
        if "raise" in prompt.split():
            raise RuntimeError("a bug in the plug-in")
        if "oom" in prompt.split():
            raise MemoryError

    def _sound(self, request, role, start, end):
        prompt = request.options.get("prompt", "")
        if "short" in prompt.split():
            end -= request.handle + 10
        if "nothing" in prompt.split():
            end = start
        if "copy" in prompt.split():
            return _heard(request.clip, start, end)
        seed = [request.seed, len(role)]
        hz = 110 * 2 ** (np.random.Generator(np.random.PCG64(seed)).integers(24) / 12)
        t = np.arange(start, end) / request.rate
        gain = 3.0 if "loud" in prompt.split() else 0.2
        tone = (gain * np.sin(2 * np.pi * hz * t)).astype(np.float32)
        if "nan" in prompt.split():
            tone[len(tone) // 2] = np.nan
        return np.stack([tone, tone], axis=1)


def _wait(seconds, port):
    end = time.monotonic() + seconds
    gate = threading.Event()
    while time.monotonic() < end:
        port.check()
        gate.wait(0.01)
        port.progress(0.1 + 0.8 * (1 - (end - time.monotonic()) / seconds), "waiting")


def _is_held(hold, seed):
    if hold[2] != "one":
        return seed > int(hold[2] or -1)
    before = Path(f"{hold[1]}.one")
    first = not before.exists()
    before.touch()
    return not first


def _hold(path, port):
    gate = threading.Event()
    while not path.exists():
        port.check()
        gate.wait(0.01)
        port.progress(0.5, "waiting")


def _roles(request):
    if request.op in ("repaint", "extend", "edit", "cover", "retake"):
        return ["region"]
    if request.op == "layer":
        return [f"stem:{request.options['track']}"]
    asked = request.options.get("stems") or ("drums", "bass")
    return [f"stem:{name}" for name in asked]


def _chunks(role, start, samples, size=20_000):
    for at in range(0, len(samples), size):
        yield Chunk(role, start + at, samples[at : at + size])


def _heard(clip, start, end):
    out = np.zeros((end - start, 2), np.float32)
    a, b = max(0, start), min(len(clip), end)
    if a < b:
        out[a - start : b - start] = clip[a:b]
    return out


def _analysis(request):
    return {
        "bpm": request.grid.tempo_at(0),
        "meter": "4/4",
        "key": "C major",
        "key_confidence": 1.0,
        "downbeats": request.grid.bar_lines(0, len(request.clip) / request.rate),
        "chords": [],
        "notes": [],
        "loudness_lufs": -20.0,
        "peak_dbfs": -1.0,
        "voiced": 0.0,
    }
