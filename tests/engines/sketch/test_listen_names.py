import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.engines.sketch.listen.names import (
    QUALITIES,
    chord_name,
    chord_tones,
    key_name,
    parse_chord,
    parse_key,
    relative_key,
    scale_of,
    uses_flats,
)

pitch_classes = st.integers(0, 11)


@given(pitch_classes, st.sampled_from(list(QUALITIES)), st.booleans())
def test_a_chord_name_parses_back(root, quality, flats):
    assert parse_chord(chord_name(root, quality, flats)) == (root, quality)


@given(pitch_classes, st.booleans())
def test_a_key_name_parses_back_and_its_relative_shares_the_scale(tonic, minor):
    name = key_name(tonic, minor)
    assert parse_key(name) == (tonic, minor)
    other = relative_key(name)
    assert relative_key(other) == name
    assert other != name
    assert scale_of(other) == scale_of(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C# minor", (1, True)),
        ("Bb major", (10, False)),
        ("Am", (9, True)),
        ("F", (5, False)),
        ("E♭ maj", (3, False)),
    ],
)
def test_keys_are_read_as_people_write_them(text, expected):
    assert parse_key(text) == expected


@pytest.mark.parametrize("text", ["", "H minor", "C phrygian", "7"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(ValueError):
        parse_key(text)


@pytest.mark.parametrize("text", ["X7", "Cfoo", "m7"])
def test_what_is_no_chord_is_refused(text):
    with pytest.raises(ValueError):
        parse_chord(text)


@pytest.mark.parametrize(
    ("key", "flats"),
    [
        ("F major", True),
        ("D minor", True),
        ("C minor", True),
        ("E minor", False),
        ("C# minor", False),
        ("Eb minor", True),
        ("G major", False),
    ],
)
def test_flat_keys_are_spelled_with_flats(key, flats):
    assert uses_flats(key) is flats


def test_chord_tones_are_the_notes_of_the_chord():
    assert chord_tones("Bb7") == {10, 2, 5, 8}
    assert chord_tones("Gsus4") == {7, 0, 2}
    assert chord_tones("N") == frozenset()
