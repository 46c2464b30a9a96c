"""Gates of what prompt and strength change in a repaint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.sketch import rulers
from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.performer import Job, Performer
from benchmarks.sketch.table import Figure, at_least

_SPARSE, _BUSY = "sparse half-time", "busy double-time"
_STRENGTHS = (0.0, 0.3, 0.6, 1.0)
_CLIPS = 8


def figures(clips: Sequence[Clip], player: Performer) -> list[Figure]:
    """Repaint two bars of some mixes with drums."""
    drummed = [c for c in clips if c.group in ("fluid", "given") and "no drums" not in c.tags]
    chosen = [c for c in drummed if c.bar_s < 5][:: max(1, len(drummed) // _CLIPS)][:_CLIPS]
    return [_density(chosen, player), *_strength(chosen, player)]


def _repainted(clip: Clip, player: Performer, **keys: object) -> Job:
    start = (clip.downbeat or 0.0) + 2 * clip.bar_s
    return player.run(
        "repaint",
        clip.file,
        bpm=clip.bpm,
        meter=f"{clip.beats}/{clip.unit}",
        downbeat=clip.downbeat,
        start=start,
        end=start + 2 * clip.bar_s,
        **keys,
    )


def _density(clips: Sequence[Clip], player: Performer) -> Figure:
    ratios = []
    for clip in clips:
        counts = []
        for prompt in (_SPARSE, _BUSY):
            job = _repainted(clip, player, prompt=prompt)
            counts.append(len(rulers.onset_times(job.regions[0], job.rate)))
        ratios.append((counts[1] / max(1, counts[0]), f"{clip.name} {counts[0]} and {counts[1]}"))
    worst = [f"{n} onsets, {r:.2f} ×" for r, n in sorted(ratios)[:4]]
    mean = float(np.exp(np.mean([np.log(max(r, 0.01)) for r, _ in ratios])))
    share = np.mean([r >= 1.5 for r, _ in ratios])
    return at_least(
        f"onsets of '{_BUSY}' over '{_SPARSE}', geometric mean",
        mean,
        1.5,
        " ×",
        2,
        f"; {100 * share:.0f} % of clips reach it",
        worst,
    )


def _strength(clips: Sequence[Clip], player: Performer) -> list[Figure]:
    """Distance from the source by chroma and by onsets, at each strength."""
    rows, worst, rising = [], [], []
    for clip in clips:
        found = []
        for strength in _STRENGTHS:
            job = _repainted(clip, player, strength=strength)
            a, b = job.spans[0]
            assert job.source is not None
            found.append(_distance(job.source[a:b], job.regions[0], job.rate, clip.beat_s))
        rows.append(found)
        rising.append(bool(np.all(np.diff(found) >= -0.01)))
        if not rising[-1]:
            worst.append(f"{clip.name} {' '.join(f'{d:.2f}' for d in found)}")
    mean = np.mean(rows, axis=0)
    text = " ".join(f"{d:.2f}" for d in mean)
    up = 100 * float(np.all(np.diff(mean) > 0))
    note = f" (mean distances {text} at strength 0, 0.3, 0.6, 1)"
    return [
        at_least("strength: mean distance rises at every step", up, 100, digits=0, note=note),
        at_least(
            "strength: clips whose distance never falls",
            100 * float(np.mean(rising)),
            100,
            digits=0,
            worst=worst,
        ),
    ]


def _distance(old: np.ndarray, new: np.ndarray, rate: int, beat_s: float) -> float:
    """Mean of chroma distance by beat and of onset-pattern distance, each 0 … 1."""
    step = round(beat_s * rate)
    starts = range(0, len(old) - step // 2, step)
    chroma = [
        1 - float(rulers.chroma(old[s : s + step], rate) @ rulers.chroma(new[s : s + step], rate))
        for s in starts
    ]
    a, b = (_pattern(x, rate) for x in (old, new))
    size = min(len(a), len(b))
    onsets = 1 - float(np.corrcoef(a[:size], b[:size])[0, 1])
    return 0.5 * float(np.mean(chroma)) + 0.5 * float(np.clip(onsets, 0, 1))


def _pattern(x: np.ndarray, rate: int) -> np.ndarray:
    """Onset strength, blurred by some 20 ms so that a player's freedom does not count."""
    strength, step = rulers.flux(x, rate)
    width = max(1, round(0.02 / step))
    return np.convolve(strength, np.hanning(2 * width + 3), "same")
