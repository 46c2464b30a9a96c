"""Chords for a sung melody: a hidden Markov model over the chords of the key.

A state is a chord and how many bars it has lasted. What a chord lacks of the notes sung counts
against it, by their share of the bar and more on a beat. On top of that come how common a chord is
in the key, which function it has and which function it follows, that chords rather change on bar
lines, and cadences where phrases end. All weights were fitted together, as a conditional random
field with a prior of their usual sizes (Lafferty et al. 2001), on the public-domain tunes of
`benchmarks/sketch` that are there to tune on; leaving each tune out in turn costs half a per cent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daemon.engines.sketch.listen.names import parse_key
from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmony import chord_of_numeral, tones_from_root
from daemon.engines.sketch.plan.phrases import Sung, rests
from daemon.engines.sketch.plan.steps import is_compound
from daemon.engines.sketch.plan.types import PlanChord

__all__ = ["Sung", "bridged", "harmonise"]

# Nats for a bar of each chord against one of the tonic, and its function: T tonic, S subdominant,
# D dominant, X dominant of another degree.
_MAJOR = {
    "I": (0.0, "T"), "ii": (-1.0, "S"), "iii": (-1.4, "T"), "IV": (0.0, "S"), "V": (0.1, "D"),
    "vi": (-1.0, "T"), "II": (-1.0, "X"), "III": (-1.2, "X"), "VI": (-1.3, "X"),
    "bVII": (-1.3, "S"),
}  # fmt: skip
_MINOR = {
    "i": (0.0, "T"), "III": (-0.25, "T"), "iv": (-0.4, "S"), "IV": (-0.9, "S"), "V": (-0.4, "D"),
    "v": (-1.1, "D"), "VI": (-0.45, "S"), "VII": (-0.4, "S"),
}  # fmt: skip
_FLOW = {"TS": 0.2, "TD": 0.5, "ST": 0.1, "SD": -0.3, "DT": 0.4, "DS": -0.35}
_RESOLVING = 0.25  # nats for a dominant of another degree that falls a fifth
_MISS = 1.1  # nats lost by a quarter of a bar that is no chord tone
_BEAT_MISS = 0.55  # further loss where that note begins on a beat
_CHROMATIC_MISS = 0.2  # further loss where the chord has a neighbouring semitone of the note
_SEVENTH = 0.25  # of which the seventh of a dominant is spared
_CHANGE = 0.6  # nats that a change of chord must gain on a bar line
_CHANGE_INSIDE = 1.6  # and within a bar
_OLDEST = 4  # bars; no chord is older
_CADENCE = 0.45  # nats for a dominant that falls to the tonic where a phrase ends
_RESTING = 0.55  # nats for the tonic where a phrase ends
_RELATIVE = 0.3  # nats there for the tonic of the relative major
_CLOSING = 0.5  # nats for the tonic under the last note
_OPENING = 0.65  # nats for the tonic under the first note
_SUNG_SEVENTH = 0.2  # share of a dominant's span from which a sung seventh belongs to the chord
_SHORT_BAR_S = 1.4  # bars shorter than this keep one chord
_NEAR = 0.1  # quarters; singers come early and late
_NEVER = -1e9

_FOURTH = 5  # semitones

Span = tuple[float, float, bool]  # start and end in quarters, whether it opens a bar
Table = dict[str, tuple[float, str]]


def harmonise(
    melody: Sequence[Sung], bars: Sequence[Bar], key: str, bar_s: float, restless: float = 0.0
) -> list[PlanChord | None]:
    """Return one chord for every half bar (whole bar in short and odd bars), None in silent bars.

    `bar_s` is the length of a bar in seconds. Keeping a chord for a further bar costs `restless`
    nats, again and more for each (0 agrees best with song books, 0.2–0.4 moves more). The spans are
    in order and cover `bars`.
    """
    spans = [span for bar in bars for span in _halves(bar, bar_s)]
    table = _MINOR if parse_key(key)[1] else _MAJOR
    names = [chord_of_numeral(numeral, key) for numeral in table]
    beat = 1.5 if is_compound(bars[0].beats, bars[0].unit) else 1.0
    heard = np.array([_sung_in(melody, a, b, beat) for a, b, _ in spans])
    ends = np.array(rests(melody, [(a, b) for a, b, _ in spans]))
    in_bars = 4 / bars[0].quarters
    scores = in_bars * np.einsum("spc,kpc->sk", heard, _losses(table, names))
    lasting = np.array([b - a for a, b, _ in spans]) / bars[0].quarters
    scores += lasting[:, None] * np.array([nats for nats, _ in table.values()])
    _lean_home(scores, table, ends, np.asarray(heard.any(axis=(1, 2))))
    moves = _transitions(table) + ends[:, None, None] * _falls(table)
    opens = [opens for _, _, opens in spans]
    path = _likeliest(scores, moves, opens, restless)
    chords = [
        PlanChord(a, b, _with_sung_seventh(names[k], list(table.values())[k][1], notes[0]))
        for (a, b, _), k, notes in zip(spans, path, heard, strict=True)
    ]
    return _without_silent_bars(chords, opens, heard)


def _halves(bar: Bar, bar_s: float) -> list[Span]:
    """Return two spans for even bars that last long enough, else one."""
    is_even = (bar.beats % 4 == 0 and bar.unit <= 4) or (bar.beats, bar.unit) in ((6, 8), (12, 8))
    if bar_s < _SHORT_BAR_S or not is_even:
        return [(bar.start, bar.end, True)]
    middle = bar.start + bar.quarters / 2
    return [(bar.start, middle, True), (middle, bar.end, False)]


def _sung_in(melody: Sequence[Sung], start: float, end: float, beat: float) -> np.ndarray:
    """Return quarters on each pitch class, of all notes and of those on a beat, `(2, 12)`."""
    heard = np.zeros((2, 12))
    for note in melody:
        overlap = min(note.end, end) - max(note.start, start)
        if overlap <= 0:
            continue
        place = (note.start - start) / beat
        heard[0, note.midi % 12] += overlap
        if abs(place - round(place)) * beat < _NEAR and note.start >= start - _NEAR:
            heard[1, note.midi % 12] += overlap
    return heard


def _losses(table: Table, names: Sequence[str]) -> np.ndarray:
    """Return nats of a quarter note on each pitch class, and on a beat, `(chords, 2, 12)`."""
    losses = np.zeros((len(names), 2, 12))
    for row, name, (_, role) in zip(losses, names, table.values(), strict=True):
        tones = tones_from_root(name)
        for pitch in set(range(12)) - set(tones):
            near = (pitch - 1) % 12 in tones or (pitch + 1) % 12 in tones
            row[:, pitch] = -_MISS - _CHROMATIC_MISS * near, -_BEAT_MISS
        if _is_dominant(name, role):
            row[0, (tones[0] + 10) % 12] += _SEVENTH
    return losses


def _is_dominant(name: str, role: str) -> bool:
    """Whether a chord of the table may carry a minor seventh that wants to fall."""
    return role in "DX" and not name.endswith("m")


def _lean_home(scores: np.ndarray, table: Table, ends: np.ndarray, is_sung: np.ndarray) -> None:
    """Add to `scores` what speaks for the tonic at the beginning, the end and at phrase ends."""
    scores[:, 0] += _RESTING * ends
    if table is _MINOR:
        scores[:, list(table).index("III")] += _RELATIVE * ends
    if sung := np.flatnonzero(is_sung).tolist():
        scores[sung[-1], 0] += _CLOSING
        scores[sung[0], 0] += _OPENING


def _transitions(table: Table) -> np.ndarray:
    """Return nats of every change, `(chords, chords)`; no change is 0."""
    roles = [role for _, role in table.values()]
    nats = np.array([[_FLOW.get(a + b, 0.0) - _CHANGE for b in roles] for a in roles])
    steps = [tones_from_root(chord_of_numeral(numeral, "C"))[0] for numeral in table]
    for i, j in np.ndindex(nats.shape):
        if roles[i] == "X" and (steps[j] - steps[i]) % 12 == _FOURTH:
            nats[i, j] += _RESOLVING
    return nats * (1 - np.eye(len(roles)))


def _falls(table: Table) -> np.ndarray:
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
        fresh, origin = _changed(best, move - (0.0 if opening else _CHANGE_INSIDE - _CHANGE))
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


def _with_sung_seventh(name: str, role: str, heard: np.ndarray) -> str:
    """Return a dominant with its seventh where the voice sings that, else the triad."""
    if not _is_dominant(name, role):
        return name
    seventh = (tones_from_root(name)[0] + 10) % 12
    return name + "7" * bool(heard[seventh] > _SUNG_SEVENTH * heard.sum())


def _without_silent_bars(
    chords: Sequence[PlanChord], opens: Sequence[bool], heard: np.ndarray
) -> list[PlanChord | None]:
    bar = np.cumsum(opens)
    sung = set(bar[heard.any(axis=(1, 2))].tolist())
    return [chord if b in sung else None for chord, b in zip(chords, bar.tolist(), strict=True)]


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
