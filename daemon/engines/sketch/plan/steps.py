"""The pattern grammar: a text of sixteenths for one bar of 4/4, fitted to any metre and swung.

    .  rest          X  accent        x  normal        o  soft        g  ghost
    -  hold the step before           ?  normal, played half of the time
    R 3 5 7 8  (bass) root, third, fifth, seventh, octave     a  (bass) approach to the next root
    1 … 6      (picked parts) a voice of the chord, counted from below
    d u        (strummed parts) down and up

Positions are quarter notes from the start of the bar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEP_QUARTERS = 0.25
VELOCITIES = {"X": 112, "x": 94, "o": 74, "g": 44, "?": 82, "d": 96, "u": 78, "a": 84}
_PLAIN_VELOCITY = 92
ALPHABET = frozenset(".-Xxog?R35781246adu")

# Which beats of a 4/4 bar stand for the beats of other bars, by number of beats.
_SIMPLE = {1: (0,), 2: (0, 1), 3: (0, 1, 3), 4: (0, 1, 2, 3), 5: (0, 1, 3, 2, 3)}


@dataclass(frozen=True)
class Hit:
    """One played step: where (quarters in the bar), how long, which symbol, how strong."""

    at: float
    length: float
    symbol: str
    velocity: int


def is_compound(beats: int, unit: int) -> bool:
    """Whether the metre counts in dotted beats (6/8, 9/8, 12/8)."""
    return unit >= 8 and beats % 3 == 0 and beats > 3


def fit(pattern: str, beats: int, unit: int) -> str:
    """Return `pattern` (16 steps of a 4/4 bar) for a bar of `beats`/`unit`, a step a sixteenth."""
    quarters = [pattern[i : i + 4].ljust(4, ".") for i in range(0, 16, 4)]
    if is_compound(beats, unit):
        chosen = [_dotted(quarters[i]) for i in _beats(beats // 3)]
    else:
        chosen = [quarters[i] for i in _beats(-(-beats * 4 // unit))]
    steps = max(1, beats * 16 // unit)
    return "".join(chosen)[:steps].ljust(steps, ".")


def _beats(count: int) -> tuple[int, ...]:
    if count in _SIMPLE:
        return _SIMPLE[count]
    rest = count - 3
    return (0, 1, 3) + (_beats(rest) if rest else ())


def _dotted(beat: str) -> str:
    """Spread four sixteenths over the six of a dotted beat; eighths stay eighths."""
    third = "-" if beat[2] == "-" else beat[2]
    return beat[0] + beat[1] + third + ("-" if third == "-" else ".") + third + beat[3]


def hits(pattern: str, rng: np.random.Generator) -> list[Hit]:
    """Return the played steps of a fitted pattern."""
    found: list[Hit] = []
    for i, symbol in enumerate(pattern):
        if symbol in ".-" or (symbol == "?" and rng.random() < 0.5):
            continue
        held = len(pattern[i + 1 :]) - len(pattern[i + 1 :].lstrip("-"))
        velocity = VELOCITIES.get(symbol, _PLAIN_VELOCITY)
        found.append(Hit(i * STEP_QUARTERS, (1 + held) * STEP_QUARTERS, symbol, velocity))
    return found


def swung(at: float, swing: float, pair_quarters: float) -> float:
    """Delay the second half of each pair; `swing` 0 is straight, 1 is triplets (2 : 1).

    Positions in between move in proportion, so that order is kept.
    """
    if swing <= 0:
        return at
    pair, inside = divmod(at, pair_quarters)
    share = inside / pair_quarters
    middle = 0.5 + swing / 6
    warped = share * middle / 0.5 if share < 0.5 else middle + (share - 0.5) * (1 - middle) / 0.5
    return (pair + warped) * pair_quarters
