"""Finds room for new clips: free slots, tracks of their own, the arrangement.

Nothing that is there is touched: a clip in a slot gets the next free slot of its track, one in the
arrangement a track below, since Live's arrangement would overwrite what lies under a new clip.
"""

from __future__ import annotations

from typing import Any

from . import lom

LANE = " (Punchin)"  # ends the name of a track that holds results beside the arrangement's clips


class NoRoom(Exception):
    """Live refused; `str()` says why."""


def can_create(song: Any) -> bool:
    """Whether this Live lets scripts create audio clips."""
    for track in lom.get(song, "tracks", ()):
        for slot in lom.get(track, "clip_slots", ()):
            return lom.has(slot, "create_audio_clip")
    return False


def in_slot(song: Any, track: Any, scene: int, path: str) -> Any:
    """Create a clip in the first free slot of a track from `scene` on; add a scene if none is free.

    Raises NoRoom.
    """
    slots = list(lom.get(track, "clip_slots", ()))
    order = [*slots[scene:], *slots[:scene]]
    slot = next((s for s in order if not lom.get(s, "has_clip", True)), None)
    try:
        if slot is None:
            song.create_scene(-1)
            slot = list(track.clip_slots)[-1]
        slot.create_audio_clip(path)
    except lom.UNREADABLE as e:
        raise NoRoom(str(e)) from None
    return slot


def new_track(song: Any, after: Any, name: str) -> Any:
    """Create an audio track right of a track (or at the end). Raises NoRoom."""
    tracks = list(lom.get(song, "tracks", ()))
    index = next((i + 1 for i, t in enumerate(tracks) if lom.alive(after) and t == after), -1)
    try:
        song.create_audio_track(index)
    except lom.UNREADABLE as e:
        raise NoRoom(str(e)) from None
    made = list(song.tracks)[index]
    lom.put(made, "name", name)
    return made


def lane(song: Any, track: Any, span: tuple[float, float], itself: bool) -> Any:
    """Return a track beside `track` (or `itself`) that is free in a span of beats.

    One is made when there is none. Raises NoRoom.
    """
    if itself and _free(track, *span):
        return track
    name = str(lom.get(track, "name", "")) + LANE
    for each in lom.get(song, "tracks", ()):
        if lom.get(each, "name", "") == name and _free(each, *span):
            return each
    return new_track(song, track, name)


def _free(track: Any, start: float, end: float) -> bool:
    clips = lom.get(track, "arrangement_clips", ())
    return all(
        lom.number(c, "end_time") <= start + 1e-6 or lom.number(c, "start_time") >= end - 1e-6
        for c in clips
    )


def in_arrangement(song: Any, track: Any, path: str, beat: float, fit: Any) -> Any:
    """Create a clip on a track at a beat of the arrangement; `fit(clip)` sets it up.

    It is made in a slot and copied from there, since Live lets no script change the length of a
    clip in the arrangement. Raises NoRoom.
    """
    if not lom.has(track, "duplicate_clip_to_arrangement"):
        return _directly(track, path, beat, fit)
    slot = in_slot(song, track, 0, path)
    try:
        fit(slot.clip)
        track.duplicate_clip_to_arrangement(slot.clip, float(beat))
    except lom.UNREADABLE as e:
        raise NoRoom(str(e)) from None
    finally:
        _empty(slot)
    return clip_at(track, beat)


def _empty(slot: Any) -> None:
    try:
        slot.delete_clip()
    except lom.UNREADABLE:
        return


def _directly(track: Any, path: str, beat: float, fit: Any) -> Any:
    try:
        clip = track.create_audio_clip(path, float(beat))
    except lom.UNREADABLE as e:
        raise NoRoom(str(e)) from None
    clip = clip if lom.alive(clip) else clip_at(track, beat)
    if lom.alive(clip):
        fit(clip)
    return clip


def clip_at(track: Any, beat: float) -> Any:
    """Return the clip that begins at a beat of the arrangement, None where none does."""
    for clip in lom.get(track, "arrangement_clips", ()):
        if abs(lom.number(clip, "start_time", -1.0) - beat) < 1e-3:
            return clip
    return None
