"""How the players of the made songs play: patterns a bar, in eighths or sixteenths of the metre.

A comping pattern is a list of `(at, length)` in quarters, a drum pattern `(at, key, velocity)`.
"""

from __future__ import annotations

Hits = list[tuple[float, float]]
Strokes = list[tuple[float, int, int]]

KICK, SNARE, HAT, RIDE, RIM, OPEN = 36, 38, 42, 51, 37, 46

COMPING: dict[str, dict[str, Hits]] = {
    "4/4": {
        "whole": [(0, 4)],
        "halves": [(0, 2), (2, 2)],
        "quarters": [(0, 0.9), (1, 0.9), (2, 0.9), (3, 0.9)],
        "off-beats": [(0.5, 0.4), (1.5, 0.4), (2.5, 0.4), (3.5, 0.4)],
        "back-beats": [(1, 0.5), (3, 0.5)],
        "charleston": [(0, 1), (1.5, 0.5), (2, 1), (3.5, 0.5)],
        "eighths": [(x / 2, 0.45) for x in range(8)],
        "tresillo": [(0, 1.4), (1.5, 1.4), (3, 0.9)],
        "sixteenths": [(x, 0.2) for x in (0, 0.75, 1.5, 2, 2.75, 3.5)],
    },
    "3/4": {
        "whole": [(0, 3)],
        "oom-pah": [(1, 0.8), (2, 0.8)],
        "quarters": [(0, 0.9), (1, 0.9), (2, 0.9)],
        "hemiola": [(0, 1.4), (1.5, 1.4)],
    },
    "6/8": {
        "whole": [(0, 3)],
        "dotted": [(0, 1.4), (1.5, 1.4)],
        "eighths": [(x / 2, 0.45) for x in range(6)],
        "lilt": [(0, 0.9), (1, 0.4), (1.5, 0.9), (2.5, 0.4)],
    },
}
ARPEGGIO_STEP = {"4/4": 0.5, "3/4": 0.5, "6/8": 0.5}


def _hats(step: float, end: float, key: int = HAT) -> Strokes:
    return [(i * step, key, 80 if i % 2 == 0 else 58) for i in range(round(end / step))]


DRUMS: dict[str, dict[str, Strokes]] = {
    "4/4": {
        "rock": [(0, KICK, 110), (2, KICK, 100), (1, SNARE, 105), (3, SNARE, 108), *_hats(0.5, 4)],
        "half-time": [(0, KICK, 112), (1.5, KICK, 90), (2, SNARE, 110), *_hats(0.5, 4)],
        "four-floor": [*((x, KICK, 112) for x in range(4)), (1, SNARE, 90), (3, SNARE, 92),
                       *((x + 0.5, OPEN, 75) for x in range(4))],
        "funk": [(0, KICK, 112), (0.75, KICK, 85), (2.5, KICK, 100), (1, SNARE, 108),
                 (3, SNARE, 110), (1.75, SNARE, 45), (2.25, SNARE, 42), *_hats(0.25, 4)],
        "swing": [(0, RIDE, 92), (1, RIDE, 85), (1.5, RIDE, 60), (2, RIDE, 90), (3, RIDE, 85),
                  (3.5, RIDE, 60), (1, 44, 80), (3, 44, 80)],
        "bossa": [(0, KICK, 95), (1.5, KICK, 80), (2, KICK, 95), (3.5, KICK, 80), (0, RIM, 80),
                  (1.5, RIM, 80), (3, RIM, 80), *_hats(0.5, 4)],
    },
    "3/4": {
        "waltz": [(0, KICK, 108), (1, SNARE, 80), (2, SNARE, 80), *_hats(1, 3)],
        "waltz-eighths": [(0, KICK, 108), (2, SNARE, 95), *_hats(0.5, 3)],
    },
    "6/8": {
        "slow-rock": [(0, KICK, 110), (1.5, SNARE, 105), *_hats(0.5, 3)],
        "lilt": [(0, KICK, 108), (1.25, KICK, 70), (1.5, SNARE, 100), *_hats(0.5, 3, RIDE)],
    },
}  # fmt: skip

BASS: dict[str, dict[str, list[tuple[float, float, int]]]] = {  # at, length, semitones: 0 or 7
    "4/4": {
        "roots": [(0, 4, 0)],
        "two-beat": [(0, 1.8, 0), (2, 1.8, 7)],
        "eighths": [(x / 2, 0.45, 0) for x in range(8)],
        "syncopated": [(0, 1.4, 0), (1.5, 0.9, 0), (2.5, 0.5, 7), (3, 0.9, 0)],
        "walking": [(0, 0.95, 0), (1, 0.95, 7), (2, 0.95, 12), (3, 0.95, 7)],
    },
    "3/4": {"roots": [(0, 2.8, 0)], "waltz": [(0, 0.9, 0), (1, 0.9, 7), (2, 0.9, 7)]},
    "6/8": {"roots": [(0, 2.8, 0)], "dotted": [(0, 1.4, 0), (1.5, 1.4, 7)]},
}
