"""The keys that each op takes, typed; meaning, units and ranges are in `bridge.protocol.ops.KEYS`.

Times are seconds from the first sample of the source, `_frame` positions its samples, `_beat`
positions quarter notes from the downbeat; `bpm` is quarter notes per minute in every metre. A test
holds these classes equal to the key table.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Literal, TypedDict

Path = str | PathLike[str]
Format = Literal["source", "wav16", "wav24", "wav32f", "flac"]
Side = Literal["after", "before", "both"]
Way = Literal["complete", "layer", "cover"]
Stem = Literal[
    "vocals",
    "backing_vocals",
    "drums",
    "percussion",
    "bass",
    "guitar",
    "keyboard",
    "pad",
    "synth",
    "strings",
    "brass",
    "woodwinds",
    "fx",
    "other",
]


class CommonKeys(TypedDict, total=False):
    """Keys of every op."""

    bpm: float
    meter: str
    downbeat: float
    tempomap: str | Sequence[Sequence[float]]
    key: str
    preset: str
    seed: int
    engine: str
    sinks: str | Sequence[str]
    folder: Path
    priority: int
    slot: str
    tag: str
    allow_degrade: int


class RegionKeys(TypedDict, total=False):
    """Keys of the ops that work on a source."""

    start: float
    end: float
    start_frame: int
    end_frame: int
    start_beat: float
    end_beat: float
    clip_start: float
    clip_end: float
    clip_start_frame: int
    clip_end_frame: int
    context: float


class ClipKeys(RegionKeys, total=False):
    """Keys of the ops that make something of a clip."""

    stretch: int


class TakeKeys(TypedDict, total=False):
    """Keys of the ops that write audio."""

    takes: int
    format: Format
    lora: str


class MakeKeys(TakeKeys, total=False):
    """Keys of the ops that make new material."""

    prompt: str
    negative: str
    chords: str
    lyrics: str
    lyrics_file: Path
    language: str
    steps: int
    guidance: float
    humanize: float
    swing: float
    grid: Literal["off", "measure", "correct"]
    reference: Path
    plan: Path


class GenerateKeys(CommonKeys, MakeKeys, total=False):
    """Keys of `generate`."""

    seconds: float
    bars: float
    ending: int
    stems: str | Sequence[Stem]
    melody: Path


class RepaintKeys(CommonKeys, ClipKeys, MakeKeys, total=False):
    """Keys of `repaint`."""

    strength: float
    hold: float
    matching_eq: int


class ExtendKeys(CommonKeys, ClipKeys, MakeKeys, total=False):
    """Keys of `extend`."""

    side: Side
    seconds: float
    bars: float
    ending: int
    strength: float
    hold: float
    matching_eq: int


class BgmKeys(CommonKeys, ClipKeys, MakeKeys, total=False):
    """Keys of `bgm`."""

    ending: int
    balance: float
    strength: float
    stems: str | Sequence[Stem]
    melody: Path
    ways: str | Sequence[Way]


class CoverKeys(CommonKeys, ClipKeys, MakeKeys, total=False):
    """Keys of `cover`."""

    strength: float


class RetakeKeys(CommonKeys, ClipKeys, MakeKeys, total=False):
    """Keys of `retake`."""

    strength: float
    hold: float
    of: str


class EditKeys(CommonKeys, ClipKeys, MakeKeys, total=False):
    """Keys of `edit`."""

    strength: float
    hold: float
    of: str


class LayerKeys(CommonKeys, ClipKeys, MakeKeys, total=False):
    """Keys of `layer`."""

    balance: float
    strength: float
    track: Stem
    melody: Path


class StemsKeys(CommonKeys, ClipKeys, TakeKeys, total=False):
    """Keys of `stems`."""

    stems: str | Sequence[Stem]


class AnalyzeKeys(CommonKeys, RegionKeys, total=False):
    """Keys of `analyze`."""


class AnyKeys(
    GenerateKeys, RepaintKeys, ExtendKeys, BgmKeys, RetakeKeys, LayerKeys, StemsKeys, total=False
):
    """Keys that `set` takes: all of them."""
