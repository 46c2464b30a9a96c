"""The key `stretch`: a clip is brought to the told tempo before the engine works on it.

Frames are the source's. The stretched clip takes the source's place: its first sample is frame 0.

Threads: the worker's main thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bridge.protocol.errors import error
from daemon.audio import resample
from daemon.audio.channels import Fold
from daemon.audio.clips import HeldClip
from daemon.audio.grid import Grid
from daemon.audio.stretch import LEAST, MOST, method_for, stretched
from daemon.core.planner import Work
from daemon.engines.base import Engine
from daemon.worker.clip import Clip
from daemon.worker.port import JobPort

EQUAL = 0.001
"""Tempi that differ by no more are the same: 1 ms in a second, less than analysis is sure of."""

KEEPS_ITS_CLIP = frozenset({"repaint", "extend", "edit"})
_MULTIPLES = (1.0, 0.5, 2.0)  # a tempo is often heard at half or double
_CEILING = 0.999
ROLE = "stretched"

Listen = Callable[[Work, Clip], Grid]
"""Finds the grid of a clip, in seconds of its source."""


@dataclass(frozen=True)
class Change:
    """From the tempo of the clip's `own` grid (seconds of the source) to `to_bpm`.

    `multiple`: whether the clip's tempo counts as it was heard, halved or doubled. `method`: how
    the clip is stretched.
    """

    own: Grid
    from_bpm: float
    to_bpm: float
    multiple: float
    method: str

    @property
    def ratio(self) -> float:
        """New length over old."""
        return self.from_bpm * self.multiple / self.to_bpm

    def facts(self) -> dict[str, float | str]:
        """Return what a result tells of it."""
        told = {"from_bpm": self.from_bpm * self.multiple, "to_bpm": self.to_bpm}
        return {**told, "ratio": self.ratio, "method": self.method}


@dataclass(frozen=True, eq=False)
class Brought:
    """A job whose clip was brought to another tempo; `samples` are float32 `(n, channels)`."""

    change: Change
    work: Work
    clip: Clip
    grid: Grid
    samples: np.ndarray
    notes: tuple[str, ...]

    def send(self, take: int, port: JobPort) -> None:
        """Send the clip as it is at the new tempo, to be one of a take's files."""
        port.audio(ROLE, take, 0, self.samples)


def untold(work: Work) -> Work:
    """Return the work as if nobody had told a tempo, so that the clip's own is heard."""
    return replace(work, told=replace(work.told, bpm=None, tempomap=None))


def change(work: Work, own: Grid, channels: int) -> Change | None:
    """Return what brings a clip with the grid `own` to the told tempo, None where it has it.

    Raises 103 where the op leaves the clip as it is, or where the tempi are too far apart.
    """
    assert work.told.bpm is not None
    heard, told = own.tempo_at(work.clip[0] / work.rate), work.told.bpm
    multiple = min(_MULTIPLES, key=lambda m: abs(math.log(heard * m / told)))
    found = Change(own, heard, told, multiple, method_for(channels))
    if abs(found.ratio - 1) <= EQUAL:
        return None
    if work.op in KEEPS_ITS_CLIP:
        raise error(
            103,
            f"bpm: {work.op} leaves the clip as it is, at {heard * multiple:.2f} bpm: bring it to "
            f"{told:g} first, with stems and stretch 1, and send the file of role {ROLE}",
        )
    if not LEAST <= found.ratio <= MOST:
        low, high = heard * multiple / MOST, heard * multiple / LEAST
        raise error(
            103,
            f"bpm: from {heard * multiple:.1f} to {told:g} is too far to stretch a clip: "
            f"send one from {low:.1f} to {high:.1f}",
        )
    return found


def bring(
    engine: Engine, work: Work, clip: Clip, to: Change, listen: Listen, port: JobPort
) -> Brought:
    """Return the job at the new tempo; `clip` holds the whole of the work's clip.

    The downbeat scales along; where the tempo counts as halved or doubled and nobody told a
    downbeat, bars are listened for again.
    """
    port.progress(0.04, "stretching")
    samples = stretched(np.asarray(clip.source), clip.rate, to.ratio, port.check, to.method)
    gain = _within(samples, clip)
    samples *= np.float32(gain)
    work = replace(work, clip=(0, len(samples)))
    at_tempo = _held(engine, samples, clip.rate)
    begin = clip.start / clip.rate
    downbeat = (to.own.downbeat - begin) * to.ratio
    grid = Grid.steady(to.to_bpm, *to.own.metre_at(begin), downbeat)
    if to.multiple != 1 and work.told.downbeat is None:
        grid = listen(work, at_tempo)
    return Brought(to, work, at_tempo, grid, samples, _notes(to, gain))


def _notes(to: Change, gain: float) -> tuple[str, ...]:
    how = {"signalsmith": "python-stretch", "wsola": "the built-in method"}[to.method]
    own = to.from_bpm * to.multiple
    said = f"The clip was brought from {own:.2f} to {to.to_bpm:g} bpm with {how}."
    lowered = f"Stretched, it was lowered by {-20 * math.log10(gain):.1f} dB to fit."
    return (said, lowered) if gain < 1 else (said,)


def _within(samples: np.ndarray, clip: Clip) -> float:
    """Return the gain at which a clip that was within full scale still is."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak <= 1 or float(np.abs(np.asarray(clip.source)).max(initial=0.0)) > 1:
        return 1.0
    return _CEILING / peak


def _held(engine: Engine, samples: np.ndarray, rate: int) -> Clip:
    fold = Fold.fit(samples)
    engine_rate = engine.rate_for(rate)
    heard, start = resample.convert(fold.stereo(samples), 0, rate, engine_rate)
    reader = HeldClip(np.ascontiguousarray(heard, np.float32), engine_rate)
    return Clip(HeldClip(samples, rate), 0, reader, start, fold)
