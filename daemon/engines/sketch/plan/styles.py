"""Styles: patterns, instruments, mix and feel as data, read from `presets/styles/*.toml`.

The format is described in `presets/styles/README.md`. Standard library only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.protocol.errors import error
from daemon.engines.sketch.plan import style_check

Kit = Mapping[str, str]  # piece → pattern


@dataclass(frozen=True)
class Humanise:
    """How far players stray: onsets within −`early_ms` … +`late_ms`, velocities ± `velocity`.

    `spread` scales the time from string to string of a strum.
    """

    early_ms: float = 8.0
    late_ms: float = 4.0
    velocity: int = 6
    spread: float = 1.0

    def scaled(self, share: float) -> Humanise:
        """Return `share` of the same; 0 is exactly on the grid."""
        early, late = self.early_ms * share, self.late_ms * share
        return Humanise(early, late, round(self.velocity * share), self.spread * share)


@dataclass(frozen=True)
class DrumStyle:
    """A drum kit and its one-bar patterns: light, full, and fills (played as a bar's last half)."""

    kit: str
    gain_db: float = 0.0
    send_db: float = -20.0
    low: tuple[Kit, ...] = ()
    high: tuple[Kit, ...] = ()
    fill: tuple[Kit, ...] = ()


@dataclass(frozen=True)
class PartStyle:
    """One pitched player.

    `role`: `bass`, `chords` (struck), `arp` (single voices), `strum`, `pad` (held), `lead`.
    `range` are its lowest and highest note. `level` is the fullness of a section from which on it
    plays (0 always … 3 choruses only). `voices` is how many notes a chord has.
    """

    name: str
    stem: str
    role: str
    instrument: str
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()
    range: tuple[int, int] = (48, 72)
    level: int = 0
    voices: int = 3
    gain_db: float = 0.0
    pan: float = 0.0
    send_db: float = -18.0
    duck_db: float = 0.0


@dataclass(frozen=True)
class Style:
    """One style. `words` are what a caption may call it; `busy` 0…1 is how dense it is,
    `restless` how readily its chords change under a melody (see `harmonise`), `surprise` how odd it
    would be where nobody asked for it.
    """

    name: str
    title: str
    summary: str
    words: tuple[str, ...]
    tempo_bpm: tuple[float, float]
    busy: float
    drums: DrumStyle | None
    parts: tuple[PartStyle, ...]
    progressions: Mapping[str, tuple[str, ...]]
    swing: float = 0.0
    swing_grid: int = 8
    colour: str = "triad"
    restless: float = 0.0
    surprise: float = 0.0
    room_s: float = 1.2
    room_tone_hz: float = 5000.0
    humanise: Humanise = field(default_factory=Humanise)


def load_styles(folder: Path) -> dict[str, Style]:
    """Return the styles of `folder` by name; error 101 names every mistake in a file."""
    styles = {path.stem: read_style(path) for path in sorted(folder.glob("*.toml"))}
    if not styles:
        raise error(300, f"no styles in {folder}; install Punchin again or put a style there")
    return styles


def read_style(path: Path) -> Style:
    """Return one style file as a `Style`; error 101 lists what is wrong with it."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
        raise error(101, f"style {path.name} is not TOML ({reason}); mend or remove it") from None
    mistakes = style_check.mistakes(data)
    if mistakes:
        told = "; ".join(mistakes)
        raise error(101, f"style {path.name}: {told}; mend or remove it")
    return _style(path.stem, data)


def _style(name: str, data: dict[str, Any]) -> Style:
    room = data.get("room", {})
    low, high = data["tempo_bpm"]
    return Style(
        name=name,
        title=data["title"],
        summary=data.get("summary", ""),
        words=tuple(data.get("words", ())),
        tempo_bpm=(float(low), float(high)),
        busy=float(data.get("busy", 0.5)),
        drums=_drums(data["drums"]) if "drums" in data else None,
        parts=tuple(_part(row) for row in data["parts"]),
        progressions={mode: tuple(rows) for mode, rows in data["progressions"].items()},
        swing=float(data.get("swing", 0.0)),
        swing_grid=int(data.get("swing_grid", 8)),
        colour=data.get("colour", "triad"),
        restless=float(data.get("restless", 0.0)),
        surprise=float(data.get("surprise", 0.0)),
        room_s=float(room.get("seconds", 1.2)),
        room_tone_hz=float(room.get("tone_hz", 5000.0)),
        humanise=Humanise(**data.get("humanise", {})),
    )


def _drums(data: dict[str, Any]) -> DrumStyle:
    kits = {level: tuple(data.get(level, ())) for level in ("low", "high", "fill")}
    values: dict[str, Any] = {**data, **kits}
    return DrumStyle(**values)


def _part(row: dict[str, Any]) -> PartStyle:
    lists: dict[str, Any] = {k: tuple(row[k]) for k in ("low", "high", "range") if k in row}
    values: dict[str, Any] = {**row, **lists}
    return PartStyle(**values)
