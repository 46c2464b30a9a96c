"""A clip and its truth, as it lies in the cache.

Seconds count from the first sample of the clip; chords are `(start, end, root, quality)` with the
qualities `maj min 7 min7 maj7 sus4 dim`; notes are `(start, end, midi)`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

SETS = ("tune", "test")

Chord = tuple[float, float, int, str]
Note = tuple[float, float, float]


@dataclass(frozen=True)
class Clip:
    """One clip.

    `group`: `fluid` (a General MIDI bank), `given` (the clips that came with the project), `own`
    (sketch's own sounds), `sung`, `speech`, `loop`. `kind` is what the engine should call it, None
    where the truth is not known. `downbeat` is None where nobody said where the bars lie,
    `loop_quarters` the length of the chord loop (0: none).
    """

    name: str
    set: str
    group: str
    kind: str | None
    file: str
    bpm: float
    beats: int = 4
    unit: int = 4
    downbeat: float | None = None
    tonic: int | None = None
    minor: bool = False
    chords: tuple[Chord, ...] = ()
    notes: tuple[Note, ...] = ()
    loop_quarters: float = 0.0
    tags: tuple[str, ...] = ()

    @property
    def bar_s(self) -> float:
        """Length of a bar in seconds."""
        return self.beats * 4 / self.unit * 60 / self.bpm

    @property
    def beat_s(self) -> float:
        """Length of one beat of the metre; in 6/8 a dotted quarter."""
        return 90 / self.bpm if (self.beats, self.unit) == (6, 8) else 60 / self.bpm

    def read(self) -> tuple[np.ndarray, int]:
        """Return float32 `(frames, 2)` and the rate."""
        samples, rate = sf.read(self.file, dtype="float32", always_2d=True)
        return np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples, rate


def save(clips: Sequence[Clip], path: Path) -> None:
    """Write an index."""
    path.write_text(json.dumps([asdict(c) for c in clips], indent=0))


def load(path: Path) -> list[Clip]:
    """Read an index."""
    rows = json.loads(path.read_text())
    for row in rows:
        for name in ("chords", "notes"):
            row[name] = tuple(tuple(x) for x in row[name])
        row["tags"] = tuple(row["tags"])
    return [Clip(**row) for row in rows]
