"""Gates of the voice: notes on a 1/16 grid, tunes harmonised, chord tones under the singer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.sketch import tunes
from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.table import Figure, at_least
from benchmarks.sketch.tunes import Span, Tune
from daemon.audio.grid import Grid
from daemon.engines.sketch.jobs.backing import sung
from daemon.engines.sketch.listen import Listening, key, listen, melody
from daemon.engines.sketch.listen.names import chord_tones, parse_chord, parse_key
from daemon.engines.sketch.plan.bars import bars_between
from daemon.engines.sketch.plan.harmonise import Sung, harmonise
from daemon.engines.sketch.plan.types import PlanChord

_STEP = 1 / 48  # quarters at which chords are compared
_MINORS = ("m", "m7")


def figures(clips: Sequence[Clip]) -> list[Figure]:
    """Measure the sung clips of a set and its tunes."""
    voices = [c for c in clips if c.group == "sung" and c.notes]
    wet = [c for c in voices if "wet" in c.tags]
    dry = [c for c in voices if "wet" not in c.tags]
    set_name = clips[0].set
    return [
        _grid("sung notes on a 1/16 grid", dry, 95),
        _grid("sung notes on a 1/16 grid, reverb and noise", wet, 90),
        *_harmonised(tunes.written(set_name)),
        *_from_sound([c for c in dry if c.name.startswith("sung-")], tunes.load(set_name)),
    ]


def _grid(name: str, clips: Sequence[Clip], gate: float) -> Figure:
    """Share of sixteenths, up to the last note, whose note or rest is the right one."""
    scores = {}
    for clip in clips:
        samples, rate = clip.read()
        found = melody(samples, rate)
        sixteenth = 15 / clip.bpm
        first = min(a for a, _, _ in clip.notes)
        slots = np.arange(first, max(b for _, b, _ in clip.notes), sixteenth) + sixteenth / 2
        right = []
        for at in slots[slots > 0]:
            truth = next((m for a, b, m in clip.notes if a <= at < b), None)
            got = next((n.midi for n in found if n.start_s <= at < n.end_s), None)
            match = truth is got or (
                truth is not None and got is not None and abs(got - truth) < 0.5
            )
            right.append(match)
        scores[clip.name] = 100 * float(np.mean(right))
    worst = [f"{n} {s:.1f} %" for n, s in sorted(scores.items(), key=lambda x: x[1])[:5]]
    return at_least(name, float(np.mean(list(scores.values()))), gate, worst=worst)


def _harmonised(songs: Sequence[Tune]) -> list[Figure]:
    """From the written notes, the key told."""
    right, strict, total, worst, tones = 0, 0, 0, [], []
    for tune in songs:
        chords = _chords(tune)
        flags = [_agrees(chords, bar) for bar in tune.bars]
        first = [_agrees(chords, bar[:1]) for bar in tune.bars]
        right, strict, total = right + sum(flags), strict + sum(first), total + len(flags)
        tones.append(_tone_share([(a, b, m) for a, b, m in tune.notes], chords))
        missed = [
            f"bar {i + 1}: {_named(chords, bar)}" for i, bar in enumerate(tune.bars) if not flags[i]
        ]
        worst.append(f"{tune.name} {sum(flags)} of {len(flags)}; {', '.join(missed)}")
    note = f" ({right} of {total} bars; first reading alone {100 * strict / total:.0f} %)"
    return [
        at_least(
            "tunes harmonised, from notes: bars that agree",
            100 * right / total,
            85,
            note=note,
            worst=worst,
        ),
        at_least(
            "chord tones, share of sung time, from notes",
            float(np.mean(tones)),
            0.8,
            unit="",
            digits=3,
        ),
    ]


def _from_sound(clips: Sequence[Clip], songs: Sequence[Tune]) -> list[Figure]:
    """From the sung clip, tempo and bars told, the key heard: as `bgm` does it."""
    by = {t.name: t for t in songs}
    right, total, keys, tones, worst = 0, 0, [], [], []
    for clip in clips:
        tune = by[clip.name.split("-", 2)[2]]
        grid = Grid.steady(clip.bpm, clip.beats, clip.unit, clip.downbeat or 0.0)
        samples, rate = clip.read()
        heard = listen(samples, rate, grid, downbeat_told=True)
        found = heard.key or key(samples, rate)[0] or "C major"
        keys.append(parse_key(found) == (clip.tonic, clip.minor))
        chords = _sung_chords(clip, heard, grid, found, tune)
        up = ((clip.tonic or 0) - tune.tonic) % 12
        flags = [_agrees(chords, bar, up) for bar in tune.bars]
        right, total = right + sum(flags), total + len(flags)
        lead = tune.notes[0][0] * 60 / tune.bpm
        quarter = [
            (
                (a - clip.notes[0][0] + lead) * clip.bpm / 60,
                (b - clip.notes[0][0] + lead) * clip.bpm / 60,
                m,
            )
            for a, b, m in clip.notes
        ]
        tones.append(_tone_share(quarter, chords))
        worst.append(f"{clip.name} {sum(flags)} of {len(flags)}, heard {heard.kind} in {found}")
    if not total:
        return []
    return [
        at_least(
            "tunes harmonised, from sound: bars that agree",
            100 * right / total,
            85,
            worst=worst,
            note=f"; key {sum(keys)} of {len(keys)}",
        ),
        at_least(
            "chord tones, share of sung time, from sound",
            float(np.mean(tones)),
            0.8,
            unit="",
            digits=3,
        ),
    ]


def _chords(tune: Tune) -> list[PlanChord]:
    notes = [Sung(a, b, m) for a, b, m in tune.notes]
    return _harmony(notes, tune, tune.key, tune.bpm)


def _sung_chords(
    clip: Clip, heard: Listening, grid: Grid, name: str, tune: Tune
) -> list[PlanChord]:
    """Chords in quarters from the tune's first bar, which is the bar at or after the pickup."""
    notes = sung(heard, grid)
    pickup = min(0.0, tune.notes[0][0])
    start = grid.quarter_at(clip.notes[0][0])
    shift = round((start - pickup) / tune.bar_quarters) * tune.bar_quarters
    moved = [Sung(n.start - shift, n.end - shift, n.midi) for n in notes]
    return _harmony(moved, tune, name, tune.bpm)


def _harmony(notes: list[Sung], tune: Tune, name: str, bpm: float) -> list[PlanChord]:
    grid = Grid.steady(bpm, tune.beats, tune.unit)
    bar_s = tune.bar_quarters * 60 / bpm
    bars = bars_between(grid, 0.0, len(tune.bars) * bar_s)
    return [c for c in harmonise(notes, bars, name, bar_s) if c is not None]


def _agrees(chords: Sequence[PlanChord], readings: Sequence[Sequence[Span]], up: int = 0) -> bool:
    """Whether more than half of a bar has the chord of one reading; sevenths count as triads."""
    return any(_share(chords, reading, up) > 0.5 for reading in readings)


def _share(chords: Sequence[PlanChord], reading: Sequence[Span], up: int) -> float:
    times = np.arange(reading[0][0] + _STEP / 2, reading[-1][1], _STEP)
    hits = 0
    for at in times:
        want = next(
            (r + up) % 12 if not m else ((r + up) % 12, "m")
            for a, b, r, m in reading
            if a <= at < b
        )
        got = next((c.name for c in chords if c.start_quarter <= at < c.end_quarter), "N")
        parsed = parse_chord(got)
        if parsed is None or parsed[1] == "dim":
            continue
        minor = parsed[1] in _MINORS
        hits += want == ((parsed[0], "m") if minor else parsed[0])
    return hits / len(times)


def _named(chords: Sequence[PlanChord], bar: Sequence[Sequence[Span]]) -> str:
    a, b = bar[0][0][0], bar[0][-1][1]
    got = [c.name for c in chords if c.start_quarter < b - 1e-6 and c.end_quarter > a + 1e-6]
    roots = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    want = "/".join(" ".join(roots[r] + "m" * m for _, _, r, m in reading) for reading in bar)
    return f"{' '.join(got) or 'none'} for {want}"


def _tone_share(notes: Sequence[tuple[float, float, float]], chords: Sequence[PlanChord]) -> float:
    """Share of the time that is sung over a chord, in which the note belongs to it."""
    good, every = 0.0, 0.0
    for start, end, midi in notes:
        for chord in chords:
            part = min(end, chord.end_quarter) - max(start, chord.start_quarter)
            if part > 0 and chord.name != "N":
                every += part
                good += part * (round(midi) % 12 in chord_tones(chord.name))
    return good / every if every else 0.0
