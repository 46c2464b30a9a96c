"""Gates of the render: onsets against the plan, read back from the sound, and humanising."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.sketch import rulers
from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.performer import Performer
from benchmarks.sketch.table import Figure, at_most
from daemon.audio.grid import Grid
from daemon.engines.sketch.jobs.studio import open_studio
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.codec import plan_from_json
from daemon.engines.sketch.plan.styles import Humanise
from daemon.engines.sketch.plan.types import Part, Plan, PlanNote
from daemon.engines.sketch.render.part import Window
from daemon.engines.sketch.render.stems import raw_stems

RATE = 44100
_BPM = {"tune": 93.7, "test": 131.3}
_DRUMS = ("drums-acoustic", "drums-electronic", "drums-lofi", "drums-brush")
_STRUCK = ("piano", "epiano", "guitar-steel", "bass-finger", "pluck")
_KEYS = (36, 38, 42)
_STRUM_MS = 11.0  # from string to string of a strummed chord
_NEAR_S = 0.035


def figures(clips: Sequence[Clip], player: Performer) -> list[Figure]:
    """Measure with the tempo that belongs to the set of `clips`."""
    bpm = _BPM[clips[0].set]
    return [_first_samples(bpm), *_read_back(bpm), _humanising(clips[0].set, player)]


def _first_samples(bpm: float) -> Figure:
    """Play strokes two seconds apart; where each begins, less where its key's first one does.

    A wave that starts from zero is heard one sample late: the first stroke of every key, which is
    planned on a whole frame, calibrates that.
    """
    studio, rng = open_studio(), np.random.Generator(np.random.PCG64(5))
    grid = Grid.steady(bpm)
    errors, worst = [], []
    for instrument in (*_DRUMS, *_STRUCK):
        keys = _KEYS if instrument in _DRUMS else (52, 60, 67)
        notes = tuple(
            PlanNote(
                (2 * i + 0.5 + (rng.random() if i > 2 else 0)) * bpm / 60,
                0.2,
                keys[i % 3],
                100,
                round(rng.uniform(-0.008, 0.004), 6) if i > 2 else 0.0,
            )
            for i in range(9)
        )
        late: dict[int, int] = {}
        part = Part("p", "drums", instrument, send_db=-120.0, notes=notes)
        plan = Plan("pop", 1, "C major", grid, 0.0, 20.0, parts=(part,))
        sound = raw_stems(plan, studio.bank, Window(0, 20 * RATE, RATE), lambda: None)["drums"]
        for note in notes:
            planned = round(plan.onset_s(note) * RATE)
            begin = planned - RATE // 4
            piece = np.abs(sound[:, begin : planned + RATE // 4]).max(axis=0)
            found = begin + int(np.argmax(piece > 1e-5 * piece.max()))
            late.setdefault(note.midi, found - planned)
            error = found - planned - late[note.midi]
            errors.append(error)
            if error:
                worst.append(f"{instrument} key {note.midi}: {error} samples")
    return at_most(
        "rendered onsets against the plan's times",
        float(np.abs(errors).max()),
        0,
        " samples",
        0,
        f" ({len(errors)} strokes)",
        worst[:6],
    )


def _read_back(bpm: float) -> list[Figure]:
    """Drums of every style, not humanised, not swung: where the flux says they are."""
    studio = open_studio()
    bias = _click_bias()
    rows, worst = [], []
    for name, style in studio.styles.items():
        if style.drums is None:
            continue
        plain = replace(style, humanise=Humanise(0.0, 0.0, 0), swing=0.0, parts=style.parts[:1])
        grid = Grid.steady(bpm)
        brief = Brief(
            grid=grid, start_s=0.0, end_s=8 * 240 / bpm, key="C major", style=plain, seed=3
        )
        plan = arrange(brief)
        drums = replace(plan, parts=tuple(p for p in plan.parts if p.stem == "drums"))
        frames = round(8 * 240 / bpm * RATE)
        sound = raw_stems(drums, studio.bank, Window(0, frames, RATE), lambda: None)["drums"]
        errors = _errors(sound.T, _onsets(drums), bias)
        rows.append(float(np.median(np.abs(errors))))
        worst.append(
            (
                rows[-1],
                f"{name}: median {np.median(errors):+.1f} ms, "
                f"p95 of |e| {np.percentile(np.abs(errors), 95):.1f} ms",
            )
        )
    found = [t for _, t in sorted(worst, reverse=True)[:4]]
    name = "drums read back, not humanised: median error by style, mean"
    return [
        at_most(
            name,
            float(np.mean(rows)),
            3,
            " ms",
            note=f"; ruler's bias {bias * 1000:+.1f} ms",
            worst=found,
        ),
        at_most("drums read back, worst style", max(rows), 3, " ms"),
    ]


def _click_bias() -> float:
    """How late the ruler reads a click track whose times are known."""
    times = 0.5 + np.arange(20) * 0.37
    sound = np.zeros((round(9 * RATE), 2))
    burst = np.exp(-np.arange(400) / 80) * np.sin(np.arange(400) * 0.6)
    for t in times:
        sound[round(t * RATE) : round(t * RATE) + 400] += burst[:, None]
    return float(np.median(_errors(sound, times, 0.0))) / 1000


def _onsets(plan: Plan) -> np.ndarray:
    """Return seconds of strokes that have no other one within 60 ms before or after."""
    times = np.unique(np.round([plan.onset_s(n) for p in plan.parts for n in p.notes], 5))
    gaps = np.diff(times, prepend=-1, append=1e9)
    return times[(gaps[:-1] > 0.06) & (gaps[1:] > 0.06)]


def _errors(sound: np.ndarray, times: np.ndarray, bias_s: float) -> np.ndarray:
    """Return ms from each time to the steepest rise of energy near it, less the ruler's bias."""
    hop = 22
    energy = np.square(np.diff(rulers.mono(sound), prepend=0.0))
    frames = energy[: len(energy) // hop * hop].reshape(-1, hop).sum(axis=1)
    level = np.log10(np.convolve(frames, np.ones(6), "full")[: len(frames)] + 1e-9)
    rise = level[8:] - level[:-8]
    errors = []
    for t in times:
        a = round((t - _NEAR_S) * RATE / hop) - 8
        b = round((t + _NEAR_S) * RATE / hop) - 8
        if a < 0 or b > len(rise):
            continue
        at = (a + int(np.argmax(rise[a:b])) + 8) * hop / RATE
        errors.append((at - t - bias_s) * 1000)
    return np.array(errors)


def _humanising(set_name: str, player: Performer) -> Figure:
    """Deviations in the plans of all styles against the range that each style states."""
    outside, count, worst = 0, 0, []
    low, high = 0.0, 0.0
    for name, style in open_studio().styles.items():
        job = player.run("generate", bars=8, bpm=_BPM[set_name], preset=name, seed=11)
        plan = plan_from_json(job.documents["plan"].decode())
        for part in plan.parts:
            for note in part.notes:
                late = note.offset_s * 1000
                spread = _STRUM_MS * 6 if note.articulation in ("roll", "up") else 0.0
                count += 1
                low, high = min(low, late), max(high, late if not spread else high)
                rule = style.humanise
                if not -rule.early_ms - 1e-3 <= late <= rule.late_ms + spread + 1e-3:
                    outside += 1
                    worst.append(f"{name} {part.name} {late:.1f} ms")
    note = f" of {count}; {low:.1f} … {high:+.1f} ms (strummed notes apart)"
    name = "humanised onsets outside the style's range"
    return at_most(name, float(outside), 0, "", 0, note, worst[:4])
