"""Chords: how well each one explains a stretch of notes, and the likeliest sequence of them.

A chord is an index `root × len(QUALITIES) + quality`; the last index, `NONE`, stands for no chord.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.names import MAJOR_SCALE, QUALITIES, chord_name, parse_key
from daemon.engines.sketch.listen.paths import likeliest
from daemon.engines.sketch.listen.qualities import chord_odds, lean
from daemon.engines.sketch.listen.tonal import LOWEST_MIDI, NOTES, Tones
from daemon.engines.sketch.listen.types import NO_CHORD, ChordSpan

NONE = 12 * len(QUALITIES)
_SUFFIXES = tuple(QUALITIES)
_STEPS = (0, 3, 4, 5, 6, 7, 10, 11)  # semitones above the root; a role each, and one for the rest

# How well a chord explains a stretch: per unit of each role's share of the treble, then of the
# bass, then of each quality. A multinomial logit fitted on rendered clips with known chords. Bars
# and kinds are judged by it; which chord it is, `qualities` tells more finely.
TREBLE_WEIGHTS = np.array([0.7, 2.2, 1.1, -0.1, 2.1, 0.5, 0.25, 0.7, -7.4])
BASS_WEIGHTS = np.array([6.4, -0.2, 0.1, 0.2, 0.5, 0.3, -0.5, -0.9, -5.8])
QUALITY_BIAS = np.array([0.0, -0.45, -4.0, -4.2, -5.2, -3.0, -1.4])


def profiles(notes: np.ndarray) -> np.ndarray:
    """Return treble and bass chroma side by side, `(rows, 24)`, each half of unit length or 0."""
    pitch = LOWEST_MIDI + np.arange(NOTES)
    treble = np.exp(-0.5 * ((pitch - 62) / 11) ** 2)
    bass = 1 / (1 + np.exp((pitch - 50) / 2))
    level = np.sqrt(notes)
    halves = []
    for weight in (treble, bass):
        chroma = (level * weight).reshape(len(notes), -1, 12).sum(axis=1)
        size = np.linalg.norm(chroma, axis=1, keepdims=True)
        halves.append(chroma / np.maximum(size, 1e-9) * (size > 1e-6))
    return np.concatenate(halves, axis=1)


def role_shares(rows: np.ndarray) -> np.ndarray:
    """Sum `profiles` by role in every chord: `(rows, NONE, 2 × roles)`."""
    return np.einsum("nc,kcr->nkr", rows, _roles(), optimize=True)


@cache
def _roles() -> np.ndarray:
    """Which role each of the 24 profile columns has in each chord, `(NONE, 24, 14)` of 0 and 1."""
    table = np.zeros((NONE, 24, 2 * (len(_STEPS) + 1)))
    for root in range(12):
        for quality, steps in enumerate(QUALITIES.values()):
            for pitch in range(12):
                step = (pitch - root) % 12
                role = _STEPS.index(step) if step in steps else len(_STEPS)
                chord = root * len(QUALITIES) + quality
                table[chord, pitch, role] = 1
                table[chord, 12 + pitch, (len(_STEPS) + 1) + role] = 1
    return table


def chord_scores(notes: np.ndarray) -> np.ndarray:
    """Return log-odds `(rows, NONE)` of every chord for pooled notes `(rows, NOTES)`."""
    weights = np.concatenate([TREBLE_WEIGHTS, BASS_WEIGHTS])
    return profiles(notes) @ (_roles() @ weights).T + np.tile(QUALITY_BIAS, 12)


# Log-odds that a stretch without harmony (drums, speech) reaches at best.
NONE_SCORE = -18.5
# Neighbouring beats hear the same notes ring: their evidence counts as this share of independent.
_EVIDENCE = 0.6
# Log-odds against a change of chord on a bar line, in the middle of the bar, and elsewhere.
_CHANGE_COST = (1.0, 2.0, 4.0)
_KEY_BONUS = 1.0


def beat_edges(grid: Grid, length_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut `[0, length_s)` at every pulse of `grid`: edges `(n + 1,)` and change costs `(n,)`.

    A cost belongs to the pulse that begins at the same index.
    """
    from daemon.engines.sketch.listen.pulse import pulses

    beat = pulses(grid, length_s)
    first, last = beat.at(np.array([0.0, length_s]))
    counts = np.arange(np.floor(first) + 1, np.ceil(last))
    inner = beat.second_of(counts)
    keep = (inner > 0.02) & (inner < length_s - 0.02)
    place = counts[keep].astype(int) % beat.per_bar
    half = beat.per_bar // 2 if beat.per_bar % 2 == 0 else -1
    costs = np.select([place == 0, place == half], _CHANGE_COST[:2], _CHANGE_COST[2])
    return np.r_[0.0, inner[keep], length_s], np.r_[0.0, costs]


def key_bonus(key: str | None) -> np.ndarray:
    """Log-odds `(NONE,)` in favour of chords whose tones are all in `key` (or its dominant)."""
    bonus = np.zeros(NONE)
    if key is None:
        return bonus
    tonic, is_minor = parse_key(key)
    major = tonic + 3 if is_minor else tonic
    scale = {(major + step) % 12 for step in MAJOR_SCALE}
    for chord in range(NONE):
        root, quality = divmod(chord, len(QUALITIES))
        tones = {(root + step) % 12 for step in QUALITIES[_SUFFIXES[quality]]}
        dominant = is_minor and root == (tonic + 7) % 12 and _SUFFIXES[quality] in ("", "7")
        if tones <= scale or dominant:
            bonus[chord] = _KEY_BONUS
    return bonus


def decode(
    tones: Tones, grid: Grid, length_s: float, key: str | None = None, check: Check = unchecked
) -> tuple[np.ndarray, np.ndarray]:
    """Return beat edges in seconds `(n + 1,)` and the chord index of each beat `(n,)`."""
    edges, costs = beat_edges(grid, length_s)
    check()
    notes = tones.pooled(edges)
    bonus = key_bonus(key)
    odds = chord_odds(notes) + bonus
    # A stretch is without chords where not even the best one explains it.
    none = odds.max(axis=1) + NONE_SCORE - chord_scores(notes).max(axis=1)
    silent = notes.sum(axis=1) <= 1e-3
    odds[silent], none[silent] = -1e3, 0.0
    check()
    scores = np.concatenate([odds, none[:, None]], axis=1) * _EVIDENCE
    first = likeliest(scores, costs, check)
    leaning = lean(first[first != NONE])
    scores[:, :NONE] += leaning
    path = likeliest(scores, costs, check)
    return edges, _settled(path, tones, edges, costs, bonus * _EVIDENCE + leaning)


def _settled(
    path: np.ndarray, tones: Tones, edges: np.ndarray, costs: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """Tell each chord's quality anew from all that sounds while it lasts, a bar at most.

    A third or seventh that is touched once, or stands in a quiet part, is in one beat and not in
    the next. Roots and edges stay; `prior` `(NONE,)` are log-odds beforehand.
    """
    is_bar = costs[1:] == _CHANGE_COST[0]
    begins = np.flatnonzero(np.r_[True, (path[1:] != path[:-1]) | is_bar])
    lasts = np.diff(np.r_[begins, len(path)])
    odds = chord_odds(tones.pooled(edges[np.r_[begins, len(path)]])) * _EVIDENCE + prior
    roots = np.minimum(path[begins] // len(QUALITIES), 11)
    quality = odds.reshape(len(begins), 12, -1)[np.arange(len(begins)), roots].argmax(axis=1)
    return np.where(path == NONE, NONE, np.repeat(roots * len(QUALITIES) + quality, lasts))


def named(chord: int, flats: bool) -> str:
    """Return the name of a chord index."""
    if chord == NONE:
        return NO_CHORD
    root, quality = divmod(chord, len(QUALITIES))
    return chord_name(root, _SUFFIXES[quality], flats)


def spans(edges: np.ndarray, path: np.ndarray, flats: bool) -> tuple[ChordSpan, ...]:
    """Join equal neighbours of `decode` into spans."""
    starts = np.flatnonzero(np.r_[True, path[1:] != path[:-1]])
    ends = np.r_[starts[1:], len(path)]
    return tuple(
        ChordSpan(float(edges[a]), float(edges[b]), named(int(path[a]), flats))
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    )
