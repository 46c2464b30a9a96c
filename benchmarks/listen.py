"""How well the sketch engine hears and reuses clips whose truth is known.

`python benchmarks/listen.py [FOLDER]`; without an argument the folder is `$PUNCHIN_CORPUS` or
`../shared/corpus` beside the checkout. The folder holds `truth.json` (fields `name kind key mode
bpm chords off mel`, chords one per 4/4 bar from the start of the song) and the clips it names.
Everything is measured on the clips as they are, on cut-outs, and on copies played faster or slower.
"""

from __future__ import annotations

import json
import os
import sys
import time

# One thread for matrix products: several spin against each other on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen import Listening, find_grid, listen, melody
from daemon.engines.sketch.listen.frames import to_ear
from daemon.engines.sketch.listen.names import parse_chord, parse_key
from daemon.engines.sketch.listen.pitch import HOP_S, track_pitch
from daemon.engines.sketch.reuse import continue_from, replace_bars

SPEEDS = (1.0, 0.94, 1.033, 1.12)  # also moves the key and detunes: 1.033 is half a semitone
MINOR = ("m", "m7", "dim")


@dataclass(frozen=True)
class Clip:
    """A clip with its truth, `speed` times as fast as the file says."""

    name: str
    samples: np.ndarray
    rate: int
    speed: float
    bpm: float
    off_s: float
    tonic: int | None
    minor: bool
    chords: tuple[tuple[int, bool], ...]
    notes: tuple[tuple[float, float, int], ...]

    @property
    def bar_s(self) -> float:
        return 240 / self.bpm


def main() -> None:
    folder = Path(
        sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PUNCHIN_CORPUS") or _beside()
    )
    rows = json.loads((folder / "truth.json").read_text())
    mixes = [row for row in rows if row["kind"] == "mix"]
    voices = [row for row in rows if row["kind"] == "voc"]
    for speed in SPEEDS:
        clips = [load(folder, row, speed) for row in mixes]
        print(f"\nmixes at speed {speed}: {len(clips)}")
        report(mix_figures(clips))
        report(cut_figures(clips))
        if speed == SPEEDS[0]:
            report(reuse_figures(clips))
    for speed in SPEEDS[:1] if not voices else SPEEDS:
        print(f"\nvoices at speed {speed}: {len(voices)}")
        report(voice_figures([load(folder, row, speed) for row in voices], speed))


def report(figures: Iterator[tuple[str, str]]) -> None:
    for what, value in figures:
        print(f"  {what:44s} {value}")


def _beside() -> Path:
    return Path(__file__).resolve().parents[2] / "shared" / "corpus"


def load(folder: Path, row: dict, speed: float) -> Clip:
    samples, rate = sf.read(folder / f"{row['name']}.flac", dtype="float32", always_2d=True)
    moved = 12 * np.log2(speed)
    tonic = round(row["key"] + moved) % 12
    chords = tuple((round(c[0] + moved) % 12, c[1] != "maj") for c in row["chords"])
    if speed != 1.0:
        at = np.arange(0, len(samples) - 1, speed)
        samples = np.stack([np.interp(at, np.arange(len(samples)), c) for c in samples.T], axis=1)
    notes = tuple((a / speed, (a + n) / speed, m) for a, n, m in row["mel"])
    return Clip(
        row["name"], samples.astype(np.float32), rate, speed,
        row["bpm"] * speed, row["off"] / speed,
        tonic, row["mode"] == "min", chords, notes,
    )  # fmt: skip


def right(chord: str, truth: tuple[int, bool]) -> bool:
    parsed = parse_chord(chord)
    return parsed is not None and (parsed[0], parsed[1] in MINOR) == truth


def chord_share(heard: Listening, clip: Clip) -> float:
    """Share of time with the right chord, mapped to major and minor."""
    times = np.arange(0.05, heard.length_s - 0.05, 0.05)
    bars = ((times + clip.off_s) / clip.bar_s).astype(int) % len(clip.chords)
    return float(
        np.mean(
            [right(heard.chord_at(t), clip.chords[b]) for t, b in zip(times, bars, strict=True)]
        )
    )


def bar_error(grid: Grid, clip: Clip, start_s: float = 0.0) -> tuple[float, float]:
    """Errors in seconds against the nearest beat and the nearest bar line."""
    late = grid.downbeat + start_s + clip.off_s
    beat = clip.bar_s / 4
    return (late + beat / 2) % beat - beat / 2, (
        late + clip.bar_s / 2
    ) % clip.bar_s - clip.bar_s / 2


def mix_figures(clips: list[Clip]) -> Iterator[tuple[str, str]]:
    chords, keys, related, beats, bars, lag, tempo, cost, lead = ([] for _ in range(9))
    for clip in clips:
        begun = time.perf_counter()
        heard = listen(clip.samples, clip.rate, bpm=clip.bpm, metre=(4, 4))
        cost.append(heard.length_s / (time.perf_counter() - begun))
        chords.append(chord_share(heard, clip))
        lead += lead_right(heard, clip)
        found = parse_key(heard.key or "C major")
        relative = parse_key(heard.relative_key or "A minor")
        keys.append(found == (clip.tonic, clip.minor))
        related.append(keys[-1] or relative == (clip.tonic, clip.minor))
        beat, bar = bar_error(heard.grid, clip)
        beats.append(abs(beat) < 0.1 * clip.bar_s / 4)
        bars.append(abs(bar) < 0.1 * clip.bar_s / 4)
        lag.append(beat * 1000)
        free, _ = find_grid(clip.samples, clip.rate)
        ratio = free.tempo_at(0) / clip.bpm
        tempo.append(min(abs(ratio / k - 1) for k in (0.5, 1, 2)) < 0.01)
    yield "chords right by time (major/minor)", f"{100 * np.mean(chords):.1f} %"
    yield "key exact; or relative", f"{sum(keys)}; {sum(related)} of {len(keys)}"
    yield "beat; downbeat right (tempo told)", f"{sum(beats)}; {sum(bars)} of {len(bars)}"
    yield "beat late, median; largest", f"{np.median(lag):.1f}; {max(lag, key=abs):.1f} ms"
    yield "tempo right, not told (half/double allowed)", f"{sum(tempo)} of {len(tempo)}"
    yield "lead: sounding sixteenths right", f"{100 * np.mean(lead):.1f} %"
    yield "whole listening, median", f"{np.median(cost):.0f} × real time"


def lead_right(heard: Listening, clip: Clip) -> list[bool]:
    """For every sixteenth with melody: whether the lead has its pitch."""
    moved = 12 * np.log2(clip.speed)
    found = []
    for start, end, midi in clip.notes:
        for at in np.arange(start, end, clip.bar_s / 16) + clip.bar_s / 32:
            if 0 < at < min(end, heard.length_s):
                now = next((n.midi for n in heard.notes if n.start_s <= at < n.end_s), None)
                found.append(now is not None and abs(now - midi - moved) < 0.5)
    return found


def cut_figures(clips: list[Clip]) -> Iterator[tuple[str, str]]:
    random = np.random.Generator(np.random.PCG64(1))
    for length in (2, 4):
        beats, bars = [], []
        for clip in clips:
            span = length * clip.bar_s
            for start in random.uniform(0, len(clip.samples) / clip.rate - span, 4):
                piece = clip.samples[int(start * clip.rate) : int((start + span) * clip.rate)]
                grid, _ = find_grid(piece, clip.rate, clip.bpm, (4, 4))
                beat, bar = bar_error(grid, clip, start)
                beats.append(abs(beat) < 0.1 * clip.bar_s / 4)
                bars.append(abs(bar) < 0.1 * clip.bar_s / 4)
        yield f"{length}-bar cut-outs: beat; downbeat", f"{sum(beats)}; {sum(bars)} of {len(bars)}"


def reuse_figures(clips: list[Clip]) -> Iterator[tuple[str, str]]:
    loop, phase, cost, chords, reused, tried = [], [], [], [], 0, 0
    for clip in clips:
        rate = clip.rate
        heard = listen(clip.samples, rate, bpm=clip.bpm, metre=(4, 4))
        frames = round(8 * clip.bar_s * rate)
        begun = time.perf_counter()
        new = continue_from(clip.samples, rate, heard, frames, 0, True, 1)
        cost.append(frames / rate / (time.perf_counter() - begun))
        if new is None:
            continue
        whole = np.concatenate([clip.samples, new])
        told = Grid.steady(clip.bpm, downbeat=-clip.off_s)
        again = listen(whole, rate, told, downbeat_told=True, key=heard.key)
        times = np.arange(len(clip.samples) / rate + 0.1, len(whole) / rate - 0.1, 0.1)
        bars = ((times + clip.off_s) / clip.bar_s).astype(int) % len(clip.chords)
        loop.append(
            np.mean(
                [right(again.chord_at(t), clip.chords[b]) for t, b in zip(times, bars, strict=True)]
            )
        )
        grid, _ = find_grid(new, rate, clip.bpm, (4, 4))
        beat = clip.bar_s / 4
        off = (grid.downbeat + len(clip.samples) / rate - heard.grid.downbeat + beat / 2) % beat
        phase.append(abs(off - beat / 2) * 1000)
        for first in (2, 3, 4):
            a = round((first * clip.bar_s - clip.off_s) * rate)
            b = a + round(2 * clip.bar_s * rate)
            if a < 0 or b > len(clip.samples):
                continue
            tried += 1
            part = replace_bars(clip.samples, rate, heard, a, b, 0, 1, 0.3)
            if part is None:
                continue
            reused += 1
            patched = clip.samples.copy()
            patched[a:b] = part
            chords.append(chord_share(listen(patched, rate, told, downbeat_told=True), clip))
    yield "extend: harmonic loop continued", f"{100 * np.mean(loop):.1f} % of the time"
    yield "extend: beat against the clip's, mean; max", f"{np.mean(phase):.1f}; {max(phase):.1f} ms"
    yield "extend: speed, median", f"{np.median(cost):.0f} × real time"
    yield (
        "repaint 2 bars: reused; chords right",
        f"{reused} of {tried}; {100 * np.mean(chords):.1f} %",
    )


def voice_figures(clips: list[Clip], speed: float) -> Iterator[tuple[str, str]]:
    pitch_right, sung, slots, cost, keys, related = [], [], [], [], [], []
    moved = 12 * np.log2(speed)
    for clip in clips:
        begun = time.perf_counter()
        notes = melody(clip.samples, clip.rate)
        cost.append((time.perf_counter() - begun) / (len(clip.samples) / clip.rate) * 1000)
        track = track_pitch(to_ear(clip.samples, clip.rate))
        times = np.arange(len(track.midi)) * HOP_S
        for start, end, midi in clip.notes:
            inside = (times >= start + 0.05) & (times < end - 0.03)
            pitch_right += (np.abs(track.midi[inside] - midi - moved) < 0.5).tolist()
        sixteenth = clip.bar_s / 16
        for at in np.arange(0, max(n[1] for n in clip.notes), sixteenth) + sixteenth / 2:
            truth = next((m for a, b, m in clip.notes if a <= at < b), None)
            found = next((n.midi for n in notes if n.start_s <= at < n.end_s), None)
            if truth is None or found is None:
                slots.append(truth is found)
            else:
                slots.append(abs(found - truth - moved) < 0.5)
            if truth is not None:
                sung.append(slots[-1])
        heard = listen(clip.samples, clip.rate, bpm=clip.bpm)
        keys.append(parse_key(heard.key or "C major") == (clip.tonic, clip.minor))
        relative = parse_key(heard.relative_key or "A minor")
        related.append(keys[-1] or relative == (clip.tonic, clip.minor))
    yield "pitch right within 50 cents", f"{100 * np.mean(pitch_right):.1f} %"
    yield "1/16 slots right; sung ones", f"{100 * np.mean(slots):.1f}; {100 * np.mean(sung):.1f} %"
    yield "key exact; or relative", f"{sum(keys)}; {sum(related)} of {len(keys)}"
    yield "melody, cost", f"{np.median(cost):.1f} ms a second"


if __name__ == "__main__":
    main()
