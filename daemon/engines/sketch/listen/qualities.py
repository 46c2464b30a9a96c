"""How likely each chord is for a stretch of notes, all seven qualities apart.

`harmony.chord_scores` says how well the best chord explains a stretch at all; this says which of
them it is. Arrays are float64 `(rows, 84)`, chords as `harmony` counts them.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from daemon.engines.sketch.listen.names import QUALITIES
from daemon.engines.sketch.listen.templates import QUALITY_BIAS, QUALITY_WEIGHTS
from daemon.engines.sketch.listen.tonal import LOWEST_MIDI, NOTES

_SEVENTHS = np.array([len(steps) == 4 for steps in QUALITIES.values()])
_PLAIN = np.array([name in ("", "m") for name in QUALITIES])
_LEAN = 0.3  # how far a clip's share of seventh chords weighs on each of them
_USUAL = (1.5, 3.5)  # chords with and without a seventh that are taken as heard beforehand
_LARGEST_LEAN = 2.0


def chord_odds(notes: np.ndarray) -> np.ndarray:
    """Return log-odds of every chord for pooled `notes` `(rows, NOTES)`, on a common scale."""
    return features(notes) @ _templates().T + np.tile(QUALITY_BIAS, 12)


def features(notes: np.ndarray) -> np.ndarray:
    """Return the profiles that `templates` weighs, `(rows, 36)`, each twelve of unit length or 0.

    Even treble and bass are of the square root of the activations; loud treble of themselves, so
    that what sounds through counts against what is touched.
    """
    pitch = LOWEST_MIDI + np.arange(NOTES)
    treble = np.exp(-0.5 * ((pitch - 62) / 11) ** 2)
    bass = 1 / (1 + np.exp((pitch - 50) / 2))
    even = np.sqrt(notes)
    return np.concatenate(
        [_chroma(even * treble), _chroma(even * bass), _chroma(notes * treble)], 1
    )


def _chroma(levels: np.ndarray) -> np.ndarray:
    chroma = levels.reshape(len(levels), -1, 12).sum(axis=1)
    size = np.linalg.norm(chroma, axis=1, keepdims=True)
    return chroma / np.maximum(size, 1e-9) * (size > 1e-6)


@cache
def _templates() -> np.ndarray:
    """Return the weights of every chord, `(84, 36)`."""
    parts = QUALITY_WEIGHTS.reshape(len(QUALITIES), -1, 12)
    return np.concatenate(
        [np.roll(parts, root, axis=2).reshape(len(parts), -1) for root in range(12)]
    )


def lean(path: np.ndarray) -> np.ndarray:
    """Return log-odds `(84,)` for and against sevenths by how many there are in `path`.

    Songs have sevenths nearly everywhere or hardly anywhere: what is plain to hear in some bars
    helps in the others. `path` holds chord indices; no-chord must have been left out.
    """
    sevenths = int(_SEVENTHS[path % len(QUALITIES)].sum())
    ratio = (sevenths + _USUAL[0]) / (len(path) - sevenths + _USUAL[1]) * _USUAL[1] / _USUAL[0]
    far = _LEAN * float(np.clip(np.log(ratio), -_LARGEST_LEAN, _LARGEST_LEAN))
    others = ~_SEVENTHS & ~_PLAIN
    return np.tile(np.where(_SEVENTHS, far, -far * _PLAIN) + abs(far) * others, 12)
