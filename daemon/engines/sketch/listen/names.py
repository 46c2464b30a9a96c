"""Names of pitch classes, keys and chords, and back; standard library only.

A pitch class is 0…11 with C = 0. A key is `C# minor`; a chord is a root with one of `QUALITIES`
as suffix. Roots are spelled as the key's signature asks: flats in flat keys.
"""

from __future__ import annotations

SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
MAJOR_KEYS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
_FLAT_MAJORS = frozenset({1, 3, 5, 8, 10})
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)

# Suffix of a chord name and its tones in semitones above the root.
QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "sus4": (0, 5, 7),
    "dim": (0, 3, 6),
}
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"#": 1, "♯": 1, "b": -1, "♭": -1}


def parse_pitch_class(name: str) -> tuple[int, str]:
    """Return the pitch class at the head of `name` and the rest of it; ValueError if there is none.

    `Bbm7` → `(10, "m7")`.
    """
    head = name[:1].upper()
    if head not in _LETTERS:
        raise ValueError(f"{name!r} does not begin with a note name")
    pitch, rest = _LETTERS[head], name[1:]
    while rest and rest[0] in _ACCIDENTALS:
        pitch, rest = pitch + _ACCIDENTALS[rest[0]], rest[1:]
    return pitch % 12, rest


def parse_key(name: str) -> tuple[int, bool]:
    """Return `(tonic, is_minor)` of `C# minor`, `Bb major`, `Am`, `F`; ValueError otherwise."""
    tonic, rest = parse_pitch_class(name.strip())
    mode = rest.strip()
    if mode == "m" or mode.lower() in ("min", "minor"):
        return tonic, True
    if mode in ("", "M") or mode.lower() in ("maj", "major"):
        return tonic, False
    raise ValueError(f"{name!r} is neither a major nor a minor key")


def key_name(tonic: int, is_minor: bool) -> str:
    """Return the usual name of a key: `Bb major`, `C# minor`."""
    return f"{MINOR_KEYS[tonic % 12]} minor" if is_minor else f"{MAJOR_KEYS[tonic % 12]} major"


def relative_key(name: str) -> str:
    """Return the key with the same notes: `C major` ↔ `A minor`."""
    tonic, is_minor = parse_key(name)
    return key_name(tonic + 3, False) if is_minor else key_name(tonic - 3, True)


def uses_flats(key: str | None) -> bool:
    """Whether the signature of `key` has flats; without a key, sharps."""
    if key is None:
        return False
    tonic, is_minor = parse_key(key)
    if is_minor and MINOR_KEYS[tonic] == "Eb":
        return True
    return (tonic + 3 if is_minor else tonic) % 12 in _FLAT_MAJORS


def scale_of(key: str) -> frozenset[int]:
    """Return the pitch classes of `key` (natural minor)."""
    tonic, is_minor = parse_key(key)
    steps = MINOR_SCALE if is_minor else MAJOR_SCALE
    return frozenset((tonic + step) % 12 for step in steps)


def chord_name(root: int, quality: str, flats: bool = False) -> str:
    """Return the name of the chord on pitch class `root`; `quality` is a key of `QUALITIES`."""
    return (FLATS if flats else SHARPS)[root % 12] + quality


def parse_chord(name: str) -> tuple[int, str] | None:
    """Return `(root, quality)`, or None for `N`; ValueError for what is no chord we know."""
    if name == "N":
        return None
    root, quality = parse_pitch_class(name)
    if quality not in QUALITIES:
        raise ValueError(f"{name!r} is not a chord that is known here")
    return root, quality


def chord_tones(name: str) -> frozenset[int]:
    """Return the pitch classes of a chord; empty for `N`."""
    parsed = parse_chord(name)
    if parsed is None:
        return frozenset()
    root, quality = parsed
    return frozenset((root + step) % 12 for step in QUALITIES[quality])
