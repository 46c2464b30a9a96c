"""Gates of extend and repaint: in time, the loop goes on, seams that nobody hears."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.sketch import rulers
from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.jumps import find_jumps
from benchmarks.sketch.performer import Job, Performer
from benchmarks.sketch.seams import Seams, at_seams, controls, is_new, piece, seam_figures
from benchmarks.sketch.table import Figure, at_least, at_most, none

_BARS = 8
_LEAD_MS, _LEAD_SLACK_MS = 12.0, 3.0


def figures(clips: Sequence[Clip], player: Performer) -> list[Figure]:
    """Extend and repaint the mixes and loops of a set."""
    placed = [c for c in clips if c.downbeat is not None]
    chosen = [c for c in placed if c.group in ("given", "loop")]
    chosen += [c for c in placed if c.group == "fluid"][::2]
    if not chosen:
        return [none("extend", "", "no clips")]
    lags, loops, leads, seams = ([], []), [], [], Seams()
    for clip in chosen:
        job = player.run("extend", clip.file, bars=_BARS, **_told(clip))
        if job.source is None or job.source.ndim != 2:
            continue
        how = "new parts" if is_new(job) else "reused"
        lags[clip.group == "loop"].append((abs(_lag(clip, job)), f"{clip.name} {how}"))
        if clip.loop_quarters and clip.chords:
            loops.append((_continued(clip, job), clip.name))
        whole = job.mix()
        at_seams(seams, clip, whole, job, [len(job.source) / job.rate], "extend")
        controls(seams, clip, job)
        inside = _jumps(job)
        leads += [(_lead_ms(clip, t), clip.name) for t in inside]
        at_seams(seams, clip, whole, job, inside, "jump")
        for keys in ({}, {"strength": 0.9}):
            patch = _repainted(clip, player, keys)
            if patch is not None:
                a, b = patch.spans[0]
                places = [a / patch.rate, b / patch.rate]
                at_seams(seams, clip, patch.mix(), patch, places, "repaint")
    return [*_in_time(*lags), _loop(loops), _leads(leads), *seam_figures(seams)]


def _told(clip: Clip) -> dict:
    return {"bpm": clip.bpm, "meter": f"{clip.beats}/{clip.unit}", "downbeat": clip.downbeat or 0.0}


def _repainted(clip: Clip, player: Performer, keys: dict) -> Job | None:
    """Repaint the two bars from the third whole one on."""
    start = (clip.downbeat or 0.0) + 2 * clip.bar_s
    samples, rate = clip.read()
    if start + 2.5 * clip.bar_s > len(samples) / rate:
        return None
    end = start + 2 * clip.bar_s
    return player.run("repaint", clip.file, start=start, end=end, **_told(clip), **keys)


def _jumps(job: Job) -> list[float]:
    """Seconds of the extended clip at which its new material jumps to another bar."""
    assert job.source is not None
    source, new = rulers.mono(job.source), rulers.mono(job.regions[-1])
    return [(len(source) + t) / job.rate for t in find_jumps(new, source, job.rate)]


def _lead_ms(clip: Clip, second: float) -> float:
    """Milliseconds from a jump to the beat that follows it."""
    return float((clip.downbeat or 0.0) - second) % clip.beat_s * 1000


def _leads(leads: list[tuple[float, str]]) -> Figure:
    name = f"jumps in new material {_LEAD_MS:.0f} ms before the beat, ± {_LEAD_SLACK_MS:.0f} ms"
    if not leads:
        return none(name, "≥ 100 %", "no jumps were found")
    far = [f"{n} {t:.1f} ms before" for t, n in leads if abs(t - _LEAD_MS) > _LEAD_SLACK_MS]
    note = f"; {len(leads)} jumps, median {np.median([t for t, _ in leads]):.1f} ms"
    return at_least(name, 100 * (1 - len(far) / len(leads)), 100, note=note, worst=far[:8])


def _lag(clip: Clip, job: Job) -> float:
    """Milliseconds by which the new bars' pattern lies behind the clip's."""
    assert job.source is not None
    bins = round(clip.bar_s * 1000)
    end = len(job.source) / job.rate
    old = rulers.folded(job.source, job.rate, clip.bar_s, -(clip.downbeat or 0.0), bins)
    new = rulers.folded(job.regions[-1], job.rate, clip.bar_s, end - (clip.downbeat or 0.0), bins)
    return rulers.phase_lag_ms(old, new, clip.bar_s)


def _continued(clip: Clip, job: Job) -> float:
    """Share of half bars whose sound is nearest to the chord that the loop asks for there."""
    assert job.source is not None
    rate, half = job.rate, clip.bar_s / 2
    end, begin = len(job.source) / rate, (clip.downbeat or 0.0) - clip.bar_s
    loop_s = clip.loop_quarters * 60 / clip.bpm
    known, names = [], []
    at = begin
    while at + half <= end + 1e-6:
        if at >= 0:
            known.append(rulers.chroma(piece(job.source, rate, at, at + half), rate))
            names.append(_chord(clip, at + half / 2))
        at += half
    flags = []
    while at + half <= end + len(job.regions[-1]) / rate + 1e-6:
        if at >= end:
            want = _chord(clip, _back(at + half / 2, end, loop_s))
            here = piece(job.regions[-1], rate, at - end, at - end + half)
            got = names[int(np.argmax(np.array(known) @ rulers.chroma(here, rate)))]
            if want is not None:
                flags.append(got == want)
        at += half
    return float(np.mean(flags)) if flags else 1.0


def _back(second: float, end: float, loop_s: float) -> float:
    return second - loop_s * np.ceil((second - end) / loop_s + 1e-9)


def _chord(clip: Clip, second: float) -> tuple[int, str] | None:
    return next(((r, q) for a, b, r, q in clip.chords if a <= second < b), None)


def _in_time(scored: list[tuple[float, str]], loops: list[tuple[float, str]]) -> list[Figure]:
    """Recorded loops apart: their own players are not on the grid to the millisecond."""
    rows = []
    for what, lags in (("", scored), (", recorded loops", loops)):
        if not lags:
            continue
        values = [v for v, _ in lags]
        worst = [f"{n} {v:.1f} ms" for v, n in sorted(lags, reverse=True)[:6]]
        name = f"extend: tempo-phase difference{what}"
        rows += [
            at_most(f"{name}, mean", float(np.mean(values)), 2, " ms", worst=worst),
            at_most(f"{name}, max", max(values), 5, " ms"),
        ]
    return rows


def _loop(loops: list[tuple[float, str]]) -> Figure:
    worst = [f"{n} {100 * v:.0f} %" for v, n in sorted(loops)[:6] if v < 1]
    share = 100 * float(np.mean([v for v, _ in loops]))
    return at_least("extend: loop continued right", share, 97, worst=worst)
