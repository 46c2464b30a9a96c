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
    sung = {"bpm": voice.bpm, "meter": f"{voice.beats}/{voice.unit}", "downbeat": voice.downbeat}
    at = (mix.downbeat or 0.0) + 8 * bar_s
    region = {"start": at, "end": at + 2 * bar_s, "context": 0.0}
    rows = []
    fresh = iter(range(10_000))  # a new name for the clip, so that analysis is not remembered
    analysis_s = 32 * bar_s
    # A tempo that differs in the ninth digit makes the engine listen anew.
    analyse = _median(
        lambda: (
            player.run(
                "analyze", long, **{**told, "bpm": mix.bpm * (1 + 1e-9 * next(fresh))}
            ).engine_s
        )
    )
    rows.append(_row("speed: analysis of 32 bars", analysis_s / analyse, 120, analyse))
    jobs: list[tuple[str, float, float, Callable[[], Job]]] = [
        (
            "generate 32 bars",
            32 * 240 / 112,
            50,
            lambda: player.run("generate", bars=32, bpm=112.0, preset="pop"),
        ),
        ("bgm of 8 bars", _BARS * voice.bar_s, 25, lambda: player.run("bgm", eight, **sung)),
        (
            "extend by 8 bars",
            _BARS * bar_s,
            25,
            lambda: player.run("extend", mix.file, bars=_BARS, **told),
        ),
        (
            "repaint, 2 bars reused of 32",
            2 * bar_s,
            25,
            lambda: player.run("repaint", long, **told, **region),
        ),
        (
            "repaint, 2 bars new of 32",
            2 * bar_s,
            25,
            lambda: player.run("repaint", long, strength=0.9, **told, **region),
        ),
    ]
    firsts = []
    for name, seconds, gate, work in jobs:
        work()
        done = [work() for _ in range(REPEATS)]
        took = statistics.median(j.engine_s for j in done)
        rows.append(_row(f"speed: {name}", seconds / took, gate, took))
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


def _row(name: str, ratio: float, gate: float, took_s: float) -> Figure:
    return at_least(name, ratio, gate, " × real time", 0, f" ({took_s * 1000:.0f} ms)")


def _median(work: Callable[[], float]) -> float:
    work()
    return statistics.median(work() for _ in range(REPEATS))


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
