"""Chords for a sung melody: a hidden Markov model over the chords of the key.

A state is a chord and how many bars it has lasted. Notes weigh by their length and by where they
fall; what a chord lacks of them counts against it. On top of that come how common a chord is in the
key, which chord it follows, how long chords last, and cadences where phrases end. The weights are
small: on tunes of the common song book strong transitions pull folk tunes away from their chords.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daemon.engines.sketch.listen.names import parse_key
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmony import chord_of_numeral, coloured, tones_from_root
from daemon.engines.sketch.plan.phrases import Sung, rests
from daemon.engines.sketch.plan.steps import is_compound
from daemon.engines.sketch.plan.types import PlanChord

__all__ = ["Sung", "bridged", "harmonise"]

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
_TRANSITION_WEIGHT = 0.15
_MISS = 1.2  # nats lost by a quarter note that is no chord tone
_CHROMATIC_MISS = 0.4  # further loss where the chord has a neighbouring semitone of the note
_SEVENTH = 0.5  # share of that loss for the seventh of a dominant
_BEAT_WEIGHT, _OPENING_WEIGHT = 0.4, 0.4  # further weight of notes on a beat, and of a span's first
_CHANGE_INSIDE = 1.5  # nats that a change of chord within a bar must gain
_OLDEST = 4  # bars; no chord is older
_CADENCE = 0.4  # nats for a dominant that falls to the tonic where a phrase ends
_RESTING = 0.7  # nats for the tonic where a phrase ends
_CLOSING = 1.0  # nats for the tonic under the last note
_OPENING = 0.5  # nats for the tonic under the first note
_SHORT_BAR_S = 1.4  # bars shorter than this keep one chord
_NEAR = 0.1  # quarters; singers come early and late
_NEVER = -1e9

Span = tuple[float, float, bool]  # start and end in quarters, whether it opens a bar


def harmonise(
    melody: Sequence[Sung], bars: Sequence[Bar], key: str, bar_s: float, restless: float = 0.0
) -> list[PlanChord | None]:
    """Return one chord for every half bar (whole bar in short and odd bars), None where none sings.

    `bar_s` is the length of a bar in seconds. Keeping a chord for a further bar costs `restless`
    nats, again and more for each (0 agrees best with song books, 0.2–0.4 moves more). The spans are
    in order and cover `bars`.
    """
    spans = [span for bar in bars for span in _halves(bar, bar_s)]
    table = _MINOR if parse_key(key)[1] else _MAJOR
    names = [chord_of_numeral(numeral, key) for numeral in table]
    beat = 1.5 if is_compound(bars[0].beats, bars[0].unit) else 1.0
    weights = np.array([_histogram(melody, a, b, beat) for a, b, _ in spans])
    # The prior is of time: the halves of a bar share it.
    lasting = np.array([0.5 if b - a < bars[0].quarters - 0.1 else 1.0 for a, b, _ in spans])
    ends = np.array(rests(melody, [(a, b) for a, b, _ in spans]))
    scores = weights @ _fit(names, key).T + lasting[:, None] * _prior(table)
    scores[:, 0] += _RESTING * ends
    if sung := np.flatnonzero(weights.sum(axis=1)).tolist():
        scores[sung[-1], 0] += _CLOSING
        scores[sung[0], 0] += _OPENING
    moves = _transitions(table) + ends[:, None, None] * _falls(table)
    path = _likeliest(scores, moves, [opens for _, _, opens in spans], restless)
    return [
        PlanChord(a, b, names[k]) if heard.sum() > 0 else None
        for (a, b, _), k, heard in zip(spans, path, weights, strict=True)
    ]


def _halves(bar: Bar, bar_s: float) -> list[Span]:
    """Return two spans for even bars that last long enough, else one."""
    is_even = (bar.beats % 4 == 0 and bar.unit <= 4) or (bar.beats, bar.unit) in ((6, 8), (12, 8))
    if bar_s < _SHORT_BAR_S or not is_even:
        return [(bar.start, bar.end, True)]
    middle = bar.start + bar.quarters / 2
    return [(bar.start, middle, True), (middle, bar.end, False)]


def _histogram(melody: Sequence[Sung], start: float, end: float, beat: float) -> np.ndarray:
    """Return quarter notes sung on each pitch class, weighed by where they begin."""
    heard = np.zeros(12)
    for note in melody:
        overlap = min(note.end, end) - max(note.start, start)
        if overlap <= 0:
            continue
        place = (note.start - start) / beat
        on_beat = abs(place - round(place)) * beat < _NEAR and note.start >= start - _NEAR
        opens = abs(note.start - start) < _NEAR
        heard[note.midi % 12] += overlap * (1.0 + _BEAT_WEIGHT * on_beat + _OPENING_WEIGHT * opens)
    return heard


def _fit(names: Sequence[str], key: str) -> np.ndarray:
    """Return `(chords, 12)`: nats of a quarter note on each pitch class."""
    fit = np.zeros((len(names), 12))
    for row, name in zip(fit, names, strict=True):
        tones, full = tones_from_root(name), coloured(name, key)
        is_dominant = full == name + "7"
        for pitch in range(12):
            if pitch in tones:
                continue
            near = (pitch - 1) % 12 in tones or (pitch + 1) % 12 in tones
            row[pitch] = -_MISS - _CHROMATIC_MISS * near
            if is_dominant and pitch == tones_from_root(full)[-1]:
                row[pitch] *= _SEVENTH
    return fit


def _prior(table: dict[str, tuple[float, str]]) -> np.ndarray:
    return _PRIOR_WEIGHT * np.log([share for share, _ in table.values()])


def _transitions(table: dict[str, tuple[float, str]]) -> np.ndarray:
    roles = [role for _, role in table.values()]
    flow = np.array([[_FLOW[a + b] for b in roles] for a in roles])
    return _TRANSITION_WEIGHT * np.log(flow)


def _falls(table: dict[str, tuple[float, str]]) -> np.ndarray:
    """Return nats for the move from the dominant to the tonic (chord 0), `(chords, chords)`."""
    nats = np.zeros((len(table), len(table)))
    nats[list(table).index("V"), 0] = _CADENCE
    return nats


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
        fresh, origin = _changed(best, move - (0.0 if opening else _CHANGE_INSIDE))
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
