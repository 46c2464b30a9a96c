"""REAPER's functions on tracks, items and takes. Each gets the world first."""

# ruff: noqa: N802 -- the names are REAPER's own

from __future__ import annotations

from typing import Any

from fake_model import Item, Take, Thing, Track, free_item


def CountTracks(w, proj):
    return len(w.resolve(proj).tracks)


def GetTrack(w, proj, idx):
    tracks = w.resolve(proj).tracks
    return tracks[int(idx)] if 0 <= idx < len(tracks) else None


def CountSelectedTracks(w, proj):
    return sum(t.values["I_SELECTED"] > 0 for t in w.resolve(proj).tracks)


def GetSelectedTrack(w, proj, idx):
    chosen = [t for t in w.resolve(proj).tracks if t.values["I_SELECTED"] > 0]
    return chosen[int(idx)] if 0 <= idx < len(chosen) else None


def InsertTrackAtIndex(w, idx, defaults):
    _insert(w, w.project, idx)


def InsertTrackInProject(w, proj, idx, flags):
    _insert(w, w.resolve(proj), idx)


def _insert(w, project, idx):
    project.tracks.insert(min(int(idx), len(project.tracks)), Track())
    touched(w, project)


def DeleteTrack(w, track):
    project = project_of(w, track)
    for item in track.items:
        free_item(item)
    project.tracks.remove(track)
    track.free()
    touched(w, project)


def GetMediaTrackInfo_Value(w, track, name):
    if name == "IP_TRACKNUMBER":
        return float(project_of(w, track).tracks.index(track) + 1)
    return value(w, track, name)


def SetMediaTrackInfo_Value(w, track, name, new):
    return set_value(w, track, name, new)


def GetSetMediaTrackInfo_String(w, track, name, text, is_set):
    return string_of(w, track, name, text, is_set)


def GetTrackName(w, track):
    number = project_of(w, track).tracks.index(track) + 1
    return True, track.name or f"Track {number}"


def GetTrackGUID(w, track):
    return track.guid


def CountTrackMediaItems(w, track):
    return len(track.items)


def GetTrackMediaItem(w, track, idx):
    return track.items[int(idx)] if 0 <= idx < len(track.items) else None


def CountMediaItems(w, proj):
    return len(w.resolve(proj).items())


def GetMediaItem(w, proj, idx):
    items = w.resolve(proj).items()
    return items[int(idx)] if 0 <= idx < len(items) else None


def IsMediaItemSelected(w, item):
    return item.values["B_UISEL"] > 0


def SetMediaItemSelected(w, item, on):
    item.values["B_UISEL"] = float(on)


def GetMediaItem_Track(w, item):
    return item.track


def GetMediaItemTrack(w, item):
    return item.track


def AddMediaItemToTrack(w, track):
    item = Item(track=track)
    track.items.append(item)
    touched(w, project_of(w, track))
    return item


def DeleteTrackMediaItem(w, track, item):
    if item not in track.items:
        return False
    track.items.remove(item)
    touched(w, project_of(w, track))
    free_item(item)
    return True


def GetMediaItemInfo_Value(w, item, name):
    if name == "I_CURTAKE":
        return float(item.active)
    if name == "IP_ITEMNUMBER":
        return float(item.track.items.index(item))
    return value(w, item, name)


def SetMediaItemInfo_Value(w, item, name, new):
    if name == "I_CURTAKE":
        item.active = int(new)
        return True
    return set_value(w, item, name, new)


def SetMediaItemPosition(w, item, at, refresh):
    return set_value(w, item, "D_POSITION", at)


def SetMediaItemLength(w, item, length, refresh):
    return set_value(w, item, "D_LENGTH", length)


def GetSetMediaItemInfo_String(w, item, name, text, is_set):
    return string_of(w, item, name, text, is_set)


def CountTakes(w, item):
    return len(item.takes)


def GetMediaItemNumTakes(w, item):
    return len(item.takes)


def GetTake(w, item, idx):
    return item.takes[int(idx)] if 0 <= idx < len(item.takes) else None


GetMediaItemTake = GetTake


def GetActiveTake(w, item):
    return item.takes[item.active] if item.takes else None


def SetActiveTake(w, take):
    take.item.active = take.item.takes.index(take)
    touched(w, project_of(w, take.item.track))


def AddTakeToMediaItem(w, item):
    take = Take(item=item)
    item.takes.append(take)
    touched(w, project_of(w, item.track))
    return take


def GetMediaItemTake_Item(w, take):
    return take.item


def GetMediaItemTake_Track(w, take):
    return take.item.track


def GetMediaItemTake_Source(w, take):
    return take.source


def SetMediaItemTake_Source(w, take, source):
    take.source = source
    return True


def GetMediaItemTakeInfo_Value(w, take, name):
    if name == "IP_TAKENUMBER":
        return float(take.item.takes.index(take))
    return value(w, take, name)


def SetMediaItemTakeInfo_Value(w, take, name, new):
    return set_value(w, take, name, new)


def GetSetMediaItemTakeInfo_String(w, take, name, text, is_set):
    return string_of(w, take, name, text, is_set)


def GetTakeName(w, take):
    return take.name


def TakeIsMIDI(w, take):
    return take.source is not None and take.source.root.media == "MIDI"


def TakeFX_GetCount(w, take):
    return take.effects


def TakeFX_CopyToTake(w, take, fx, to, to_fx, move):
    to.effects += 1
    take.effects -= bool(move)


def CountTakeEnvelopes(w, take):
    return take.envelopes


def GetTakeNumStretchMarkers(w, take):
    return len(take.stretch)


def GetTakeStretchMarker(w, take, idx):
    if not 0 <= idx < len(take.stretch):
        return -1, 0.0, 0.0
    return int(idx), *take.stretch[int(idx)]


# -- shared ----------------------------------------------------------------------------------------


def project_of(w, track: Track) -> Any:
    return next(p for p in w.projects if track in p.tracks)


def touched(w, project: Any) -> None:
    project.changes += 1
    project.dirty = True
    w.changed_outside_block |= w.block_depth == 0


def value(w, thing: Any, name: str) -> float:
    if name not in thing.values:
        raise w.breach(f"{thing.kind} has no value {name} (or the fake lacks it)")
    return thing.values[name]


def set_value(w, thing: Any, name: str, new: float) -> bool:
    value(w, thing, name)
    thing.values[name] = float(new)
    track = thing if isinstance(thing, Track) else getattr(thing, "track", None) or thing.item.track
    touched(w, project_of(w, track))
    return True


def string_of(w, thing: Thing, name: str, text: str, is_set: bool):
    """The `…_String` functions: P_NAME, P_NOTES, GUID, P_EXT:key."""
    if name.startswith("P_EXT:"):
        if is_set:
            thing.ext[name[6:]] = text
            return True, text
        return name[6:] in thing.ext, thing.ext.get(name[6:], "")
    field = {"P_NAME": "name", "P_NOTES": "notes", "GUID": "guid"}.get(name)
    if field is None or not hasattr(thing, field):
        raise w.breach(f"{thing.kind} has no string {name} (or the fake lacks it)")
    if is_set:
        if field == "guid":
            raise w.breach("the fake keeps GUIDs as they are")
        setattr(thing, field, text)
    return True, getattr(thing, field)
