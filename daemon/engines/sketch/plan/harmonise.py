"""Chords for a sung melody: a hidden Markov model over the chords of the key.

The diatonic prior carries most of the decision, functional transitions only a little: on tunes of
the common song book strong transitions pull folk tunes away from their usual chords.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daemon.engines.sketch.listen.names import parse_key
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmony import chord_of_numeral, tones_from_root
from daemon.engines.sketch.plan.types import PlanChord

# Share of time of each degree in songs, and its function: T tonic, S subdominant, D dominant.
_MAJOR = {
    "I": (0.36, "T"), "ii": (0.07, "S"), "iii": (0.03, "T"), "IV": (0.20, "S"),
    "V": (0.22, "D"), "vi": (0.11, "T"), "vii°": (0.01, "D"),
}  # fmt: skip
_MINOR = {
    "i": (0.36, "T"), "ii°": (0.02, "S"), "III": (0.09, "T"), "iv": (0.13, "S"), "V": (0.14, "D"),
    "v": (0.03, "D"), "VI": (0.11, "S"), "VII": (0.12, "D"),
}  # fmt: skip
_FLOW = {
    "TT": 0.8, "TS": 1.2, "TD": 1.0, "ST": 0.9, "SS": 0.7, "SD": 1.3, "DT": 1.6,
    "DS": 0.5, "DD": 0.7,
}  # fmt: skip
_PRIOR_WEIGHT = 0.8
_TRANSITION_WEIGHT = 0.25
_MISS = 1.2  # nats lost by a quarter note that is no chord tone
_CHROMATIC_MISS = 0.25  # further loss where the chord has a neighbouring semitone of the note
_STAY = 2.4  # nats that a change of chord within a bar must gain
_SHORT_BAR_S = 1.4  # bars shorter than this keep one chord


@dataclass(frozen=True)
class Sung:
    """One melody note in quarter notes from the downbeat; `midi` is rounded to a semitone."""

    start: float
    end: float
    midi: int


def harmonise(
    melody: Sequence[Sung], bars: Sequence[Bar], key: str, bar_s: float, restless: float = 0.0
) -> list[PlanChord | None]:
    """Return one chord for every half bar (whole bar in short and odd bars), None where none sings.

    `bar_s` is the length of a bar in seconds; `restless` are the nats that keeping a chord over a
    bar line costs (0 agrees best with song books, 0.2–0.4 moves more). The spans are in order and
    cover `bars`.
    """
    spans = [span for bar in bars for span in _halves(bar, bar_s)]
    table = _MINOR if parse_key(key)[1] else _MAJOR
    names = [chord_of_numeral(numeral, key) for numeral in table]
    weights = np.array([_histogram(melody, a, b) for a, b, _ in spans])
    # The prior is of time: the halves of a bar share it.
    lasting = np.array([0.5 if b - a < bars[0].quarters - 0.1 else 1.0 for a, b, _ in spans])
    scores = weights @ _fit(names).T + lasting[:, None] * _prior(table)
    moves = _transitions(table)
    opening = moves - restless * np.eye(len(moves))
    inside = moves - _STAY * (1 - np.eye(len(moves)))
    path = _viterbi(scores, [opening if opens else inside for _, _, opens in spans])
    return [
        PlanChord(a, b, names[k]) if heard.sum() > 0 else None
        for (a, b, _), k, heard in zip(spans, path, weights, strict=True)
    ]


def _halves(bar: Bar, bar_s: float) -> list[tuple[float, float, bool]]:
    """Return `(start, end, opens_bar)`: two for even bars that last long enough, else one."""
    if bar_s < _SHORT_BAR_S or bar.beats % 4 or bar.unit > 4:
        return [(bar.start, bar.end, True)]
    middle = bar.start + bar.quarters / 2
    return [(bar.start, middle, True), (middle, bar.end, False)]


def _histogram(melody: Sequence[Sung], start: float, end: float) -> np.ndarray:
    """Return quarter notes sung on each pitch class; notes on a beat count half again as much."""
    heard = np.zeros(12)
    for note in melody:
        overlap = min(note.end, end) - max(note.start, start)
        if overlap <= 0:
            continue
        on_beat = abs(note.start - round(note.start)) < 0.1 and note.start >= start - 0.1
        opens = abs(note.start - start) < 0.1
        heard[note.midi % 12] += overlap * (1.0 + 0.3 * on_beat + 0.4 * opens)
    return heard


def _fit(names: Sequence[str]) -> np.ndarray:
    """Return `(chords, 12)`: nats of a quarter note on each pitch class."""
    fit = np.zeros((len(names), 12))
    for row, name in zip(fit, names, strict=True):
        tones = tones_from_root(name)
        for pitch in range(12):
            if pitch not in tones:
                near = (pitch - 1) % 12 in tones or (pitch + 1) % 12 in tones
                row[pitch] = -_MISS - _CHROMATIC_MISS * near
    return fit


def _prior(table: dict[str, tuple[float, str]]) -> np.ndarray:
    return _PRIOR_WEIGHT * np.log([share for share, _ in table.values()])


def _transitions(table: dict[str, tuple[float, str]]) -> np.ndarray:
    roles = [role for _, role in table.values()]
    flow = np.array([[_FLOW[a + b] for b in roles] for a in roles])
    return _TRANSITION_WEIGHT * np.log(flow)


def _viterbi(scores: np.ndarray, moves: Sequence[np.ndarray]) -> list[int]:
    """Return the best path; `moves[i]` are the nats of each move into span `i`."""
    best = scores[0]
    back = []
    for row, move in zip(scores[1:], moves[1:], strict=True):
        routes = best[:, None] + move
        back.append(routes.argmax(axis=0))
        best = routes.max(axis=0) + row
    path = [int(best.argmax())]
    for choice in reversed(back):
        path.append(int(choice[path[-1]]))
    return path[::-1]


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
