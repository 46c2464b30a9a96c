"""Chords: numerals, sevenths, harmonising tunes, voicings."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.engines.sketch.plan.bars import Bar
from daemon.engines.sketch.plan.harmonise import Sung, bridged, harmonise
from daemon.engines.sketch.plan.harmony import (
    Changes,
    chord_of_numeral,
    coloured,
    progression,
    tones_from_root,
    without_gaps,
)
from daemon.engines.sketch.plan.phrases import rests
from daemon.engines.sketch.plan.types import PlanChord
from daemon.engines.sketch.plan.voicing import clashes, voiced

# Public-domain tunes: pitch letters with lengths in quarters, and a usual harmony, a bar each.
_FIRST = "C C G G A A G:2 F F E E D D C:2"
TWINKLE = f"{_FIRST} G G F F E E D:2 G G F F E E D:2 {_FIRST}"
TWINKLE_CHORDS = ["C", "F C", "F C", "G C", "C F", "C G", "C F", "C G", "C", "F C", "F C", "G C"]
BIRTHDAY = (
    "D:.75 D:.25 E D G F#:2 D:.75 D:.25 E D A G:2 D:.75 D:.25 D B G F# E C:.75 C:.25 B G A G:2"
)
BIRTHDAY_CHORDS = ["G", "D", "D", "G", "G", "C", "G", "G"]
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def _tune(text: str, start: float = 0.0) -> list[Sung]:
    notes, at = [], start
    for token in text.split():
        name, _, length = token.partition(":")
        quarters = float(length or 1)
        pitch = 60 + _STEPS[name[0]] + name.count("#")
        notes.append(Sung(at, at + quarters * 0.95, pitch))
        at += quarters
    return notes


def _bars(count: int, quarters: int) -> list[Bar]:
    return [Bar(float(i * quarters), float(quarters), quarters, 4) for i in range(count)]


def _names_by_bar(chords: list[PlanChord | None], bars: list[Bar]) -> list[set[str]]:
    return [
        {c.name for c in chords if c and bar.start - 1e-6 <= c.start_quarter < bar.end - 1e-6}
        for bar in bars
    ]


def test_a_simple_tune_gets_its_usual_chords() -> None:
    bars = _bars(12, 4)
    got = _names_by_bar(harmonise(_tune(TWINKLE), bars, "C major", 2.0), bars)
    right = sum(have == set(want.split()) for have, want in zip(got, TWINKLE_CHORDS, strict=True))
    assert right >= 11, got


def test_a_waltz_with_a_pickup_gets_its_usual_chords() -> None:
    bars = _bars(8, 3)
    got = _names_by_bar(harmonise(_tune(BIRTHDAY, -1.0), bars, "G major", 2.0), bars)
    right = sum(have == {want} for have, want in zip(got, BIRTHDAY_CHORDS, strict=True))
    assert right >= 7, got


def test_bars_without_a_voice_are_left_open() -> None:
    bars = _bars(4, 4)
    got = harmonise([Sung(8.0, 9.0, 67)], bars, "C major", 2.0)
    assert [chord is None for chord in got] == [True] * 4 + [False] * 2 + [True] * 2
    filled = bridged([PlanChord(0, 2, "C"), None, PlanChord(4, 6, "G"), None])
    assert filled[1] == PlanChord(2, 4, "C")
    assert filled[3] is None


def _of_bars(tune: str, key: str, quarters: int = 4) -> list[str]:
    """Return the chord of each bar of `tune`, in bars that keep one chord."""
    melody = _tune(tune)
    bars = _bars(round(melody[-1].start + 0.5) // quarters + 1, quarters)
    return [chord.name for chord in harmonise(melody, bars, key, 1.0) if chord]


def test_a_raised_fourth_asks_for_the_dominant_of_the_dominant() -> None:
    tune = "C E G E F#:2 A F# G:2 B G C:4"
    assert _of_bars(tune, "C major") == ["C", "D", "G", "C"]


def test_a_dorian_tune_gets_the_major_subdominant() -> None:
    tune = "D:2 A:2 G:2 B:2 A:2 F:2 D:4"
    assert _of_bars(tune, "D minor") == ["Dm", "G", "Dm", "Dm"]


def test_a_minor_tune_cadences_by_its_leading_note() -> None:
    tune = "A:2 C:2 D:2 F:2 E G#:2 B A:4"
    assert _of_bars(tune, "A minor") == ["Am", "Dm", "E", "Am"]


def test_a_dominant_takes_its_seventh_where_that_is_sung() -> None:
    assert _of_bars("C:2 E:2 F:2 D B C:4", "C major") == ["C", "G7", "C"]
    assert _of_bars("C:2 E:2 D:2 G B C:4", "C major") == ["C", "G", "C"]


def test_short_wrong_notes_change_nothing() -> None:
    clean = "C:2 E:2 A:2 C:2 B:2 D:2 C:4"
    noisy = "C:1.8 C#:.2 E:1.8 F#:.2 A:1.8 A#:.2 C:1.8 D#:.2 B:1.8 G#:.2 D:1.8 C#:.2 C:4"
    assert _of_bars(noisy, "C major") == _of_bars(clean, "C major")


@pytest.mark.parametrize("up", [1, 5, 11])
def test_harmony_moves_with_the_key(up: int) -> None:
    def roots(key: str, shift: int) -> list[int]:
        melody = [Sung(n.start, n.end, n.midi + shift) for n in _tune(TWINKLE)]
        chords = harmonise(melody, _bars(12, 4), key, 2.0)
        return [(tones_from_root(c.name)[0] - shift) % 12 for c in chords if c]

    moved = {1: "Db major", 5: "F major", 11: "B major"}[up]
    assert roots(moved, up) == roots("C major", 0)


@pytest.mark.parametrize(
    ("numeral", "key", "name"),
    [
        ("I", "C major", "C"),
        ("vi", "Bb major", "Gm"),
        ("V", "A minor", "E"),
        ("v", "A minor", "Em"),
        ("VII", "A minor", "G"),
        ("bVII", "D major", "C"),
        ("vii°", "C major", "Bdim"),
        ("ii7", "C major", "Dm7"),
        ("V7", "C major", "G7"),
        ("IV7", "C major", "Fmaj7"),
    ],
)
def test_numerals(numeral: str, key: str, name: str) -> None:
    assert chord_of_numeral(numeral, key) == name


def test_sevenths_follow_the_key() -> None:
    assert [coloured(n, "C major") for n in ("C", "F", "G", "Am", "Bdim")] == [
        "Cmaj7", "Fmaj7", "G7", "Am7", "Bdim",
    ]  # fmt: skip


def test_a_piece_that_ends_closes_on_the_tonic() -> None:
    chords = progression("vi IV I V", "A minor", _bars(4, 4), final=True)
    assert [c.name for c in chords[-2:]] == ["E", "Am"]


def test_gaps_take_the_chord_before_them() -> None:
    joined = without_gaps(
        [PlanChord(0, 1, "N"), PlanChord(1, 2, "F"), PlanChord(2, 3, "N"), PlanChord(3, 4, "G")],
        "C major",
    )
    assert joined == [PlanChord(0, 3, "F"), PlanChord(3, 4, "G")]
    changes = Changes(joined)
    assert changes.at(2.5).name == "F"
    assert changes.after(2.5).name == "G"


CHORDS = st.sampled_from(["C", "F#m", "Bb7", "Ebmaj7", "Am7", "Gsus4", "Bdim", "Abm"])


@settings(deadline=None, max_examples=80)
@given(CHORDS, CHORDS, st.integers(3, 5), st.sampled_from(["triad", "power"]))
def test_voicings_have_only_tones_of_the_chord_within_the_range(
    before: str, name: str, voices: int, colour: str
) -> None:
    first = voiced(before, (), (48, 76), voices, colour, 60)
    second = voiced(name, first, (48, 76), voices, colour, 60)
    assert len(second) == voices if colour == "triad" else 2 <= len(second) <= voices
    assert {p % 12 for p in second} <= set(tones_from_root(name))
    assert min(second) >= 48
    assert max(second) <= 76
    assert list(second) == sorted(second)


def test_voices_move_little_from_chord_to_chord() -> None:
    first = voiced("C", (), (50, 74), 4, "triad", 61)
    second = voiced("F", first, (50, 74), 4, "triad", 61)
    assert sum(min(abs(p - q) for q in first) for p in second) <= 6


def test_voicings_shun_semitones_with_the_voice() -> None:
    plain = voiced("C", (), (55, 79), 3, "triad", 66)
    top = max(plain)
    led = voiced("C", (), (55, 79), 3, "triad", 66, avoid=frozenset({top - 1}))
    assert clashes(plain, {top - 1}) == 1
    assert clashes(led, {top - 1}) == 0


def test_a_restless_style_changes_chords_more_often() -> None:
    bars = _bars(8, 4)
    tune = _tune("C E G E C E G E A:4 G:2 E:2 C E G E C E G E D:2 E:2 C:4")

    def changes(restless: float) -> int:
        names = [c.name for c in harmonise(tune, bars, "C major", 1.0, restless) if c]
        return sum(a != b for a, b in pairwise(names))

    assert changes(0.0) <= changes(0.4) < changes(1.5)


def test_a_phrase_ends_with_a_cadence() -> None:
    bars = _bars(4, 4)
    chords = harmonise(_tune("E E F G G F E D C C D E E:1.5 D:.5 D:2"), bars, "C major", 2.0)
    assert [c.name for c in chords[:2] if c] == ["C", "C"]
    assert chords[7] is not None
    assert chords[7].name == "G"
    closed = harmonise(_tune("E E F G G F E D C C D E D:1.5 C:.5 C:2"), bars, "C major", 2.0)
    assert [c.name for c in closed[6:] if c] == ["G", "C"]


def test_phrases_end_on_notes_that_stand() -> None:
    tune = _tune("C D E:2 C D E F G:4 C D C:4")
    spans = [(4.0 * i, 4.0 * i + 4) for i in range(5)]
    found = rests(tune, spans)
    assert found[2] > 0.9
    assert found[3] == 1.0
    assert found[4] == 0.0
    assert rests([], spans) == [0.0] * 5
    assert found[1] == 0.0
