"""Gates of speed and memory, on a warm engine in this process; a busy machine shows."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile as sf

from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.performer import Job, Performer
from benchmarks.sketch.table import Figure, at_least, at_most

REPEATS = 5
_BARS = 8


def figures(clips: Sequence[Clip], player: Performer) -> list[Figure]:
    """Measure on the first full mix and the first sung clip of a set."""
    mix = next(c for c in clips if c.group == "fluid" and "4/4" in c.tags and "solo" not in c.tags)
    voice = next(c for c in clips if c.group == "sung" and "wet" not in c.tags and c.downbeat)
    with tempfile.TemporaryDirectory() as scratch:
        return [
            *_speeds(player, mix, voice, Path(scratch)),
            _memory(mix, Path(scratch)),
        ]


def _speeds(player: Performer, mix: Clip, voice: Clip, scratch: Path) -> list[Figure]:
    bar_s = mix.bar_s
    long = _repeated(mix, scratch / "long.wav", 32 * bar_s)
    eight = _cut(voice, scratch / "voice.wav", _BARS * voice.bar_s)
    told = {"bpm": mix.bpm, "meter": f"{mix.beats}/{mix.unit}", "downbeat": mix.downbeat}
    longer = {**told, "bars": _BARS}
    sung = {"bpm": voice.bpm, "meter": f"{voice.beats}/{voice.unit}", "downbeat": voice.downbeat}
    at = (mix.downbeat or 0.0) + 8 * bar_s
    region = {"start": at, "end": at + 2 * bar_s, "context": 0.0}
    rows = []
    fresh = iter(range(10_000))

    def unheard(keys: dict) -> dict:
        """A tempo that differs in the ninth digit makes the engine listen anew."""
        return {**keys, "bpm": keys["bpm"] * (1 + 1e-9 * next(fresh))}

    def run(op: str, source: str | None, keys: dict) -> Job:
        return player.run(op, source, **keys)

    bars_s, sung_s = _BARS * bar_s, _BARS * voice.bar_s
    reused, new = {**told, **region}, {**told, **region, "strength": 0.9}
    composed = {"bars": 32, "bpm": 112.0, "preset": "pop"}
    jobs: list[tuple[str, float, float, Callable[[], Job]]] = [
        ("analysis of 32 bars", 32 * bar_s, 120, lambda: run("analyze", long, unheard(told))),
        ("generate 32 bars", 32 * 240 / 112, 50, lambda: run("generate", None, composed)),
        ("bgm of 8 bars, listening too", sung_s, 25, lambda: run("bgm", eight, unheard(sung))),
        (
            "extend by 8, listening too",
            bars_s,
            25,
            lambda: run("extend", mix.file, unheard(longer)),
        ),
        ("repaint, 2 bars reused of 32", 2 * bar_s, 25, lambda: run("repaint", long, reused)),
        ("repaint, 2 bars new of 32", 2 * bar_s, 25, lambda: run("repaint", long, new)),
    ]
    firsts = []
    for name, seconds, gate, work in jobs:
        work()
        done = [work() for _ in range(REPEATS)]
        took = statistics.median(j.engine_s for j in done)
        cpu = statistics.median(j.cpu_s for j in done)
        rows.append(_row(f"speed: {name}", seconds, gate, took, cpu))
        if name.startswith("bgm"):
            firsts = [j.first_s * 1000 for j in done]
    rows.append(
        at_most(
            "first stem chunk of an 8-bar bgm after the request, warm",
            statistics.median(firsts),
            250,
            " ms",
            0,
        )
    )
    return rows


def _row(name: str, seconds: float, gate: float, took_s: float, cpu_s: float) -> Figure:
    """The processor's time tells what a machine that does nothing else would reach."""
    note = f" ({took_s * 1000:.0f} ms; by processor time {seconds / max(cpu_s, 1e-6):.0f} ×)"
    return at_least(name, seconds / took_s, gate, " × real time", 0, note)


def _repeated(clip: Clip, path: Path, length_s: float) -> str:
    """Write the clip's whole bars again and again."""
    samples, rate = clip.read()
    bars = int((len(samples) / rate - 0.01) / clip.bar_s)
    piece = samples[: round(bars * clip.bar_s * rate)]
    frames = round(length_s * rate)
    whole = np.tile(piece, (int(np.ceil(frames / len(piece))), 1))[:frames]
    sf.write(path, whole, rate, "PCM_24")
    return str(path)


def _cut(clip: Clip, path: Path, length_s: float) -> str:
    samples, rate = clip.read()
    sf.write(path, samples[: round(length_s * rate)], rate, "PCM_24")
    return str(path)


def _memory(mix: Clip, scratch: Path) -> Figure:
    """Peak of a process that analyses ten minutes, above what it holds once it is imported."""
    path = _repeated(mix, scratch / "ten-minutes.wav", 600.0)
    script = Path(__file__).with_name("memory_probe.py")
    done = subprocess.run(
        [sys.executable, str(script), path, str(mix.bpm)],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    note = (
        f"; imported {told['imported_mb']:.0f} MB; the clip as float32 is {told['clip_mb']:.0f} MB"
    )
    return at_most(
        "peak memory of analyze, 10 minutes, above the imported worker",
        told["peak_mb"] - told["imported_mb"],
        250,
        " MB",
        0,
        note,
    )
