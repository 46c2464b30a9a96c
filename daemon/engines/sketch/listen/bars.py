"""Where the bars lie, when the tempo is known: beat phase and downbeat, searched together.

Onsets alone are wrong by half a beat as soon as chords are played off the beat, so every phase
that the onsets suggest, and the one half a beat later, is tried with every beat of the bar as the
first, and scored by what the harmony, the bass and the drums do there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.harmony import chord_scores
from daemon.engines.sketch.listen.onsets import Onsets
from daemon.engines.sketch.listen.pulse import Pulses, pulses
from daemon.engines.sketch.listen.tonal import Tones

_BINS = 64
_BLUR_S = 0.02
_REACH_S = 0.045  # how far a beat is moved onto the attacks
_FINE_S = 0.001
_NEAR = 0.12  # pulses; phases closer than this are one candidate

_METRE_BARS = 3
_METRES = {(4, 4): 0.0, (3, 4): -0.5, (6, 8): -1.5}  # and how much worse each starts

# Weights of `_features`, in its order: a conditional logit fitted on cut-outs of clips with known
# bars.
WEIGHTS = np.array([4.5, 7.0, 12.9, 6.4, 0.1, 1.0, 2.3, 1.4, 0.4, 0.3, 0.1])


@dataclass(frozen=True)
class _Scene:
    """What the hypotheses are scored on."""

    onsets: Onsets
    tones: Tones
    beat: Pulses
    length_s: float
    attacks: tuple[np.ndarray, np.ndarray] = (np.zeros(0), np.zeros(0))


def find_bars(
    onsets: Onsets,
    tones: Tones,
    grid: Grid,
    length_s: float,
    attacks: tuple[np.ndarray, np.ndarray],
    check: Check = unchecked,
) -> tuple[Grid, float]:
    """Return `grid` with its downbeat where a bar starts, and a confidence 0…1.

    The downbeat lies within the first bar of the clip. `grid` gives tempo and metre, `attacks` is
    of `onsets.attack_strength`.
    """
    scene = _Scene(onsets, tones, pulses(grid, length_s), length_s, attacks)
    shifts, features = hypotheses(scene, check)
    scores = features @ WEIGHTS
    odds = np.exp(scores - scores.max())
    best = int(np.argmax(odds))
    shift = _refined(scene, float(shifts[best]))
    return _placed(grid, scene.beat, shift), float(odds[best] / odds.sum())


def find_metre(
    onsets: Onsets, tones: Tones, grid: Grid, length_s: float, check: Check = unchecked
) -> tuple[int, int]:
    """Return `(beats, unit)` of the metre in which the bars of a clip stand out most.

    `grid` gives the tempo. 4/4 is preferred, and kept for clips of less than `_METRE_BARS` bars.
    """
    if length_s < _METRE_BARS * grid.bars_length(0.0, 1):
        return 4, 4
    evidence = {}
    for metre, head_start in _METRES.items():
        points = tuple(replace(p, beats=metre[0], unit=metre[1]) for p in grid.points)
        tried = replace(grid, points=points)
        scene = _Scene(onsets, tones, pulses(tried, length_s), length_s)
        evidence[metre] = float((hypotheses(scene, check)[1] @ WEIGHTS).max()) + head_start
    return max(evidence, key=lambda metre: evidence[metre])


def hypotheses(scene: _Scene, check: Check = unchecked) -> tuple[np.ndarray, np.ndarray]:
    """Return pulses by which the downbeat could be later `(h,)` and their features `(h, f)`."""
    shifts, rows = [], []
    for phase in _phases(scene):
        check()
        table = _features(scene, phase)
        shifts += [phase + beat for beat in range(scene.beat.per_bar)]
        rows.append(table)
    return np.array(shifts), np.concatenate(rows)


def _phases(scene: _Scene) -> list[float]:
    """Return candidate phases of the pulse, 0…1, the strongest and its opposite first."""
    fold = _fold(scene, scene.onsets.strength, 1)
    peaks = np.flatnonzero((fold > np.roll(fold, 1)) & (fold >= np.roll(fold, -1)))
    if not len(peaks):
        return [0.0]
    peaks = peaks[np.argsort(-fold[peaks])]
    top = (peaks[0] + 0.5) / _BINS
    chosen = [top, (top + 0.5) % 1]
    for peak in peaks[1:]:
        phase = (peak + 0.5) / _BINS
        apart = min(abs((phase - c + 0.5) % 1 - 0.5) for c in chosen)
        if apart > _NEAR and fold[peak] > 0.4 * fold[peaks[0]]:
            chosen.append(phase)
    return chosen[:4]


def _fold(scene: _Scene, strength: np.ndarray, cycle: int) -> np.ndarray:
    """Mean of `strength` over the clip folded into `cycle` pulses, `_BINS` a pulse; mean 1."""
    bins = _BINS * cycle
    at = scene.beat.at(scene.onsets.seconds) % cycle * _BINS
    index = at.astype(int) % bins
    total = np.bincount(index, strength, bins)
    count = np.bincount(index, minlength=bins)
    blur = np.arange(bins)
    distance = np.minimum(blur, bins - blur) / _BINS * scene.beat.mean_s / _BLUR_S
    kernel = np.fft.rfft(np.exp(-0.5 * distance**2))
    smooth = [np.fft.irfft(np.fft.rfft(x) * kernel, bins) for x in (total, count)]
    fold = np.maximum(smooth[0], 0) / np.maximum(smooth[1], 1e-9)
    mean = fold.mean()
    return fold / mean if mean > 0 else np.ones(bins)


def _features(scene: _Scene, phase: float) -> np.ndarray:
    """Features of the hypotheses with the pulse at `phase`, one row for each beat of the bar."""
    per_bar = scene.beat.per_bar
    first = int(np.floor(scene.beat.at(np.array([0.0]))[0] - phase)) - per_bar
    last = int(np.ceil(scene.beat.at(np.array([scene.length_s]))[0] - phase)) + per_bar
    halves = np.arange(2 * first, 2 * last + 1)
    edges = scene.beat.second_of(phase + halves / 2)
    inside = (edges >= -0.05) & (edges <= scene.length_s + 0.05)
    halves, edges = halves[inside], edges[inside]
    if len(edges) < 6:
        return np.zeros((per_bar, len(WEIGHTS)))
    notes = scene.tones.pooled(edges)
    place = halves % (2 * per_bar)
    harmony = _harmony_profiles(notes, place, 2 * per_bar)
    unity = _unity(chord_scores(notes), place[:-1], 2 * per_bar)
    accents = _accent_profiles(scene, phase)
    return np.stack([_row(harmony, accents, unity, beat, per_bar) for beat in range(per_bar)])


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


def _accent_profiles(scene: _Scene, phase: float) -> tuple[np.ndarray, ...]:
    """Strength of onsets, overall and low, at each half pulse of the bar."""
    per_bar = scene.beat.per_bar
    at = np.round((phase + np.arange(2 * per_bar) / 2) * _BINS).astype(int) % (_BINS * per_bar)
    both = (scene.onsets.strength, scene.onsets.low)
    return tuple(np.log1p(_fold(scene, part, per_bar)[at]) for part in both)


def _row(
    harmony: tuple[np.ndarray, ...],
    accents: tuple[np.ndarray, ...],
    unity: tuple[np.ndarray, ...],
    beat: int,
    per_bar: int,
) -> np.ndarray:
    """Features of one hypothesis: what happens on the bar line against elsewhere."""
    line, pulse = 2 * beat, np.arange(per_bar) * 2
    values = []
    for profile in harmony:
        values.append(profile[line] - profile.mean())
    for profile in accents:
        values += [profile[line] - profile[pulse].mean(), profile[pulse].mean() - profile.mean()]
    values += [part[line] for part in unity]
    back = [(line + 2 * k) % (2 * per_bar) for k in range(1, per_bar, 2)]
    values.append(accents[0][back].mean() - accents[0][pulse].mean())
    return np.array(values)


def _refined(scene: _Scene, shift: float) -> float:
    """Move `shift` to where, over all pulses, the level rises most steeply close by."""
    seconds, rise = scene.attacks
    off = ((scene.beat.at(seconds) - shift + 0.5) % 1 - 0.5) * scene.beat.mean_s
    near = np.abs(off) < _REACH_S
    if not rise[near].any():
        return shift
    bins = round(2 * _REACH_S / _FINE_S)
    index = ((off[near] + _REACH_S) / _FINE_S).astype(int).clip(0, bins - 1)
    total = np.bincount(index, rise[near], bins)
    mean = total / np.maximum(np.bincount(index, minlength=bins), 1)
    smooth = np.convolve(mean, np.hanning(9), "same")
    best = int(np.argmax(smooth))
    return shift + ((best + 0.5) * _FINE_S - _REACH_S) / scene.beat.mean_s


def _placed(grid: Grid, beat: Pulses, shift: float) -> Grid:
    """Put the downbeat at `shift` pulses, wrapped by whole bars into the clip's first bar."""
    start = float(beat.at(np.array([0.0]))[0])
    wrapped = start + (shift - start) % beat.per_bar
    # A downbeat a few milliseconds before the clip must not wrap to a whole bar later.
    if (wrapped - start - beat.per_bar) * beat.mean_s > -0.05:
        wrapped -= beat.per_bar
    second = float(beat.second_of(np.array([wrapped]))[0])
    return replace(grid, downbeat=second)
