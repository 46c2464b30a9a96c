"""The small project that the fake REAPER keeps: tracks, items, takes, sources, tempo, markers.

Times are seconds of the project unless a name says otherwise; quarters are `qn`. What scripts hold
as pointers are these objects; one that was removed (or undone) is freed and must not be used again.
"""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile

_count = itertools.count(1)


def new_guid() -> str:
    """Return a GUID of REAPER's form."""
    n = next(_count)
    return f"{{{n:08X}-0000-4000-8000-{n:012X}}}"


class Freed(Exception):
    """A script used a pointer that is no longer valid."""


@dataclass(eq=False, repr=False)
class Thing:
    """Anything a script holds a pointer to."""

    alive: bool = field(default=True, init=False)

    @property
    def kind(self) -> str:
        return KINDS[type(self)]

    def free(self) -> None:
        self.alive = False


@dataclass(eq=False, repr=False)
class Source(Thing):
    """A media source. `section` is `(offset_s, length_s, reversed)` of its parent."""

    path: str = ""
    media: str = "WAVE"
    parent: Source | None = None
    section: tuple[float, float, bool] | None = None
    peaks_left: int = 3

    @property
    def root(self) -> Source:
        return self.parent.root if self.parent else self

    @property
    def online(self) -> bool:
        return Path(self.root.path).is_file()

    @property
    def info(self) -> Any:
        return soundfile.info(self.root.path) if self.online else None

    @property
    def length_s(self) -> float:
        if self.section:
            return self.section[1]
        return self.info.frames / self.info.samplerate if self.online else 0.0


@dataclass(eq=False, repr=False)
class Take(Thing):
    item: Item = None  # type: ignore[assignment]
    source: Source | None = None
    name: str = ""
    guid: str = field(default_factory=new_guid)
    values: dict[str, float] = field(default_factory=lambda: {
        "D_STARTOFFS": 0.0, "D_VOL": 1.0, "D_PAN": 0.0, "D_PLAYRATE": 1.0, "D_PITCH": 0.0,
        "B_PPITCH": 0.0, "I_CHANMODE": 0.0, "I_CUSTOMCOLOR": 0.0, "D_PANLAW": -1.0,
        "I_PITCHMODE": -1.0,
    })  # fmt: skip
    ext: dict[str, str] = field(default_factory=dict)
    stretch: list[tuple[float, float]] = field(default_factory=list)
    effects: int = 0
    envelopes: int = 0


@dataclass(eq=False, repr=False)
class Item(Thing):
    track: Track = None  # type: ignore[assignment]
    takes: list[Take] = field(default_factory=list)
    active: int = 0
    guid: str = field(default_factory=new_guid)
    notes: str = ""
    values: dict[str, float] = field(default_factory=lambda: {
        "D_POSITION": 0.0, "D_LENGTH": 0.0, "D_SNAPOFFSET": 0.0, "B_LOOPSRC": 0.0, "C_LOCK": 0.0,
        "B_UISEL": 0.0, "D_FADEINLEN": 0.0, "D_FADEOUTLEN": 0.0, "D_VOL": 1.0, "B_MUTE": 0.0,
        "I_CUSTOMCOLOR": 0.0, "C_BEATATTACHMODE": -1.0, "B_ALLTAKESPLAY": 0.0, "I_GROUPID": 0.0,
        "D_FADEINLEN_AUTO": -1.0, "D_FADEOUTLEN_AUTO": -1.0,
    })  # fmt: skip
    ext: dict[str, str] = field(default_factory=dict)

    @property
    def start(self) -> float:
        return self.values["D_POSITION"]

    @property
    def end(self) -> float:
        return self.start + self.values["D_LENGTH"]


@dataclass(eq=False, repr=False)
class Track(Thing):
    name: str = ""
    items: list[Item] = field(default_factory=list)
    guid: str = field(default_factory=new_guid)
    values: dict[str, float] = field(default_factory=lambda: {
        "I_FOLDERDEPTH": 0.0, "I_SELECTED": 0.0, "I_CUSTOMCOLOR": 0.0, "D_VOL": 1.0, "D_PAN": 0.0,
        "B_MUTE": 0.0, "I_SOLO": 0.0, "I_NCHAN": 2.0, "I_RECARM": 0.0,
    })  # fmt: skip
    ext: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class Marker(Thing):
    """A marker or region."""

    name: str = ""
    start: float = 0.0
    end: float = 0.0
    is_region: bool = False
    number: int = 1
    guid: str = field(default_factory=new_guid)


@dataclass
class Tempo:
    """A tempo marker; `beats` 0 keeps the metre before it, `linear` ramps to the next one."""

    at: float
    bpm: float
    beats: int = 0
    unit: int = 0
    linear: bool = False


@dataclass(eq=False, repr=False)
class Project(Thing):
    """A project tab. `path` is empty for one that was never saved."""

    path: str = ""
    media: str = ""
    tracks: list[Track] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    tempi: list[Tempo] = field(default_factory=list)
    bpm: float = 120.0
    metre: tuple[int, int] = (4, 4)
    loop: tuple[float, float] = (0.0, 0.0)
    cursor: float = 0.0
    playing: bool = False
    play_position: float = 0.0
    rate: float = 0.0
    ext: dict[tuple[str, str], str] = field(default_factory=dict)
    changes: int = 0
    dirty: bool = False
    undo: list[tuple[str, Project]] = field(default_factory=list)

    def items(self) -> list[Item]:
        return [item for track in self.tracks for item in track.items]

    def snapshot(self) -> Project:
        """Return a copy of all that undo brings back (ext state is not part of it)."""
        kept, self.undo = self.undo, []
        try:
            return copy.deepcopy(self)
        finally:
            self.undo = kept

    def restore(self, old: Project) -> None:
        """Go back to a snapshot: every pointer from before is freed, as REAPER frees them."""
        for track in self.tracks:
            free_track(track)
        self.tracks, self.markers, self.tempi, self.loop = (
            old.tracks, old.markers, old.tempi, old.loop,
        )  # fmt: skip
        self.changes += 1


@dataclass(eq=False, repr=False)
class Accessor(Thing):
    owner: Take | Track = None  # type: ignore[assignment]


KINDS: dict[type, str] = {
    Source: "PCM_source", Take: "MediaItem_Take", Item: "MediaItem", Track: "MediaTrack",
    Marker: "ProjectMarker", Project: "ReaProject", Accessor: "AudioAccessor",
}  # fmt: skip


def free_item(item: Item) -> None:
    for take in item.takes:
        take.free()
    item.free()


def free_track(track: Track) -> None:
    for item in track.items:
        free_item(item)
    track.free()
