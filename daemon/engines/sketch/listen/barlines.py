"""What speaks for a bar line: features of every hypothesis about where the bars begin.

Every phase that the pulse may have is tried with every beat of the bar as the first, and scored by
what the harmony, the bass and the drums do there.
"""

from __future__ import annotations

import numpy as np

from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.harmony import chord_scores
from daemon.engines.sketch.listen.phase import BINS, Scene, candidates, fold

# Weights of the features by pulses in a bar, `ANY` for other metres: a conditional logit fitted on
# rendered songs with known bars, whole and cut out, none of which the benchmarks use. In the order
# of `_row`: change of harmony and of bass, near and far, on the line and in the middle of the bar;
# unity of bar and half bar; onsets, low ones and high ones on the line, in the middle, before the
# line, and on the pulse at all; what swings, what syncopates.
ANY = 0
WEIGHTS = {
    ANY: np.array(
        [
            4.4,
            -0.6,
            6.2,
            3.5,
            3.8,
            -1.5,
            0.9,
            -0.1,
            1.6,
            0.7,
            2.0,
            -1.7,
            0.3,
            -0.5,
            5.6,
            3.1,
            1.3,
            4.3,
            -0.9,
            -1.0,
            0.6,
            0.8,
            -0.8,
            3.9,
        ]
    ),
    4: np.array(
        [
            5.4,
            -0.8,
            8.1,
            4.4,
            4.7,
            -1.8,
            1.6,
            0.0,
            1.4,
            0.7,
            2.8,
            -2.2,
            -0.1,
            -0.8,
            5.0,
            3.7,
            1.7,
            4.3,
            -0.9,
            -1.2,
            0.6,
            0.5,
            -0.8,
            4.7,
        ]
    ),
    3: np.array(
        [
            4.4,
            -0.6,
            5.5,
            3.5,
            3.8,
            -1.5,
            0.3,
            -0.1,
            1.8,
            0.7,
            1.9,
            -1.7,
            0.5,
            -0.1,
            6.9,
            3.1,
            0.7,
            4.7,
            -1.6,
            -1.0,
            0.8,
            1.4,
            -1.8,
            3.5,
        ]
    ),
    2: np.array(
        [
            4.5,
            -0.6,
            6.0,
            3.5,
            3.8,
            -1.5,
            0.6,
            -0.1,
            1.5,
            0.8,
            1.9,
            -1.7,
            0.3,
            0.0,
            5.5,
            3.1,
            1.3,
            5.1,
            -1.2,
            -1.0,
            0.6,
            1.0,
            0.0,
            3.9,
        ]
    ),
}
_OPPOSITE = ((1 / 3, 1 / 4), (2 / 3, 3 / 4))  # early and late places in a pulse


def hypotheses(scene: Scene, check: Check = unchecked) -> tuple[np.ndarray, np.ndarray]:
    """Return pulses by which the downbeat could be later `(h,)` and their scores `(h,)`."""
    phases, folded = candidates(scene)
    per_bar = scene.beat.per_bar
    weights = WEIGHTS.get(per_bar, WEIGHTS[ANY])
    shifts, scores = [], []
    for phase in phases:
        check()
        shifts += [phase + beat for beat in range(per_bar)]
        scores.append(features(scene, phase, folded) @ weights)
    return np.array(shifts), np.concatenate(scores)


def features(scene: Scene, phase: float, folded: np.ndarray) -> np.ndarray:
    """Features of the hypotheses with the pulse at `phase`, one row for each beat of the bar."""
    per_bar = scene.beat.per_bar
    first = int(np.floor(scene.beat.at(np.array([0.0]))[0] - phase)) - per_bar
    last = int(np.ceil(scene.beat.at(np.array([scene.length_s]))[0] - phase)) + per_bar
    halves = np.arange(2 * first, 2 * last + 1)
    edges = scene.beat.second_of(phase + halves / 2)
    inside = (edges >= -0.05) & (edges <= scene.length_s + 0.05)
    halves, edges = halves[inside], edges[inside]
    if len(edges) < 6:
        return np.zeros((per_bar, len(WEIGHTS[ANY])))
    notes = scene.tones.pooled(edges)
    place = halves % (2 * per_bar)
    harmony = _harmony_profiles(notes, place, 2 * per_bar)
    unity = _unity(chord_scores(notes), place[:-1], 2 * per_bar)
    accents, late = _accent_profiles(scene, phase), _lateness(folded, phase)
    return np.array(
        [_row(harmony, unity, accents, beat, per_bar) + late for beat in range(per_bar)]
    )


def _harmony_profiles(notes: np.ndarray, place: np.ndarray, cycle: int) -> tuple[np.ndarray, ...]:
    """Mean change of chroma and of bass at each half pulse of the bar, seen near and far."""
    octaves = notes.reshape(len(notes), -1, 12)
    chroma, bass = octaves[:, 2:].sum(axis=1), octaves[:, :2].sum(axis=1)
    return tuple(
        _folded(_novelty(part, width), place, cycle)
        for part, width in ((chroma, 2), (bass, 2), (chroma, cycle // 2), (bass, cycle // 2))
    )


def _unity(scores: np.ndarray, place: np.ndarray, cycle: int) -> tuple[np.ndarray, ...]:
    """How well one chord explains a bar, or each half bar, that begins at each place of the bar."""
    sums = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(scores, axis=0)])
    found = []
    for width in (cycle, cycle // 2):
        if len(scores) < width:
            found.append(np.zeros(cycle))
            continue
        best = ((sums[width:] - sums[:-width]) / width).max(axis=1)
        found.append(_folded(best, place[: len(best)], cycle))
    return found[0], found[1]


def _novelty(rows: np.ndarray, width: int) -> np.ndarray:
    """Cosine distance of the `width` rows before and after each edge; NaN where either lacks."""
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(np.sqrt(rows), axis=0)])
    novelty = np.full(len(sums), np.nan)
    if len(rows) < 2 * width:
        return novelty
    blocks = sums[width:] - sums[:-width]
    blocks /= np.linalg.norm(blocks, axis=1, keepdims=True) + 1e-6
    novelty[width:-width] = 1 - (blocks[:-width] * blocks[width:]).sum(axis=1)
    return novelty


def _folded(values: np.ndarray, place: np.ndarray, cycle: int) -> np.ndarray:
    """Mean of `values` at each place of the bar; the overall mean where there is none."""
    known = ~np.isnan(values)
    if not known.any():
        return np.zeros(cycle)
    total = np.bincount(place[known], values[known], cycle)
    count = np.bincount(place[known], minlength=cycle)
    overall = values[known].mean()
    return (total + overall) / (count + 1)


def _accent_profiles(scene: Scene, phase: float) -> tuple[np.ndarray, ...]:
    """Strength of onsets, of low and of high ones, at each half pulse of the bar."""
    per_bar, heard = scene.beat.per_bar, scene.onsets
    at = np.round((phase + np.arange(2 * per_bar) / 2) * BINS).astype(int) % (BINS * per_bar)
    parts = (heard.strength, heard.low, heard.high)
    return tuple(np.log1p(fold(scene, part, per_bar)[at]) for part in parts)


def _lateness(folded: np.ndarray, phase: float) -> list[float]:
    """How much more happens late in the pulse than early: at two thirds, at three quarters.

    What swings or anticipates does so before the next beat, hardly ever right after one.
    """
    level = np.log1p(folded)
    early, late = ([round((phase + at) * BINS) % BINS for at in places] for places in _OPPOSITE)
    return [float(level[b] - level[a]) for a, b in zip(early, late, strict=True)]


def _row(
    harmony: tuple[np.ndarray, ...],
    unity: tuple[np.ndarray, ...],
    accents: tuple[np.ndarray, ...],
    beat: int,
    per_bar: int,
) -> list[float]:
    """Features of one hypothesis: what happens on the bar line against elsewhere."""
    line, before = 2 * beat, 2 * (beat + per_bar - 1) % (2 * per_bar)
    middle = (2 * beat + per_bar) % (2 * per_bar) if per_bar % 2 == 0 and per_bar > 2 else None
    values = []
    for profile in harmony:
        mean = profile.mean()
        values += [profile[line] - mean, 0.0 if middle is None else profile[middle] - mean]
    values += [part[line] for part in unity]
    for profile in accents:
        mean = profile[::2].mean()
        values += [profile[line] - mean, 0.0 if middle is None else profile[middle] - mean]
        values += [profile[before] - mean if per_bar > 2 else 0.0, mean - profile.mean()]
    return [float(value) for value in values]
