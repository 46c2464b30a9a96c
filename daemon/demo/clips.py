"""The clips of the demo and what is known of them, from `presets/clips/clips.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import soundfile

from bridge import resources
from daemon.audio.grid import Grid


@dataclass(frozen=True)
class Clip:
    """One clip. `bpm` counts quarter notes, `downbeat` and `seconds` are seconds."""

    path: Path
    title: str
    bpm: float
    meter: str
    key: str
    downbeat: float
    frames: int
    rate: int
    repaint_bars: tuple[int, int] = (1, 1)
    extend_bars: int = 0

    @property
    def seconds(self) -> float:
        """Length of the file."""
        return self.frames / self.rate

    @property
    def metre(self) -> tuple[int, int]:
        """Beats in a bar and their note value."""
        beats, unit = self.meter.split("/")
        return int(beats), int(unit)

    @property
    def grid(self) -> Grid:
        """Bars and beats, in seconds of the file."""
        return Grid.steady(self.bpm, *self.metre, self.downbeat)

    def bars(self, first: int, last: int) -> tuple[float, float]:
        """Return where bars `first` … `last` (counted from 1) begin and end, in seconds."""
        bar = self.grid.bars_length(self.downbeat, 1)
        return self.downbeat + (first - 1) * bar, self.downbeat + last * bar


def load_clips(folder: Path | None = None) -> dict[str, Clip]:
    """Return the clips by name."""
    folder = folder or resources.folder("presets") / "clips"
    tables = tomllib.loads((folder / "clips.toml").read_text("utf-8"))
    return {name: _clip(folder, facts) for name, facts in tables.items()}


def _clip(folder: Path, facts: dict[str, object]) -> Clip:
    known = {k: v for k, v in facts.items() if k != "file"}
    if "repaint_bars" in known:
        known["repaint_bars"] = tuple(known["repaint_bars"])  # type: ignore[arg-type]
    path = folder / str(facts["file"])
    info = soundfile.info(path)
    return Clip(path, frames=info.frames, rate=info.samplerate, **known)  # type: ignore[arg-type]
