"""General MIDI to the instruments of a plan: programs, percussion keys, names of tracks.

Standard library only. Programs count from 0; keys are those of the percussion channel.
"""

from __future__ import annotations

from daemon.engines.sketch.plan.instruments import DRUM_KEYS, GM_PROGRAMS

# First program of a family, the instrument that plays it, its stem, and its level in a mix (dB).
_FAMILIES: tuple[tuple[int, str, str, float], ...] = (
    (0, "piano", "keyboard", -2.0),
    (4, "epiano", "keyboard", -2.0),
    (6, "pluck", "keyboard", -4.0),
    (16, "organ", "keyboard", -5.0),
    (24, "guitar-nylon", "guitar", -3.0),
    (25, "guitar-steel", "guitar", -3.0),
    (28, "guitar-muted", "guitar", -4.0),
    (29, "guitar-drive", "guitar", -5.0),
    (32, "bass-upright", "bass", 0.0),
    (33, "bass-finger", "bass", 0.0),
    (34, "bass-pick", "bass", 0.0),
    (35, "bass-finger", "bass", 0.0),
    (38, "bass-synth", "bass", 0.0),
    (40, "strings", "strings", -6.0),
    (45, "pluck", "strings", -5.0),
    (48, "strings", "strings", -6.0),
    (52, "pad-choir", "backing_vocals", -7.0),
    (55, "stab", "synth", -6.0),
    (56, "brass", "brass", -6.0),
    (64, "flute", "woodwinds", -5.0),
    (80, "lead-soft", "synth", -5.0),
    (81, "lead-saw", "synth", -6.0),
    (82, "lead-soft", "synth", -5.0),
    (88, "pad-warm", "pad", -8.0),
    (91, "pad-choir", "pad", -8.0),
    (92, "pad-warm", "pad", -8.0),
    (104, "guitar-nylon", "guitar", -4.0),
    (108, "pluck", "other", -4.0),
    (110, "strings", "strings", -6.0),
    (112, "pluck", "other", -6.0),
)
_OWN = {program: name for name, program in GM_PROGRAMS.items() if program is not None}

# Words in the name of a track that sends no program.
_NAMES: tuple[tuple[str, int], ...] = (
    ("bass", 33), ("贝斯", 33), ("pad", 89), ("choir", 52), ("vocal", 52), ("voice", 52),
    ("合唱", 52), ("string", 48), ("violin", 48), ("弦", 48), ("guitar", 25), ("吉他", 25),
    ("organ", 16), ("rhodes", 4), ("epiano", 4), ("piano", 0), ("keys", 0), ("钢琴", 0),
    ("brass", 61), ("horn", 61), ("trumpet", 61), ("flute", 73), ("sax", 73), ("lead", 80),
    ("synth", 80), ("pluck", 11),
)  # fmt: skip
_DRUM_NAMES = ("drum", "percussion", "beat", "鼓")

# Percussion keys that a kit lacks, by the one that is played for them.
_NEAREST_DRUM = {
    35: 36, 40: 38, 43: 41, 45: 47, 48: 50, 52: 49, 53: 51, 55: 49, 57: 49, 59: 51, 58: 56,
    60: 50, 61: 47, 62: 50, 63: 47, 64: 41, 65: 50, 66: 47, 67: 56, 68: 56, 69: 70, 71: 70,
    73: 70, 74: 70, 75: 37, 76: 37, 77: 37, 80: 44, 81: 46, 82: 70,
}  # fmt: skip


def instrument_of(program: int) -> tuple[str, str, float]:
    """Return instrument, stem and level (dB) for a program."""
    family = next(row for row in reversed(_FAMILIES) if row[0] <= program)
    return _OWN.get(program, family[1]), family[2], family[3]


def program_named(name: str) -> int:
    """Return the program that a track's name speaks of; a piano's if it says nothing."""
    text = name.lower()
    return next((program for word, program in _NAMES if word in text), 0)


def names_drums(name: str) -> bool:
    """Whether a track's name speaks of drums."""
    return any(word in name.lower() for word in _DRUM_NAMES)


def drum_of(key: int) -> int | None:
    """Return the stroke that stands for a percussion key, None for what no kit here has."""
    return key if key in DRUM_KEYS.values() else _NEAREST_DRUM.get(key)
