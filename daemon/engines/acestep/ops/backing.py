"""From what the model played to a vocal to what plays without it: the vocal is taken out.

*complete* and *cover* give a whole song, in which the vocal may be sung again. Demucs takes it out
where it is installed; else a mask that knows the vocal of the source does.

Samples are float32 `(frames, 2)` at 48 kHz.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

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

    `removed`: share of the energy that was taken out for them, 0…1. `separation`: by what.
    """

    stems: Stems
    removed: float
    separation: str | None

    def mix(self) -> np.ndarray:
        """Return the sum of the stems."""
        return np.asarray(np.sum(list(self.stems.values()), axis=0), np.float32)


def without_vocal(
    song: np.ndarray,
    vocal: np.ndarray,
    separator: Demucs | None,
    device: torch.device,
    check: Check,
) -> Backing:
    """Return `song` without the vocal, which is known as `vocal`."""
    assert song.shape == vocal.shape, (song.shape, vocal.shape)
    if separator is not None:
        return _by_demucs(separator, song, check)
    heard, known = (torch.from_numpy(np.ascontiguousarray(x.T)).to(device) for x in (song, vocal))
    rest, removed = reference.backing(heard, known, check)
    return Backing({"other": np.ascontiguousarray(rest.T.cpu().numpy())}, removed, MASK)


def _by_demucs(separator: Demucs, song: np.ndarray, check: Check) -> Backing:
    blocks = list(demucs.split(separator, song, RATE, check, lambda share: None))
    stems = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    sung = sum(_energy(stems.pop(name)) for name in SUNG if name in stems)
    total = sung + sum(map(_energy, stems.values()))
    return Backing(stems, sung / total if total else 0.0, separator.name)


def _energy(samples: np.ndarray) -> float:
    return float(np.square(samples, dtype=np.float64).sum())
