"""What is measured where new and old music meet, and where nothing was cut.

Seconds count from the first sample of the sound that is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.sketch import rulers
from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.performer import Job
from benchmarks.sketch.table import Figure, at_most, none

_SIDE_S = 0.4
_LEAD_S = 0.012
_STEADY_LU = 2.0
_CONTROLS = 6


@dataclass
class Seams:
    """What was measured at seams, and at places without one in the same clips."""

    flux: list[float] = field(default_factory=list)
    click: list[float] = field(default_factory=list)
    over: list[float] = field(default_factory=list)
    over_ahead: list[float] = field(default_factory=list)
    uncut: list[float] = field(default_factory=list)
    cut: list[float] = field(default_factory=list)
    cut_flux: list[float] = field(default_factory=list)
    uncut_flux: list[float] = field(default_factory=list)
    reuse_lu: list[float] = field(default_factory=list)
    new_lu: list[float] = field(default_factory=list)
    uncut_lu: list[float] = field(default_factory=list)
    worst: list[tuple[float, str]] = field(default_factory=list)


def at_seams(
    seams: Seams, clip: Clip, whole: np.ndarray, job: Job, places: list[float], what: str
) -> None:
    assert job.source is not None
    strength, step = rulers.flux(whole, job.rate)
    levels = _levels(job.source, whole, job.rate)
    beats = _beats(clip, job)
    usual = _p95(job.source, job.rate, beats)
    uncut = _levels(job.source, job.source, job.rate)
    reused = not is_new(job)
    how = "reused" if reused else "new"
    for at in places:
        if not 0.5 < at < len(whole) / job.rate - 0.5:
            continue
        click = rulers.click_ratio(levels, job.rate, at)
        allowed = _allowed(uncut, job.rate, beats, _past_beat(clip, at))
        ahead = _allowed(uncut, job.rate, beats, -_LEAD_S)
        seams.over_ahead.append(click - ahead)
        seams.flux.append(rulers.flux_peak(strength, step, at) / usual)
        seams.click.append(click)
        seams.over.append(click - allowed)
        seams.worst.append(
            (click - allowed, f"{clip.name} {what} {how} {click:.2f}, may {allowed:.2f}")
        )
        usual_steps = _bar_steps(clip, job)
        if usual_steps and max(usual_steps) < _STEADY_LU:
            (seams.reuse_lu if reused else seams.new_lu).append(_step_lu(whole, job.rate, at))
            seams.uncut_lu += usual_steps


def _past_beat(clip: Clip, second: float) -> float:
    """Seconds from the nearest beat to `second`, negative before it."""
    past = (second - (clip.downbeat or 0.0)) % clip.beat_s
    return past - clip.beat_s if past > clip.beat_s / 2 else past


def _allowed(uncut: np.ndarray, rate: int, beats: list[float], past_s: float) -> float:
    """What a click may reach: 0.3 over the clip's own at its uncut beats, at the same distance.

    On a beat there is an attack, and before it there is not: a seam is compared with its like.
    """
    own = [rulers.click_ratio(uncut, rate, t + past_s) for t in beats]
    return float(np.percentile(own, 99.9)) + 0.3 if own else 1.5


def _levels(source: np.ndarray, whole: np.ndarray, rate: int) -> np.ndarray:
    """Second differences of `whole` in units of the source's 99.9th percentile."""
    bend = np.abs(np.diff(rulers.mono(source), 2))
    unit = np.percentile(bend, 99.9) + 1e-12
    return np.abs(np.diff(rulers.mono(whole), 2, prepend=[0, 0])) / unit


def _beats(clip: Clip, job: Job) -> list[float]:
    assert job.source is not None
    end = len(job.source) / job.rate - 0.1
    first = (clip.downbeat or 0.0) % clip.beat_s
    return [t for t in np.arange(first, end, clip.beat_s).tolist() if t > 0.1]


def _p95(source: np.ndarray, rate: int, beats: list[float]) -> float:
    strength, step = rulers.flux(source, rate)
    return float(np.percentile([rulers.flux_peak(strength, step, t) for t in beats], 95))


def _step_lu(x: np.ndarray, rate: int, at: float) -> float:
    """Loudness step at `at`, LU, between the 400 ms on either side."""
    sides = (piece(x, rate, at - _SIDE_S, at), piece(x, rate, at, at + _SIDE_S))
    return abs(rulers.momentary(sides[1], rate) - rulers.momentary(sides[0], rate))


def _bar_steps(clip: Clip, job: Job) -> list[float]:
    """The same step at the clip's own, uncut bar lines."""
    assert job.source is not None
    end = len(job.source) / job.rate
    lines = np.arange(clip.downbeat or 0.0, end - _SIDE_S, clip.bar_s)
    return [_step_lu(job.source, job.rate, t) for t in lines if t > _SIDE_S]


def controls(seams: Seams, clip: Clip, job: Job) -> None:
    """The same figures at uncut beats and at hard cuts between random places."""
    assert job.source is not None
    rng = np.random.Generator(np.random.PCG64(6))
    source, rate = job.source, job.rate
    levels = _levels(source, source, rate)
    strength, step = rulers.flux(source, rate)
    beats = _beats(clip, job)
    usual = _p95(source, rate, beats)
    for at in rng.choice(beats, min(_CONTROLS, len(beats)), replace=False):
        seams.uncut.append(rulers.click_ratio(levels, rate, at - _LEAD_S))
        seams.uncut_flux.append(rulers.flux_peak(strength, step, at) / usual)
    for _ in range(_CONTROLS):
        a, b = (int(rng.integers(rate, len(source) - rate)) for _ in range(2))
        joined = np.concatenate([source[a - rate : a], source[b : b + rate]])
        seams.cut.append(rulers.click_ratio(_levels(source, joined, rate), rate, 1.0))
        cut_strength, cut_step = rulers.flux(joined, rate)
        seams.cut_flux.append(rulers.flux_peak(cut_strength, cut_step, 1.0) / usual)


def is_new(job: Job) -> bool:
    """Whether a job says that it wrote new parts instead of reusing the clip's bars."""
    return any("new parts" in note.lower() for note in job.notes)


def piece(x: np.ndarray, rate: int, start_s: float, end_s: float) -> np.ndarray:
    return x[max(0, round(start_s * rate)) : round(end_s * rate)]


def seam_figures(seams: Seams) -> list[Figure]:
    worst = [text for _, text in sorted(seams.worst, reverse=True)[:8]]
    told = (
        f"; uncut {np.mean(seams.uncut):.2f}, random cuts {np.mean(seams.cut):.2f} "
        f"(max {max(seams.cut):.1f})"
    )
    flux_controls = (
        f"; uncut {np.mean(seams.uncut_flux):.2f}, random cuts {np.mean(seams.cut_flux):.2f}"
    )
    rows = [
        at_most("seams: flux ratio, mean", float(np.mean(seams.flux)), 1.0, note=flux_controls),
        at_most("seams: click ratio, mean", float(np.mean(seams.click)), 0.8, note=told),
        at_most(
            "seams: click ratio over the clip's own p99.9, max",
            max(seams.over) + 0.3,
            0.3,
            worst=worst,
            note=f"; largest ratio {max(seams.click):.2f}; over the uncut 12 ms before beats "
            f"{max(seams.over_ahead) + 0.3:.2f}",
        ),
    ]
    for name, values, gate in (
        ("seams: loudness step, median, reuse", seams.reuse_lu, 0.7),
        ("seams: loudness step, median, new material", seams.new_lu, 1.0),
    ):
        if values:
            rows.append(
                at_most(
                    name,
                    float(np.median(values)),
                    gate,
                    " LU",
                    note=f" ({len(values)} seams; uncut bar lines {np.median(seams.uncut_lu):.2f})",
                )
            )
        else:
            rows.append(none(name, f"≤ {gate:g} LU", "no such seams in steady clips"))
    return rows
