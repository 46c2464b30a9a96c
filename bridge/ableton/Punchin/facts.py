"""What delivery must know about a job: where the clip lay and how it ran, kept as plain data.

Taken when the job is sent, so that a clip that is moved, renamed or deleted meanwhile changes
nothing. `shape` turns it into the markers of the new clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import lom
from .reading import Reading
from .warp import Warp

ON_FILE = ("repaint", "edit")  # their mix is as long as the source file
BESIDE = ("bgm", "layer", "stems", "generate")  # their stems go on tracks of their own
SOUND = ("gain", "pitch_coarse", "pitch_fine", "warp_mode")


@dataclass(frozen=True)
class Shape:
    """A new clip's markers.

    `start`, `end`, `loop` are in beats when `pairs`, its warp markers (beat, second), are there,
    else in seconds; `beat` and `beats` are its place in the arrangement.
    """

    start: float
    end: float
    loop: tuple[float, float] | None
    pairs: list[tuple[float, float]] | None
    beat: float
    beats: float
    sound: dict[str, float]


def of(op: str, clip: Reading, track_id: str) -> dict[str, Any]:
    """Return the facts of a job on a clip."""
    sound = {n: lom.get(clip.clip, n) for n in SOUND}
    return {
        "op": op,
        "on_file": op in ON_FILE,
        "track": track_id,
        "scene": clip.scene,
        "name": clip.name,
        "warp": clip.warp.pairs if clip.warp else None,
        "span": clip.span,
        "loop": clip.loop,
        "start": clip.start,
        "region": clip.region,
        "region_s": clip.region_s,
        "region_beat": clip.region_beat,
        "per_beat": clip.per_beat,
        "sound": {n: v for n, v in sound.items() if isinstance(v, (int, float))},
    }


def of_nothing(track_id: str, scene: int | None, beat: float, tempo: float) -> dict[str, Any]:
    """Return the facts of new music for a place."""
    place = {"track": track_id, "scene": scene, "region_beat": beat}
    return {"op": "generate", **place, "per_beat": 60.0 / tempo}


def shape(facts: dict[str, Any], length_s: float, lead_s: float = 0.0) -> Shape:
    """Return how a new clip must lie, for a file of `length_s`.

    `lead_s` is how much of it comes before what the clip's region was (an extension to the left).
    """
    if not facts.get("span"):
        beats = length_s / facts["per_beat"]
        return Shape(0.0, length_s, None, None, facts["region_beat"], beats, {})
    old = Warp(facts["warp"]) if facts["warp"] else None
    on_file = facts["on_file"]
    moved_s = 0.0 if on_file else lead_s - facts["region_s"][0]
    pairs = old.moved(moved_s, length_s) if old else None
    new = Warp(pairs) if pairs else None
    move = 0.0 if new else moved_s  # beats stay what they were; seconds are the new file's
    if on_file and facts["scene"] is not None:
        first, last, loop = facts["span"][0], facts["span"][1], facts["loop"]
        first = facts["start"] if loop else first
    elif on_file:
        first, last = facts["region"] if facts["loop"] else facts["span"]
        loop = None
    else:
        first = new.beat_at(0.0) if new else -move
        last = new.beat_at(length_s) if new else length_s - move
        loop = (first, last) if _loops(facts) else None
    beat = facts["region_beat"] + (first - facts["region"][0]) / facts["per_beat"]
    if beat < 0.0 and facts["scene"] is None:
        first, beat = first - beat * facts["per_beat"], 0.0
    loop = (loop[0] + move, loop[1] + move) if loop and new else None
    beats = (last - first) / facts["per_beat"]
    return Shape(first + move, last + move, loop, pairs, beat, beats, _sound(facts))


def _loops(facts: dict[str, Any]) -> bool:
    return facts["scene"] is not None and bool(facts["loop"]) and facts["op"] != "extend"


def _sound(facts: dict[str, Any]) -> dict[str, float]:
    """Return the settings that the new clip shares; accompaniment has a level of its own."""
    own = ("gain",) if facts["op"] in ("bgm", "layer") else ()
    return {n: v for n, v in facts.get("sound", {}).items() if n not in own}
