"""How loud, how fast, how fitting and how varied the sketch engine's music is.

`python benchmarks/sketch.py [FOLDER]`; without an argument the folder is `$PUNCHIN_CORPUS` or
`../shared/corpus` beside the checkout. The folder holds `truth.json` (fields `name kind key mode
bpm chords off mel`, chords one per 4/4 bar from the start of the song) and the clips it names.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from daemon.audio.grid import Grid
from daemon.audio.loudness import integrated_lufs, true_peak_db
from daemon.engines.base import Chunk, Request, Span
from daemon.engines.sketch import SketchEngine
from daemon.engines.sketch.jobs.matching import band_levels
from daemon.engines.sketch.listen.names import chord_tones, key_name, parse_key, scale_of
from daemon.engines.sketch.plan.codec import plan_from_json
from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Plan

RATE = 44100
ROUNDS = 5
HANDLE = 2400
STYLE_BARS = 16
BANDS_HZ = (63, 125, 250, 500, 1000, 2000, 4000, 8000)


class Desk:
    """A port that keeps what it gets."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.first_s = 0.0
        self._started = time.perf_counter()

    def check(self) -> None:
        pass

    def progress(self, fraction: float, stage: str) -> None:
        pass

    def emit(self, chunk: Chunk) -> None:
        self.first_s = self.first_s or time.perf_counter() - self._started
        self.chunks.append(chunk)

    def mix(self) -> np.ndarray:
        """The sum of all stems (or the region), without handles."""
        parts: dict[str, list[np.ndarray]] = {}
        for chunk in self.chunks:
            parts.setdefault(chunk.role, []).append(chunk.samples)
        return sum(np.concatenate(p) for p in parts.values())[HANDLE:-HANDLE]  # type: ignore[index]


class Bench:
    """One loaded engine and the clips."""

    def __init__(self, folder: Path) -> None:
        self.engine = SketchEngine()
        self.engine.load(None, Desk())
        self.rows = json.loads((folder / "truth.json").read_text())
        self.folder = folder

    def clip(self, row: dict[str, Any]) -> tuple[np.ndarray, int, Grid]:
        """Return a clip in stereo, its rate and its told grid."""
        x, rate = sf.read(self.folder / f"{row['name']}.flac", dtype="float32", always_2d=True)
        bar_s = 240 / row["bpm"]
        grid = Grid.steady(row["bpm"], downbeat=-row["off"] % bar_s)
        return np.ascontiguousarray(np.repeat(x, 2, 1) if x.shape[1] == 1 else x), rate, grid

    def run(
        self, op: str, clip: np.ndarray, rate: int, grid: Grid, spans: tuple[Span, ...],
        fresh: bool = True, **more: Any,
    ) -> tuple[Any, Desk, float]:  # fmt: skip
        """Return result, port and seconds of one job; `fresh` forgets what was heard."""
        assert self.engine._studio is not None
        if fresh:
            self.engine._studio.heard.clear()
        options = more.pop("options", {})
        seed, key = more.pop("seed", 1), more.pop("key", None)
        desk = Desk()
        begun = time.perf_counter()
        result = self.engine.run(
            Request(op, clip, rate, spans, HANDLE, grid, True, key, seed, options), desk
        )
        return result, desk, time.perf_counter() - begun


def main() -> None:
    beside = Path(__file__).resolve().parents[2] / "shared" / "corpus"
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PUNCHIN_CORPUS") or beside)
    bench = Bench(folder)
    styles(bench)
    speed(bench)
    backing(bench)
    regions(bench)


def styles(bench: Bench) -> None:
    """Every style, 16 bars: level, peak, DC, silence, key, spectrum, variety."""
    print("style        LUFS   dBTP     DC  out-of-key  rests  variety   " + _bands_head())
    assert bench.engine._studio is not None
    for name, style in bench.engine._studio.styles.items():
        grid = Grid.steady(sum(style.tempo_bpm) / 2)
        span = (Span(0, round(grid.bars_length(0, STYLE_BARS) * RATE)),)
        plans, mix = [], np.zeros((0, 2))
        for seed in range(4):
            result, desk, _ = bench.run(
                "generate", np.zeros((0, 2), np.float32), RATE, grid, span,
                options={"preset": name}, seed=seed, key="D minor" if seed % 2 else "G major",
            )  # fmt: skip
            plans.append(plan_from_json(result.documents["plan"]))
            mix = mix if seed else desk.mix()
        same_key = [
            plan_from_json(
                bench.run("generate", np.zeros((0, 2), np.float32), RATE, grid, span,
                          options={"preset": name}, seed=s, key="G major")[0].documents["plan"]
            )
            for s in (10, 11, 12, 13)
        ]  # fmt: skip
        alone = [lonely_share(a, b) for a, b in pairwise(same_key)]
        print(
            f"{name:11s} {integrated_lufs(mix, RATE):6.2f} {true_peak_db(mix, RATE):6.2f}"
            f" {np.abs(mix.mean(axis=0)).max():.4f}"
            f"     {100 * np.mean([out_of_key(p) for p in plans]):5.1f} %"
            f"  {100 * silent_share(mix):3.0f} %"
            f"   {100 * min(alone):3.0f} %     {_bands(mix)}"
        )


def speed(bench: Bench) -> None:
    """Seconds of output for one second of work, warm, median of five, with listening."""
    print("\nop        × real time   first chunk   (median of 5, listening included)")
    voice = next(row for row in bench.rows if row["kind"] == "voc")
    mix = next(row for row in bench.rows if row["kind"] == "mix")
    empty = np.zeros((0, 2), np.float32)
    song = (Span(0, 32 * RATE),)
    jobs: list[tuple[str, dict[str, Any] | None, dict[str, Any]]] = [
        ("generate", None, {"preset": "pop"}),
        ("bgm", voice, {"preset": "pop"}),
        ("extend", mix, {}),
        ("repaint", mix, {}),
        ("repaint", mix, {"prompt": "pop"}),
    ]
    for op, row, options in jobs:
        clip, rate, grid = bench.clip(row) if row else (empty, RATE, Grid.steady(110))
        spans = _spans(op, clip, rate, grid) if row else song
        times = [bench.run(op, clip, rate, grid, spans, options=options) for _ in range(ROUNDS + 1)]
        took = float(np.median([seconds for _, _, seconds in times[1:]]))
        first = float(np.median([desk.first_s for _, desk, _ in times[1:]]))
        length = sum(span.frames for span in spans) / rate
        name = op + (" new" if op == "repaint" and options else "")
        print(f"{name:12s} {length / took:8.0f}   {1000 * first:8.0f} ms")


def backing(bench: Bench) -> None:
    """Loudness under the voice, chord-tone share of the true melody, for every sung clip."""
    print("\nvoice   key         LUFS voice  band   sum dBTP   chord tones: ours / the song's")
    for row in bench.rows:
        if row["kind"] != "voc":
            continue
        clip, rate, grid = bench.clip(row)
        key = key_name(row["key"], row["mode"] == "min")
        result, desk, _ = bench.run("bgm", clip, rate, grid, (Span(0, len(clip)),))
        plan = plan_from_json(result.documents["plan"])
        mix = desk.mix()
        ours = chord_tone_share(row, lambda t, p=plan: _chord_at(p, t))
        told = chord_tone_share(row, lambda t, r=row: _true_chord(r, t))
        print(
            f"{row['name']}  {result.key:8s} ({key:8s}) {integrated_lufs(clip, rate):6.1f}"
            f" {integrated_lufs(mix, rate):6.1f}  {true_peak_db(mix + clip, rate):6.2f}"
            f"       {ours:.2f} / {told:.2f}"
        )


def regions(bench: Bench) -> None:
    """Loudness of reused and of new material against the clip, for every mix."""
    print("\nmix     extend dLU  repaint dLU  repaint new dLU   dBTP new  spectrum new (max |dB|)")
    for row in bench.rows:
        if row["kind"] != "mix":
            continue
        clip, rate, grid = bench.clip(row)
        loud = integrated_lufs(clip, rate) or 0.0
        figures = []
        for op, options in (("extend", {}), ("repaint", {}), ("repaint", {"strength": 1.0})):
            spans = _spans(op, clip, rate, grid)
            _, desk, _ = bench.run(op, clip, rate, grid, spans, fresh=False, options=options)
            figures.append(desk.mix())
        deltas = [(integrated_lufs(x, rate) or 0.0) - loud for x in figures]
        new = np.ascontiguousarray(figures[2].T, dtype=np.float32)
        levels = band_levels(new, rate) - band_levels(np.ascontiguousarray(clip.T), rate)
        levels = levels[4:22] - np.median(levels[4:22])
        print(
            f"{row['name']}   {deltas[0]:+9.2f} {deltas[1]:+12.2f} {deltas[2]:+16.2f}"
            f" {true_peak_db(figures[2], rate):10.2f} {np.abs(levels).max():10.1f}"
        )


def _spans(op: str, clip: np.ndarray, rate: int, grid: Grid) -> tuple[Span, ...]:
    bar_s = grid.bars_length(0, 1)
    if op == "extend":
        return (Span(len(clip), len(clip) + round(8 * bar_s * rate)),)
    if op == "repaint":
        begin = grid.bar_lines(0, 1e3)[2]
        return (Span(round(begin * rate), round((begin + 2 * bar_s) * rate)),)
    return (Span(0, len(clip)),)


def lonely_share(mine: Plan, other: Plan) -> float:
    """Share of notes without a partner of same part and pitch within a 1/32 note."""
    theirs = {part.name: part.notes for part in other.parts}
    alone = [
        not any(
            n.midi == note.midi and abs(n.start_quarter - note.start_quarter) <= 0.125
            for n in theirs.get(part.name, ())
        )
        for part in mine.parts
        for note in part.notes
    ]
    return float(np.mean(alone))


def out_of_key(plan: Plan) -> float:
    """Share of pitched notes outside the key (in minor, the raised seventh counts as inside)."""
    tonic, is_minor = parse_key(plan.key)
    scale = set(scale_of(plan.key)) | ({(tonic + 11) % 12} if is_minor else set())
    notes = [n.midi % 12 for p in plan.parts if not is_drums(p.instrument) for n in p.notes]
    return float(np.mean([pitch not in scale for pitch in notes]))


def silent_share(mix: np.ndarray) -> float:
    """Share of tenths of a second below −60 dBFS."""
    hop = RATE // 10
    rows = mix[: len(mix) // hop * hop].reshape(-1, hop * 2)
    return float((np.sqrt((rows**2).mean(axis=1)) < 1e-3).mean())


def chord_tone_share(row: dict[str, Any], chord_at: Callable[[float], set[int]]) -> float:
    """Share of sung time that lies on tones of the chord that sounds."""
    inside = total = 0.0
    for start, length, midi in row["mel"]:
        for t in np.arange(max(0.0, start), start + length, 0.02):
            inside += round(midi) % 12 in chord_at(float(t))
            total += 1
    return inside / max(1.0, total)


def _chord_at(plan: Plan, second: float) -> set[int]:
    quarter = plan.grid.quarter_at(second)
    here = [c for c in plan.chords if c.start_quarter <= quarter < c.end_quarter]
    return set(chord_tones(here[0].name)) if here else set()


def _true_chord(row: dict[str, Any], second: float) -> set[int]:
    bar = int((second + row["off"]) // (240 / row["bpm"]))
    root, quality = row["chords"][min(bar, len(row["chords"]) - 1)]
    steps: Sequence[int] = {"min": (0, 3, 7), "dim": (0, 3, 6)}.get(quality, (0, 4, 7))
    return {(root + step) % 12 for step in steps}


def _bands_head() -> str:
    return " ".join(f"{hz:>5d}" for hz in BANDS_HZ) + " Hz, dB"


def _bands(mix: np.ndarray) -> str:
    levels = band_levels(np.ascontiguousarray(mix.T, dtype=np.float32), RATE)
    centres = 1000.0 * 2.0 ** (np.arange(-13, 13) / 3)
    picked = np.interp(np.log2(BANDS_HZ), np.log2(centres), levels)
    return " ".join(f"{level:5.0f}" for level in picked - picked.max())


if __name__ == "__main__":
    main()
