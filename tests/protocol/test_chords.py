"""The key `chords`: rows as musicians write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol.chords import bars_of, chord_row
from bridge.protocol.errors import PunchinError
from bridge.protocol.ops import KEY


@pytest.mark.parametrize(
    ("told", "plain"),
    [
        ("Am F G C", "Am | F | G | C"),
        ("Am | F G | C", "Am | F G | C"),
        ("| Am | % | c, g |", "Am | Am | C G"),
        ("Amin7\nD9\nGM7", "Am7 | D7 | Gmaj7"),
        ("B♭ C/E F♯m7b5 N.C.", "Bb | C | F#dim | N"),
        ("Gsus2 | Do7 | Cø", None),
        ("Gsus2 | D°7 | Cø", "Gsus4 | Ddim | Cdim"),
    ],
)
def test_rows_are_read_as_they_are_written(told, plain):
    if plain is None:
        with pytest.raises(PunchinError, match="Do7"):
            chord_row(told)
    else:
        assert chord_row(told) == plain
        assert chord_row(plain) == plain


@pytest.mark.parametrize("told", ["", " | ", "H7", "Am | X | C", "Amm", 7])
def test_what_is_no_chord_is_101(told):
    with pytest.raises(PunchinError) as caught:
        KEY["chords"].kind.convert(told)
    assert caught.value.code == 101


def test_too_many_bars_are_103():
    with pytest.raises(PunchinError) as caught:
        KEY["chords"].kind.convert("C " * 1025)
    assert caught.value.code == 103


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60))
def test_any_text_is_a_row_or_101(text):
    try:
        row = chord_row(text)
    except PunchinError as e:
        row, code = "N", e.code
    else:
        code = 101
    assert code == 101
    assert all(bars_of(row))
    assert chord_row(row) == row
