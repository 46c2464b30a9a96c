"""How well the chords of a key suit a melody: the weights that `harmonise` decides by.

What a chord lacks of the notes sung counts against it, by their share of the bar and more on a
beat. On top of that come how common a chord is in the key, which function it has and which function
it follows, that chords rather change on bar lines, and cadences where phrases end. All weights were
fitted together, as a conditional random field (Lafferty et al. 2001) with a prior of their usual
sizes, on the public-domain tunes of `benchmarks/sketch` that are there to tune on: 87 % of their
bars agree with a song book, 86 % where each tune is left out of the fit in turn.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmony import chord_of_numeral, tones_from_root
from daemon.engines.sketch.plan.phrases import Sung, rests
from daemon.engines.sketch.plan.steps import is_compound

Span = tuple[float, float, bool]  # start and end in quarters, whether it opens a bar
Table = dict[str, tuple[float, str]]

# Nats for a bar of each chord against one of the tonic, and its function: T tonic, S subdominant,
# D dominant, X dominant of another degree.
MAJOR: Table = {
    "I": (0.0, "T"), "ii": (-1.0, "S"), "iii": (-1.4, "T"), "IV": (0.0, "S"), "V": (0.1, "D"),
    "vi": (-1.0, "T"), "II": (-1.0, "X"), "III": (-1.2, "X"), "VI": (-1.3, "X"),
    "bVII": (-1.3, "S"),
}  # fmt: skip
MINOR: Table = {
    "i": (0.0, "T"), "III": (-0.25, "T"), "iv": (-0.4, "S"), "IV": (-0.9, "S"), "V": (-0.4, "D"),
    "v": (-1.1, "D"), "VI": (-0.45, "S"), "VII": (-0.4, "D"),
}  # fmt: skip
_FLOW = {"TS": 0.2, "TD": 0.5, "ST": 0.1, "SD": -0.3, "DT": 0.4, "DS": -0.35}
_RESOLVING = 0.25  # nats for a dominant of another degree that falls a fifth
_MISS = 1.1  # nats lost by a quarter of a bar that is no chord tone
_BEAT_MISS = 0.55  # further loss where that note begins on a beat
_CHROMATIC_MISS = 0.2  # further loss where the chord has a neighbouring semitone of the note
_SEVENTH = 0.25  # of which the seventh of a dominant is spared
_CHANGE = 0.6  # nats that a change of chord must gain on a bar line
_CHANGE_INSIDE = 1.6  # and within a bar
_CADENCE = 0.45  # nats for a dominant that falls to the tonic where a phrase ends
_RESTING = 0.55  # nats for the tonic where a phrase ends
_RELATIVE = 0.3  # nats there for the tonic of the relative major
_CLOSING = 0.5  # nats for the tonic under the last note
_OPENING = 0.65  # nats for the tonic under the first note
_SUNG_SEVENTH = 0.2  # share of a dominant's span from which a sung seventh belongs to the chord
_SHORT_BAR_S = 1.4  # bars shorter than this keep one chord
_NEAR = 0.1  # quarters; singers come early and late

_FOURTH = 5  # semitones


@dataclass(frozen=True)
class Line:
    """A melody cut into the spans that have one chord each.

    `heard` `(spans, 2, 12)` are quarters on each pitch class, of all notes and of those on a beat;
    `lasting` and `ends` `(spans,)` are the spans' lengths in bars, and how surely a phrase ends in
    them. `bar_quarters` is the length of a bar.
    """

    spans: tuple[Span, ...]
    heard: np.ndarray
    lasting: np.ndarray
    ends: np.ndarray
    bar_quarters: float

    @property
    def opens(self) -> list[bool]:
        """Return for every span whether it opens a bar."""
        return [opens for *_, opens in self.spans]

    @property
    def is_sung(self) -> np.ndarray:
        """Return for every span whether a note sounds in it, `(spans,)`."""
        return np.asarray(self.heard.any(axis=(1, 2)))


def line_of(melody: Sequence[Sung], bars: Sequence[Bar], bar_s: float) -> Line:
    """Cut a melody at the half bars of `bars`, or at whole ones where they are short or odd.

    `bar_s` is the length of a bar in seconds. The first bar stands for the metre of all.
    """
    spans = tuple(span for bar in bars for span in _halves(bar, bar_s))
    beat = 1.5 if is_compound(bars[0].beats, bars[0].unit) else 1.0
    return Line(
        spans,
        _heard(melody, spans, beat),
        np.array([b - a for a, b, _ in spans]) / bars[0].quarters,
        np.array(rests(melody, [(a, b) for a, b, _ in spans])),
        bars[0].quarters,
    )


def scores_of(line: Line, table: Table, heard: np.ndarray) -> np.ndarray:
    """Return nats of every chord of `table` in every span, `(spans, chords)`.

    `heard` is the line's, turned so that pitch class 0 is the tonic.
    """
    scores = 4 / line.bar_quarters * np.einsum("spc,kpc->sk", heard, _losses(table))
    scores += line.lasting[:, None] * np.array([nats for nats, _ in table.values()])
    scores[:, 0] += _RESTING * line.ends
    if table is MINOR:
        scores[:, list(table).index("III")] += _RELATIVE * line.ends
    if sung := np.flatnonzero(line.is_sung).tolist():
        scores[sung[-1], 0] += _CLOSING
        scores[sung[0], 0] += _OPENING
    return scores


def moves_of(line: Line, table: Table) -> np.ndarray:
    """Return nats of the step into every span, `(spans, chords, chords)`; staying is 0."""
    changes = 1 - np.eye(len(table))
    inside = np.array([0.0 if opens else _CHANGE_INSIDE - _CHANGE for opens in line.opens])
    falls = np.zeros_like(changes)
    falls[list(table).index("V"), 0] = _CADENCE
    steps = _transitions(table) + line.ends[:, None, None] * falls
    return steps - inside[:, None, None] * changes


def with_sung_seventh(name: str, numeral: str, table: Table, heard: np.ndarray) -> str:
    """Return a dominant with its seventh where the voice sings that, else the triad.

    `heard` `(12,)` are quarters on each pitch class from C.
    """
    if not _is_dominant(numeral, table):
        return name
    seventh = (tones_from_root(name)[0] + 10) % 12
    return name + "7" * bool(heard[seventh] > _SUNG_SEVENTH * heard.sum())


def _halves(bar: Bar, bar_s: float) -> list[Span]:
    """Return two spans for even bars that last long enough, else one."""
    is_even = (bar.beats % 4 == 0 and bar.unit <= 4) or (bar.beats, bar.unit) in ((6, 8), (12, 8))
    if bar_s < _SHORT_BAR_S or not is_even:
        return [(bar.start, bar.end, True)]
    middle = bar.start + bar.quarters / 2
    return [(bar.start, middle, True), (middle, bar.end, False)]


def _heard(melody: Sequence[Sung], spans: Sequence[Span], beat: float) -> np.ndarray:
    """Return `Line.heard`; `beat` in quarters."""
    heard = np.zeros((len(spans), 2, 12))
    starts = [start for start, *_ in spans]
    for note in melody:
        first = max(0, bisect.bisect_right(starts, note.start) - 1)
        for i in range(first, bisect.bisect_left(starts, note.end)):
            start, end, _ = spans[i]
            overlap = min(note.end, end) - max(note.start, start)
            if overlap <= 0:
                continue
            place = (note.start - start) / beat
            on_beat = abs(place - round(place)) * beat < _NEAR and note.start >= start - _NEAR
            heard[i, :, note.midi % 12] += overlap, overlap * on_beat
    return heard


@cache
def _chords(is_minor: bool) -> tuple[tuple[int, ...], ...]:
    """Return the tones of every chord from the tonic up, root first."""
    key = "C minor" if is_minor else "C major"
    table = MINOR if is_minor else MAJOR
    return tuple(tuple(tones_from_root(chord_of_numeral(n, key))) for n in table)


def _losses(table: Table) -> np.ndarray:
    """Return nats of a quarter note on each step of the key, and on a beat, `(chords, 2, 12)`."""
    chords = _chords(table is MINOR)
    losses = np.zeros((len(chords), 2, 12))
    for row, tones, numeral in zip(losses, chords, table, strict=True):
        for step in set(range(12)) - set(tones):
            near = (step - 1) % 12 in tones or (step + 1) % 12 in tones
            row[:, step] = -_MISS - _CHROMATIC_MISS * near, -_BEAT_MISS
        if _is_dominant(numeral, table):
            row[0, (tones[0] + 10) % 12] += _SEVENTH
    return losses


def _is_dominant(numeral: str, table: Table) -> bool:
    """Whether a chord may carry a minor seventh that wants to fall."""
    return table[numeral][1] in "DX" and numeral.isupper()


def _transitions(table: Table) -> np.ndarray:
    """Return nats of every change, `(chords, chords)`; no change is 0."""
    roles = [role for _, role in table.values()]
    roots = [tones[0] for tones in _chords(table is MINOR)]
    nats = np.array([[_FLOW.get(a + b, 0.0) - _CHANGE for b in roles] for a in roles])
    for i, j in np.ndindex(nats.shape):
        if roles[i] == "X" and (roots[j] - roots[i]) % 12 == _FOURTH:
            nats[i, j] += _RESOLVING
    return nats * (1 - np.eye(len(roles)))
