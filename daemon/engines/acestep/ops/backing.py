"""From what the model played to a vocal to what plays without it: the vocal is taken out.

*complete* and *cover* give a whole song, in which the vocal may be sung again. Demucs takes it out
where it is installed; else a mask that knows the vocal of the source does.

Samples are float32 `(frames, 2)` at 48 kHz.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from daemon.engines.acestep.grid.correct import (
    Beat,
    Moved,
    better,
    measured,
    moved,
    off_enough,
)
from daemon.engines.acestep.ops.tracks import SUNG
from daemon.engines.acestep.parts import RATE
from daemon.engines.acestep.separate import demucs, reference
from daemon.engines.acestep.separate.demucs import Demucs

Check = Callable[[], None]
Stems = dict[str, np.ndarray]
MASK = "reference-mask"


@dataclass(frozen=True, eq=False)
class Backing:
    """Stems without the vocal, by name, all of one length.

    `removed`: share of the energy that was taken out for them, 0…1. `separation`: by what. `notes`
    are about their timing.
    """

    stems: Stems
    removed: float
    separation: str | None
    notes: tuple[str, ...] = ()

    def mix(self) -> np.ndarray:
        """Return the sum of the stems."""
        return np.asarray(np.sum(list(self.stems.values()), axis=0), np.float32)


def without_vocal(
    song: np.ndarray,
    vocal: np.ndarray,
    separator: Demucs | None,
    device: torch.device,
    check: Check,
    tell: Callable[[float], None] = lambda fraction: None,
) -> Backing:
    """Return `song` without the vocal, which is known as `vocal`; `tell` hears how far it is."""
    assert song.shape == vocal.shape, (song.shape, vocal.shape)
    if separator is not None:
        return _by_demucs(separator, song, check, tell)
    heard, known = (torch.from_numpy(np.ascontiguousarray(x.T)).to(device) for x in (song, vocal))
    rest, removed = reference.backing(heard, known, check)
    return Backing({"other": np.ascontiguousarray(rest.T.cpu().numpy())}, removed, MASK)


def on_time(backing: Backing, beat: Beat, correct: bool) -> Backing:
    """Return the backing as held against `beat`: its stems are moved together, or not at all."""
    mix = backing.mix()
    before = measured(mix, 0, beat)
    if before is None:
        return backing
    span = (0, len(mix))
    if correct and off_enough(before):
        stems = {name: moved(_within(x), span, 0, before) for name, x in backing.stems.items()}
        new = replace(backing, stems=stems)
        after = measured(new.mix(), 0, beat)
        if better(before, after, span):
            return replace(new, notes=Moved(before, after).notes())
    return replace(backing, notes=Moved(before).notes())


def _within(samples: np.ndarray) -> Callable[[int, int], np.ndarray]:
    """Return what fetches samples, silence beyond them."""

    def fetch(low: int, high: int) -> np.ndarray:
        inside = samples[max(0, low) : max(0, high)]
        before = max(0, -low)
        return np.pad(inside, ((before, high - low - before - len(inside)), (0, 0)))

    return fetch


def _by_demucs(
    separator: Demucs, song: np.ndarray, check: Check, tell: Callable[[float], None]
) -> Backing:
    blocks = list(demucs.split(separator, song, RATE, check, tell))
    stems = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    sung = sum(_energy(stems.pop(name)) for name in SUNG if name in stems)
    total = sung + sum(map(_energy, stems.values()))
    return Backing(stems, sung / total if total else 0.0, separator.name)


def _energy(samples: np.ndarray) -> float:
    return float(np.square(samples, dtype=np.float64).sum())
