"""Gates of the ear: chords, key, beats, bars, tempo, and what kind of clip it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.table import Figure, at_least, none
from daemon.audio.grid import Grid
from daemon.engines.sketch.listen import Listening, find_grid, listen
from daemon.engines.sketch.listen.names import parse_chord, parse_key, scale_of

_HARTE = {
    "": "maj",
    "m": "min",
    "7": "7",
    "m7": "min7",
    "maj7": "maj7",
    "sus4": "sus4",
    "dim": "dim",
}
_ROOTS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_NEAR_BEATS = 0.1
_CUTS = 3
_CUT_BARS = 4
_STEP_S = 0.05


def figures(clips: Sequence[Clip]) -> list[Figure]:
    """Listen to every clip of a set once and measure."""
    mixes = [c for c in clips if c.group in ("fluid", "given")]
    own = [c for c in clips if c.group == "own"]
    heard = {c.name: _told(c) for c in [*mixes, *own]}
    return [
        *_majmin(mixes, heard),
        *_keys(mixes, heard),
        *_qualities(own, heard),
        *_bars(mixes, heard),
        *_cut_bars(mixes),
        *_tempo(clips),
        *_kinds(clips),
    ]


def _told(clip: Clip) -> Listening:
    samples, rate = clip.read()
    return listen(samples, rate, bpm=clip.bpm, metre=(clip.beats, clip.unit))


def _majmin(clips: Sequence[Clip], heard: dict[str, Listening]) -> list[Figure]:
    name = "chords right by time, mapped to major/minor, mixes (mir_eval majmin)"
    try:
        from mir_eval import chord
    except ImportError:
        return [none(name, "≥ 95 %", "pip install mir_eval")]
    scores = {}
    for clip in clips:
        spans, labels = _annotation(clip)
        found = heard[clip.name].chords
        got = np.array([[c.start_s, c.end_s] for c in found])
        names = [_harte(c.name) for c in found]
        got, names = chord.util.adjust_intervals(
            got, names, spans.min(), spans.max(), chord.NO_CHORD, chord.NO_CHORD
        )
        times, ref, est = chord.util.merge_labeled_intervals(spans, labels, got, names)
        hits = chord.majmin(ref, est)
        scores[clip.name] = chord.weighted_accuracy(hits, chord.util.intervals_to_durations(times))
    by = {c.name: c for c in clips}
    parts = [
        f"; {group} {100 * np.mean([s for n, s in scores.items() if by[n].group == group]):.1f}"
        for group in ("fluid", "given")
        if any(c.group == group for c in clips)
    ]
    mean = 100 * float(np.mean(list(scores.values())))
    worst = [f"{n} {100 * s:.0f} % {' '.join(by[n].tags)}" for n, s in _lowest(scores, 10)]
    return [at_least(name, mean, 95, note="".join(parts), worst=worst)]


def _annotation(clip: Clip) -> tuple[np.ndarray, list[str]]:
    samples, rate = clip.read()
    end = len(samples) / rate
    rows = [(max(0.0, a), min(end, b), r, q) for a, b, r, q in clip.chords if a < end and b > 0]
    return np.array([[a, b] for a, b, _, _ in rows]), [f"{_ROOTS[r]}:{q}" for _, _, r, q in rows]


def _harte(name: str) -> str:
    parsed = parse_chord(name)
    return "N" if parsed is None else f"{_ROOTS[parsed[0]]}:{_HARTE[parsed[1]]}"


def _keys(clips: Sequence[Clip], heard: dict[str, Listening]) -> list[Figure]:
    exact, related, worst = [], [], []
    for clip in clips:
        found = heard[clip.name].key
        truth = (clip.tonic, clip.minor)
        exact.append(found is not None and parse_key(found) == truth)
        scale = {
            (clip.tonic + s) % 12
            for s in ((0, 2, 3, 5, 7, 8, 10) if clip.minor else (0, 2, 4, 5, 7, 9, 11))
        }
        related.append(found is not None and scale_of(found) == scale)
        if not exact[-1]:
            true = f"{_ROOTS[clip.tonic or 0]} {'minor' if clip.minor else 'major'}"
            worst.append(f"{clip.name} {found} for {true}")
    return [
        at_least("key exact, mixes", 100 * float(np.mean(exact)), 80, worst=worst),
        at_least("key of the same scale, mixes", 100 * float(np.mean(related)), 92),
    ]


def _qualities(clips: Sequence[Clip], heard: dict[str, Listening]) -> list[Figure]:
    """Root and quality, all seven, by time on own renders."""
    if not clips:
        return [none("all seven qualities right by time, own renders", "≥ 80 %", "no clips")]
    by: dict[str, list[float]] = {}
    scores: dict[str, float] = {}
    wrong: dict[str, int] = {}
    for clip in clips:
        rights = []
        for start, end, root, quality in clip.chords:
            times = np.arange(start + _STEP_S / 2, end, _STEP_S)
            names = [parse_chord(heard[clip.name].chord_at(t)) for t in times]
            for name in filter(None, names):
                told = f"{quality} as {_HARTE[name[1]]} on {(name[0] - root) % 12}"
                wrong[told] = wrong.get(told, 0) + 1
            right = [n is not None and (n[0], _HARTE[n[1]]) == (root, quality) for n in names]
            by.setdefault(quality, []).append(float(np.mean(right)))
            rights.append(by[quality][-1])
        if rights:
            scores[clip.name] = float(np.mean(rights))
    mean = 100 * float(np.mean(list(scores.values())))
    note = "; " + ", ".join(f"{q} {100 * np.mean(v):.0f}" for q, v in by.items())
    note += f" ({sum(map(len, by.values()))} bars)"
    worst = [f"{n} {100 * s:.0f} %" for n, s in _lowest(scores, 5)]
    usual = sorted(wrong.items(), key=lambda item: -item[1])
    worst += [t for t, _ in usual if t.split()[0] != t.split()[2] or not t.endswith(" 0")][:8]
    name = "all seven qualities right by time, own renders"
    return [at_least(name, mean, 80, note=note, worst=worst)]


def _bar_error(clip: Clip, grid: Grid, start_s: float = 0.0) -> tuple[float, float]:
    """Return seconds from the nearest true beat and the nearest true bar line."""
    late = grid.downbeat + start_s - (clip.downbeat or 0.0)
    beat, bar = clip.beat_s, clip.bar_s
    return (late + beat / 2) % beat - beat / 2, (late + bar / 2) % bar - bar / 2


def _bars(clips: Sequence[Clip], heard: dict[str, Listening]) -> list[Figure]:
    beats, bars, worst = [], [], []
    for clip in clips:
        beat, bar = _bar_error(clip, heard[clip.name].grid)
        beats.append(abs(beat) < _NEAR_BEATS * clip.beat_s)
        bars.append(abs(bar) < _NEAR_BEATS * clip.beat_s)
        if not bars[-1]:
            off = bar / clip.beat_s
            worst.append(f"{clip.name} off by {off:+.2f} beats, {clip.bpm} {' '.join(clip.tags)}")
    return [
        at_least(
            "beat phase, tempo told, whole clips", 100 * float(np.mean(beats)), 100, worst=worst
        ),
        at_least("downbeat, tempo told, whole clips", 100 * float(np.mean(bars)), 95),
    ]


def _cut_bars(clips: Sequence[Clip]) -> list[Figure]:
    rng = np.random.Generator(np.random.PCG64(40))
    beats, bars, worst = [], [], []
    for clip in clips:
        samples, rate = clip.read()
        length = _CUT_BARS * clip.bar_s
        for start in rng.uniform(0, max(0.0, len(samples) / rate - length), _CUTS):
            piece = samples[round(start * rate) : round((start + length) * rate)]
            grid, _ = find_grid(piece, rate, clip.bpm, (clip.beats, clip.unit))
            beat, bar = _bar_error(clip, grid, start)
            beats.append(abs(beat) < _NEAR_BEATS * clip.beat_s)
            bars.append(abs(bar) < _NEAR_BEATS * clip.beat_s)
            if not bars[-1]:
                worst.append(f"{clip.name} at {start:.1f} s off {bar / clip.beat_s:+.2f} beats")
    return [
        at_least("beat phase, tempo told, 4-bar cut-outs", 100 * float(np.mean(beats)), 100),
        at_least(
            "downbeat, tempo told, 4-bar cut-outs", 100 * float(np.mean(bars)), 95, worst=worst
        ),
    ]


def _tempo(clips: Sequence[Clip]) -> list[Figure]:
    rows: dict[str, list[bool]] = {}
    worst = []
    for clip in clips:
        if clip.group not in ("fluid", "given", "loop") and clip.kind != "drums":
            continue
        samples, rate = clip.read()
        grid, sure = find_grid(samples, rate)
        ratio = grid.tempo_at(0.0) / clip.bpm
        right = min(abs(ratio / k - 1) for k in (0.5, 1.0, 2.0)) < 0.01
        rows.setdefault(clip.group, []).append(right)
        if not right:
            worst.append(
                f"{clip.name} {grid.tempo_at(0):.1f} for {clip.bpm:.1f} "
                f"({ratio:.3f}, sure {sure:.2f}) {' '.join(clip.tags)}"
            )
    every = [x for v in rows.values() for x in v]
    note = "; " + ", ".join(f"{k} {sum(v)} of {len(v)}" for k, v in rows.items())
    name = "tempo within 1 %, not told (half/double allowed)"
    return [at_least(name, 100 * float(np.mean(every)), 90, note=note, worst=worst)]


def _kinds(clips: Sequence[Clip]) -> list[Figure]:
    rows: dict[str, list[bool]] = {}
    worst = []
    for clip in clips:
        if clip.kind is None or "solo" in clip.tags:
            continue
        samples, rate = clip.read()
        found = listen(samples[: 20 * rate], rate).kind
        rows.setdefault(clip.kind, []).append(found == clip.kind)
        if found != clip.kind:
            worst.append(f"{clip.name} heard as {found}, is {clip.kind}")
    text = ", ".join(f"{k} {sum(v)} of {len(v)}" for k, v in rows.items())
    return [Figure("kind of clip recognised", text, worst=tuple(worst))]


def _lowest(scores: dict[str, float], count: int) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda item: item[1])[:count]
