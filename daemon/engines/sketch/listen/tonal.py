"""Which notes sound: activations of a note dictionary on a log-frequency spectrum.

Rows are `HOP_S` apart. A column is one semitone, `LOWEST_MIDI` upwards. Method after Mauch & Dixon
(2010), "Approximate note transcription": thirds of a semitone, tuning, whitening over an octave,
then non-negative least squares by multiplicative updates.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np

from daemon.engines.sketch.listen.frames import (
    EAR_RATE_HZ,
    Check,
    sounding_rows,
    spectra,
    unchecked,
)

_WINDOW = 8192
_HOP = 2048
HOP_S = _HOP / EAR_RATE_HZ
LOWEST_MIDI = 24
NOTES = 72
_THIRDS = 3 * (NOTES + 12)  # an octave of head-room for the partials of the highest notes
_HARMONICS = 12
_DECAY = 0.7
_ROUNDS = 30


@dataclass(frozen=True)
class Tones:
    """`notes`: float32 `(rows, NOTES)` ≥ 0; `detune`: semitones that the clip is above A440."""

    notes: np.ndarray
    detune: float

    def pooled(self, edges_s: np.ndarray) -> np.ndarray:
        """Mean activations between consecutive `edges_s`, `(len(edges_s) − 1, NOTES)`."""
        sums = np.zeros((len(self.notes) + 1, NOTES))
        np.cumsum(self.notes, axis=0, out=sums[1:])
        # Row i stands for the hop around its centre, hence the half row.
        at = np.clip(np.asarray(edges_s) / HOP_S + 0.5, 0, len(self.notes))
        whole = np.minimum(at.astype(int), len(self.notes) - 1)
        part = (at - whole)[:, None]
        area = sums[whole] * (1 - part) + sums[whole + 1] * part
        mean = np.diff(area, axis=0) / np.maximum(np.diff(at), 1e-6)[:, None]
        return np.maximum(mean, 0)


def tones(signal: np.ndarray, check: Check = unchecked) -> Tones:
    """Transcribe `signal` (see `frames`) roughly into note activations."""
    top = int(_hz(LOWEST_MIDI + _THIRDS / 3 + 1) / EAR_RATE_HZ * _WINDOW) + 2
    plain = _log_bins(top)
    logs = np.concatenate(
        [m @ plain for m in spectra(signal, _WINDOW, _HOP, bins=top, check=check)]
    )
    check()
    detune = _tuning(logs)
    notes = np.concatenate(
        [
            _activations(_whitened(_retuned(logs[i:j], detune)), check)
            for i, j in itertools.pairwise(_blocks(logs))
        ]
    )
    return Tones(notes, detune)


def _blocks(logs: np.ndarray) -> list[int]:
    """Return where blocks begin and end; silence around what sounds is in none with it."""
    first, last = sounding_rows(np.square(logs).sum(axis=1), HOP_S)
    return sorted({0, *range(first, last, 200), last, len(logs)})


def _hz(midi: float) -> float:
    return float(440 * 2 ** ((midi - 69) / 12))


@cache
def _log_bins(top: int) -> np.ndarray:
    """Map the lowest `top` FFT bins to thirds of semitones, `(top, _THIRDS)`, by interpolation."""
    centres = LOWEST_MIDI + (np.arange(_THIRDS) - 1) / 3
    at = 440 * 2 ** ((centres - 69) / 12) / EAR_RATE_HZ * _WINDOW
    # Above some 1 kHz a third is wider than an FFT bin: spread over its width.
    half = np.maximum(1.0, at * (2 ** (1 / 36) - 1))
    distance = np.abs(np.arange(top)[:, None] - at[None, :])
    return np.maximum(0, 1 - distance / half).astype(np.float32)


def _tuning(logs: np.ndarray) -> float:
    """Return the common offset in semitones, −0.5…0.5, from the phase over the three thirds."""
    power = np.square(logs[:, 3 * 12 : 3 * 60]).sum(axis=0, dtype=np.float64)
    turns = np.exp(2j * np.pi * (np.arange(len(power)) % 3 - 1) / 3)
    phase = (power * turns).sum()
    return float(np.angle(phase) / (2 * np.pi)) if abs(phase) > 0 else 0.0


def _retuned(logs: np.ndarray, detune: float) -> np.ndarray:
    """Shift the columns down by `detune` semitones, linearly interpolated."""
    shift = 3 * detune
    base = int(np.floor(shift))
    part = np.float32(shift - base)
    padded = np.pad(logs, ((0, 0), (2, 3)))
    first = padded[:, 2 + base : 2 + base + _THIRDS]
    second = padded[:, 3 + base : 3 + base + _THIRDS]
    return (1 - part) * first + part * second


def _whitened(logs: np.ndarray) -> np.ndarray:
    """Take off the mean over an octave and divide by the spread there; negatives become 0."""
    width = 37
    pad = np.pad(logs, ((0, 0), (width // 2, width // 2)), mode="reflect").astype(np.float64)
    sums = np.cumsum(np.pad(pad, ((0, 0), (1, 0))), axis=1)
    squares = np.cumsum(np.pad(pad * pad, ((0, 0), (1, 0))), axis=1)
    mean = (sums[:, width:] - sums[:, :-width]) / width
    spread = np.sqrt(np.maximum((squares[:, width:] - squares[:, :-width]) / width - mean**2, 0))
    level = np.sqrt(np.square(logs).mean())
    return (np.maximum(logs - mean, 0) / np.sqrt(spread + 0.05 * level + 1e-12)).astype(np.float32)


@cache
def _dictionary() -> np.ndarray:
    """Partials of every note on the thirds axis, `(NOTES, _THIRDS)`, rows of unit length."""
    book = np.zeros((NOTES, _THIRDS))
    for note in range(NOTES):
        for partial in range(1, _HARMONICS + 1):
            at = 3 * (note + 12 * np.log2(partial)) + 1
            near = np.arange(int(at) - 2, int(at) + 4)
            near = near[(near >= 0) & (near < _THIRDS)]
            book[note, near] += _DECAY ** (partial - 1) * np.maximum(0, 1 - np.abs(near - at) / 2)
    return (book / np.linalg.norm(book, axis=1, keepdims=True)).astype(np.float32)


def _activations(logs: np.ndarray, check: Check) -> np.ndarray:
    """Non-negative activations of the dictionary (Lee & Seung 2001, Euclidean updates)."""
    book = _dictionary()
    target = logs @ book.T
    gram = book @ book.T
    notes = target.copy()
    for _ in range(_ROUNDS):
        check()
        notes *= target / (notes @ gram + 1e-9)
    return notes
