"""The instruments a plan may name, with their General MIDI programs and percussion keys."""

from __future__ import annotations

# General MIDI programs, counted from 0; None is the percussion channel.
GM_PROGRAMS: dict[str, int | None] = {
    "drums-acoustic": None,
    "drums-electronic": None,
    "drums-lofi": None,
    "drums-brush": None,
    "bass-finger": 33,
    "bass-pick": 34,
    "bass-upright": 32,
    "bass-sub": 38,
    "bass-synth": 39,
    "piano": 0,
    "piano-soft": 1,
    "epiano": 4,
    "organ": 16,
    "guitar-nylon": 24,
    "guitar-steel": 25,
    "guitar-muted": 28,
    "guitar-drive": 29,
    "pluck": 11,
    "pad-warm": 89,
    "pad-choir": 91,
    "strings": 48,
    "brass": 61,
    "lead-soft": 80,
    "lead-saw": 81,
    "stab": 90,
    "flute": 73,
}

# General MIDI percussion keys of the pieces that patterns name.
DRUM_KEYS: dict[str, int] = {
    "kick": 36,
    "rim": 37,
    "snare": 38,
    "clap": 39,
    "tom_low": 41,
    "hat": 42,
    "pedal": 44,
    "tom_mid": 47,
    "open": 46,
    "crash": 49,
    "tom_high": 50,
    "ride": 51,
    "tambourine": 54,
    "cowbell": 56,
    "shaker": 70,
}


def is_drums(instrument: str) -> bool:
    """Whether `instrument` is a drum kit."""
    return GM_PROGRAMS.get(instrument, 0) is None
