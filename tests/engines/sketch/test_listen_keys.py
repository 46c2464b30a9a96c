"""Keys: from counts of notes, and of melodies from their phrases and cadences too."""

import numpy as np
import pytest

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen import listen
from daemon.engines.sketch.listen.keys import find_key, melody_key
from daemon.engines.sketch.listen.names import key_name, parse_key
from daemon.engines.sketch.listen.types import Note

# Public-domain tunes: letters with lengths in quarters, beats a bar, quarters of pickup, and key.
HATIKVAH = "D:.5 E:.5 F:.5 G:.5 A A A#:.5 A:.5 A#:.5 D:.5 A:2 G G F F E:.5 D:.5 E:.5 F:.5 D:2"
SAILOR = (
    "A A:.5 A:.5 A A:.5 A:.5 A D F A G G:.5 G:.5 G G:.5 G:.5 G C E G "
    "A A:.5 A:.5 A A:.5 A:.5 A B C D C A G E D:2 D:2"
)
SCARBOROUGH = (
    "D:2 D A:2 A E:1.5 F:.5 E D:4 A C D:2 C A B G A:5 D D:2 D C:2 A A G F E C:2 "
    "D:2 A G:2 F E D C D:3"
)
HOME = "D D G A B:2 G:.5 F#:.5 E C C C:2 C:.5 C:.5 B A G F# G A G:2"
KINGS = "B:2 A G:2 E F# G F# E:3 B:2 A G:2 E F# G F# E:3"
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def _notes(text: str, bpm: float, pickup: float, up: int) -> list[Note]:
    notes, at = [], -pickup
    for token in text.split():
        name, _, length = token.partition(":")
        quarters = float(length or 1)
        start, end = (60 / bpm * (8 + q) for q in (at, at + 0.95 * quarters))
        notes.append(Note(start, end, 60.3 + _STEPS[name[0]] + name.count("#") + up, 0.9))
        at += quarters
    return notes


@pytest.mark.parametrize("up", [0, 5])
@pytest.mark.parametrize(
    ("tune", "beats", "pickup", "key"),
    [
        (HATIKVAH, 4, 0, "D minor"),
        (SAILOR, 4, 0, "D minor"),
        (SCARBOROUGH, 3, 0, "D minor"),
        (HOME, 3, 1, "G major"),
        (KINGS, 3, 0, "E minor"),
    ],
)
def test_the_key_of_a_tune(tune: str, beats: int, pickup: float, key: str, up: int) -> None:
    grid = Grid.steady(100.0, beats, 4, 60 / 100 * 8)
    tonic, is_minor = parse_key(key)
    found, sure = melody_key(_notes(tune, 100.0, pickup, up), grid)
    assert found == key_name(tonic + up, is_minor)
    assert sure > 0.3


def test_what_is_sung_at_rest_decides_between_relatives() -> None:
    grid = Grid.steady(120.0)
    in_major = _notes("A B C D E F G A G F E D C:4", 120.0, 0, 0)
    in_minor = _notes("C D E F G F E D C B G# B A:4", 120.0, 0, 0)
    assert melody_key(in_major, grid)[0] == "C major"
    assert melody_key(in_minor, grid)[0] == "A minor"


def test_without_notes_there_is_no_key() -> None:
    assert melody_key([], Grid.steady(120.0)) == (None, 0.0)
    assert find_key(np.zeros(12)) == (None, 0.0)


@pytest.mark.parametrize("told", ["F# minor", "Eb", "Bbm"])
def test_a_told_key_wins(told: str) -> None:
    second = np.arange(2 * 44100) / 44100
    tone = (0.3 * np.sin(2 * np.pi * 261.6 * second)).astype(np.float32)[:, None]
    heard = listen(tone, 44100, bpm=120, key=told)
    assert parse_key(heard.key or "") == parse_key(told)
    assert heard.key_confidence == 1.0
