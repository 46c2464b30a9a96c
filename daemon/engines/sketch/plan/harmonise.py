"""Chords for a sung melody: a hidden Markov model over the chords of the key.

A state is a chord and how many bars it has lasted; `suiting` has the weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daemon.engines.sketch.listen.names import parse_key
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmony import chord_of_numeral
from daemon.engines.sketch.plan.phrases import Sung
from daemon.engines.sketch.plan.suiting import (
    MAJOR,
    MINOR,
    line_of,
    moves_of,
    scores_of,
    with_sung_seventh,
)
from daemon.engines.sketch.plan.types import PlanChord

__all__ = ["Sung", "bridged", "harmonise", "key_evidence"]

_OLDEST = 4  # bars; no chord is older
_NEVER = -1e9


def harmonise(
    melody: Sequence[Sung], bars: Sequence[Bar], key: str, bar_s: float, restless: float = 0.0
) -> list[PlanChord | None]:
    """Return one chord for every half bar (whole bar in short and odd bars), None in silent bars.

    `bar_s` is the length of a bar in seconds. Keeping a chord for a further bar costs `restless`
    nats, again and more for each (0 agrees best with song books, 0.2–0.4 moves more). The spans are
    in order and cover `bars`.
    """
    tonic, is_minor = parse_key(key)
    table = MINOR if is_minor else MAJOR
    line = line_of(melody, bars, bar_s)
    scores = scores_of(line, table, np.roll(line.heard, -tonic, axis=2))
    path = _likeliest(scores, moves_of(line, table), line.opens, restless)
    numerals = list(table)
    chords = [
        PlanChord(
            a,
            b,
            with_sung_seventh(chord_of_numeral(numerals[k], key), numerals[k], table, notes[0]),
        )
        for (a, b, _), k, notes in zip(line.spans, path, line.heard, strict=True)
    ]
    bar = np.cumsum(line.opens)
    sung = np.isin(bar, bar[line.is_sung]).tolist()
    return [chord if inside else None for chord, inside in zip(chords, sung, strict=True)]


def key_evidence(melody: Sequence[Sung], bars: Sequence[Bar], bar_s: float) -> np.ndarray:
    """Return how well a melody suits each key, `(24,)`: majors on C, C#, …, then minors.

    It is the score, in nats a bar, of the harmony that `harmonise` would choose there: unlike a
    count of notes it knows of phrases, cadences and strong beats.
    """
    line = line_of(melody, bars, bar_s)
    found = []
    for table in (MAJOR, MINOR):
        turned = [np.roll(line.heard, -tonic, axis=2) for tonic in range(12)]
        scores = np.array([scores_of(line, table, heard) for heard in turned])
        found.append(_best_scores(scores, moves_of(line, table)))
    return np.concatenate(found) / max(1, sum(line.opens))


def _best_scores(scores: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Return the score of the best path in every key, `(keys,)`, for `(keys, spans, chords)`."""
    best = scores[:, 0]
    for i in range(1, len(moves)):
        best = (best[:, :, None] + moves[i]).max(axis=1) + scores[:, i]
    return np.asarray(best.max(axis=1))


def _likeliest(
    scores: np.ndarray, moves: np.ndarray, opens: Sequence[bool], restless: float
) -> list[int]:
    """Return the best path of chords.

    `scores` `(spans, chords)`; `moves` `(spans, chords, chords)` are the nats of the step into each
    span. The search runs over `(age, chord)`, where the age is in bars.
    """
    count = scores.shape[1]
    best = np.full((_OLDEST, count), _NEVER)
    best[0] = scores[0]
    back: list[np.ndarray] = []
    for row, move, opening in zip(scores[1:], moves[1:], opens[1:], strict=True):
        fresh, origin = _changed(best, move)
        kept = best + np.diag(move) - opening * restless * np.arange(1, _OLDEST + 1)[:, None]
        best, came = np.full_like(best, _NEVER), np.zeros(best.shape, int)
        best[0], came[0] = fresh, origin
        for age in range(_OLDEST):
            older = min(_OLDEST - 1, age + 1) if opening else age
            better = kept[age] > best[older]
            best[older] = np.where(better, kept[age], best[older])
            came[older] = np.where(better, age * count + np.arange(count), came[older])
        best = best + row
        back.append(came)
    state = int(best.argmax())
    path = [state]
    for came in reversed(back):
        state = int(came.flat[state])
        path.append(state)
    return [state % count for state in reversed(path)]


def _changed(best: np.ndarray, move: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the value of every chord entered from another one, and the state it came from."""
    count = best.shape[1]
    routes = best.max(axis=0)[:, None] + move + _NEVER * np.eye(count)
    before = routes.argmax(axis=0)
    return routes.max(axis=0), best.argmax(axis=0)[before] * count + before


def bridged(chords: Sequence[PlanChord | None]) -> list[PlanChord | None]:
    """Drop the silent spans; a single one between sung ones takes the chord before it."""
    out: list[PlanChord | None] = []
    for i, chord in enumerate(chords):
        before = chords[i - 1] if i else None
        after = chords[i + 1] if i + 1 < len(chords) else None
        if chord is None and before is not None and after is not None:
            chord = PlanChord(before.end_quarter, after.start_quarter, before.name)
        out.append(chord)
    return out
