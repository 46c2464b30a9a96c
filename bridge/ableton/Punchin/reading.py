"""What is selected in Live, read once: the clip, its file, its region, and where it lies.

Live's API tells scripts no time selection inside a clip. The region is the arrangement loop where
it is switched on and crosses an arrangement clip, else the clip's own loop, else the whole clip.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from . import lom, warp

NEAR = 1e-6
SHORTEST_S = 0.01  # the daemon's shortest region


class Unsuitable(Exception):
    """The selection can't be used; `str()` is one line for the musician."""


@dataclass(frozen=True)
class Reading:
    """A selected audio clip.

    Positions are in the clip's unit: beats when `warp` is there, else seconds of the file. `span`
    is what the clip shows, `region` the part to work on, both as (start, end). `scene` is the
    slot's number or None in the arrangement, `start_beat` the clip's place in the arrangement.
    `speed` is how fast an unwarped clip plays (transposing changes it), `per_beat` how far the clip
    runs in its unit while the song runs a beat, `region_beat` where the arrangement first plays the
    region's beginning.
    """

    clip: Any
    track: Any
    path: str
    name: str
    scene: int | None
    start_beat: float
    length_beats: float
    warp: warp.Warp | None
    speed: float
    per_beat: float
    span: tuple[float, float]
    loop: tuple[float, float] | None
    start: float
    region: tuple[float, float]
    region_beat: float
    length_s: float

    def second(self, at: float) -> float:
        """Return the second of the file at a position of the clip."""
        return self.warp.second_at(at) if self.warp else at

    def position(self, second: float) -> float:
        """Return the position of the clip at a second of the file."""
        return self.warp.beat_at(second) if self.warp else second

    @property
    def region_s(self) -> tuple[float, float]:
        """The region in seconds of the file."""
        return self.second(self.region[0]), self.second(self.region[1])

    @property
    def span_s(self) -> tuple[float, float]:
        """What the clip shows, in seconds of the file."""
        return self.second(self.span[0]), self.second(self.span[1])

    @property
    def place(self) -> str:
        """The clip's place as a tag tells it."""
        return f"a{self.start_beat:g}" if self.scene is None else f"s{self.scene}"


def selected(song: Any) -> Reading:
    """Read the clip that is shown in Clip View, else the one in the selected slot.

    Raises Unsuitable.
    """
    clip = lom.get(lom.get(song, "view"), "detail_clip")
    if not lom.alive(clip):
        slot = lom.get(lom.get(song, "view"), "highlighted_clip_slot")
        clip = lom.get(slot, "clip") if lom.alive(slot) else None
    if not lom.alive(clip):
        raise Unsuitable("no clip is selected: click an audio clip, then try again")
    return of(song, clip)


def of(song: Any, clip: Any) -> Reading:
    """Read a clip. Raises Unsuitable."""
    if not lom.get(clip, "is_audio_clip", False):
        raise Unsuitable("the clip is MIDI: freeze and flatten its track, or pick an audio clip")
    path = lom.get(clip, "file_path", "")
    if not path:
        raise Unsuitable("the clip has no file yet: record or save it first")
    if not os.path.isfile(path):
        raise Unsuitable(f"the clip's file is missing: use Live's File Manager to find {path}")
    warped = bool(lom.get(clip, "warping", False))
    warping = warp.of(clip) if warped else None
    if warped and warping is None:
        raise Unsuitable("this Live does not tell the warp markers: switch Warp off in the clip")
    return _whole(song, clip, path, warping)


def _whole(song: Any, clip: Any, path: str, warping: Any) -> Reading:
    track, scene = _home(clip)
    half_steps = lom.number(clip, "pitch_coarse") + lom.number(clip, "pitch_fine") / 100.0
    speed = 1.0 if warping else 2.0 ** (half_steps / 12.0)
    per_beat = 1.0 if warping else speed * 60.0 / lom.number(song, "tempo", 120.0)
    start_beat, end_beat = lom.number(clip, "start_time"), lom.number(clip, "end_time")
    length_beats = max(0.0, end_beat - start_beat) if scene is None else 0.0
    loop = _loop(clip)
    start, end = lom.number(clip, "start_marker"), lom.number(clip, "end_marker")
    if loop:
        span = (min(start, loop[0]), loop[1])
    elif scene is None:  # shows what its place in the arrangement has room for
        span = (start, start + length_beats * per_beat)
    else:
        span = (start, end)
    if span[1] <= span[0]:
        raise Unsuitable("the clip is empty: pick one with audio in it")
    region = loop or span
    # A loop that begins before the start marker is first reached after one round.
    later = region[1] - region[0] if region[0] < start else 0.0
    made = Reading(
        clip=clip,
        track=track,
        path=path,
        name=str(lom.get(clip, "name", "")),
        scene=scene,
        start_beat=start_beat if scene is None else 0.0,
        length_beats=length_beats,
        warp=warping,
        speed=speed,
        per_beat=per_beat,
        span=span,
        loop=loop,
        start=start,
        region=region,
        region_beat=start_beat + (region[0] + later - start) / per_beat,
        length_s=_length_s(clip),
    )
    return _inside_file(_crossing(song, made) if scene is None else made)


def _loop(clip: Any) -> tuple[float, float] | None:
    """Return a clip's loop brace, None where looping is off."""
    start, end = lom.number(clip, "loop_start"), lom.number(clip, "loop_end")
    return (start, end) if lom.get(clip, "looping", False) and end > start else None


def _home(clip: Any) -> tuple[Any, int | None]:
    """Return the clip's track, and the number of its slot or None in the arrangement."""
    parent = lom.get(clip, "canonical_parent")
    if lom.get(clip, "is_arrangement_clip", False):
        track = parent if lom.has(parent, "clip_slots") else lom.get(parent, "canonical_parent")
        return track, None
    track = lom.get(parent, "canonical_parent")
    for number, slot in enumerate(lom.get(track, "clip_slots", ())):
        if slot == parent:
            return track, number
    raise Unsuitable("the clip is in no slot: click it, then try again")


def _length_s(clip: Any) -> float:
    rate, frames = lom.number(clip, "sample_rate"), lom.number(clip, "sample_length")
    return frames / rate if rate > 0 and frames > 0 else 0.0


def _crossing(song: Any, made: Reading) -> Reading:
    """Return the reading with the region under the arrangement loop, where that crosses it."""
    if not lom.get(song, "loop", False):
        return made
    loop_start = lom.number(song, "loop_start")
    first = max(made.start_beat, loop_start)
    last = min(made.start_beat + made.length_beats, loop_start + lom.number(song, "loop_length"))
    if last <= first:
        return made
    start = made.start + (first - made.start_beat) * made.per_beat
    if made.loop and start >= made.loop[1] - NEAR:
        begin, end = made.loop
        start = begin + (start - begin) % (end - begin)
    end = start + (last - first) * made.per_beat
    if made.loop and end > made.loop[1] + NEAR:
        raise Unsuitable("the arrangement loop runs over the clip's own loop: keep it in one round")
    return replace(made, region=(start, end), region_beat=first)


def _inside_file(made: Reading) -> Reading:
    """Return the reading with its region cut to the file: a clip may show more than there is."""
    span, region = _cut(made, made.span), _cut(made, made.region)
    late = (region[0] - made.region[0]) / made.per_beat
    return replace(made, span=span, region=region, region_beat=made.region_beat + late)


def _cut(made: Reading, part: tuple[float, float]) -> tuple[float, float]:
    first_s, last_s = made.second(part[0]), made.second(part[1])
    end_s = min(last_s, made.length_s) if made.length_s else last_s
    if end_s - max(0.0, first_s) < SHORTEST_S:
        raise Unsuitable("there is no audio in the region: move the loop over the clip's audio")
    start = made.position(0.0) if first_s < 0.0 else part[0]
    return start, made.position(end_s) if end_s < last_s else part[1]


def with_region(made: Reading, start_s: float, end_s: float) -> Reading:
    """Return the reading with another region, in seconds of the file."""
    region = (made.position(start_s), made.position(end_s))
    late = (region[0] - made.region[0]) / made.per_beat
    return replace(made, region=region, region_beat=made.region_beat + late)
