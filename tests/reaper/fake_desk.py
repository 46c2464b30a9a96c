"""REAPER's functions on projects, time, markers and kept values."""

# ruff: noqa: N802 -- the names are REAPER's own

from __future__ import annotations

from pathlib import Path

import fake_time
from fake_items import touched
from fake_model import Marker, Tempo, Thing

# -- projects --------------------------------------------------------------------------------------


def EnumProjects(w, idx):
    if idx == -1:
        return w.project, w.project.path
    if 0 <= idx < len(w.projects):
        return w.projects[int(idx)], w.projects[int(idx)].path
    return None, ""


def GetProjectName(w, proj, text):
    return Path(w.resolve(proj).path).name


def GetProjectPathEx(w, proj, text):
    project = w.resolve(proj)
    return project.media or str(w.resource / "REAPER Media")


def GetProjectStateChangeCount(w, proj):
    return w.resolve(proj).changes


def GetSetProjectInfo(w, proj, name, new, is_set):
    project = w.resolve(proj)
    if name == "PROJECT_SRATE":
        return project.rate or 0.0
    if name == "PROJECT_SRATE_USE":
        return 1.0 if project.rate else 0.0
    raise w.breach(f"the fake has no project value {name}")


def GetSetProjectInfo_String(w, proj, name, text, is_set):
    if name == "RECORD_PATH" and not is_set:
        return True, "Media"
    raise w.breach(f"the fake has no project text {name}")


def GetAudioDeviceInfo(w, name, text):
    return (True, "44100") if name == "SRATE" else (False, "")


def MarkProjectDirty(w, proj):
    w.resolve(proj).dirty = True


def ValidatePtr2(w, proj, pointer, kind):
    return isinstance(pointer, Thing) and pointer.alive and kind.rstrip("*") == pointer.kind


def ValidatePtr(w, pointer, kind):
    return ValidatePtr2(w, None, pointer, kind)


# -- time ------------------------------------------------------------------------------------------


def TimeMap_GetTimeSigAtTime(w, proj, t):
    return fake_time.signature(w.resolve(proj), t)


def TimeMap2_timeToQN(w, proj, t):
    return fake_time.to_qn(w.resolve(proj), t)


def TimeMap2_QNToTime(w, proj, qn):
    return fake_time.to_time(w.resolve(proj), qn)


def TimeMap2_timeToBeats(w, proj, t):
    return fake_time.to_beats(w.resolve(proj), t)


def TimeMap2_beatsToTime(w, proj, beats, measure=None):
    project = w.resolve(proj)
    if measure is None:
        raise w.breach("the fake's TimeMap2_beatsToTime wants a measure")
    rows = fake_time.measures(project, (measure + 2) * 64.0)
    start, _, _, unit = rows[int(measure)]
    return fake_time.to_time(project, start + beats * 4 / unit)


def TimeMap_GetMeasureInfo(w, proj, measure):
    project = w.resolve(proj)
    start, end, beats, unit = fake_time.measures(project, (measure + 2) * 64.0)[int(measure)]
    at = fake_time.to_time(project, start)
    return at, start, end, beats, unit, fake_time.signature(project, at)[2]


def CountTempoTimeSigMarkers(w, proj):
    return len(w.resolve(proj).tempi)


def GetTempoTimeSigMarker(w, proj, idx):
    tempi = sorted(w.resolve(proj).tempi, key=lambda m: m.at)
    if not 0 <= idx < len(tempi):
        return False, 0.0, 0, 0.0, 0.0, 0, 0, False
    m = tempi[int(idx)]
    beat, measure, *_ = fake_time.to_beats(w.resolve(proj), m.at)
    return True, m.at, measure, beat, m.bpm, m.beats, m.unit, m.linear


def FindTempoTimeSigMarker(w, proj, t):
    tempi = sorted(w.resolve(proj).tempi, key=lambda m: m.at)
    return max((i for i, m in enumerate(tempi) if m.at <= t), default=-1)


def AddTempoTimeSigMarker(w, proj, at, bpm, beats, unit, linear):
    w.resolve(proj).tempi.append(Tempo(at, bpm, int(beats), int(unit), linear))
    return True


def GetSet_LoopTimeRange2(w, proj, is_set, is_loop, start, end, seek):
    project = w.resolve(proj)
    if is_set:
        project.loop = (start, end)
    return project.loop


def GetCursorPositionEx(w, proj):
    return w.resolve(proj).cursor


def SetEditCurPos2(w, proj, at, view, seek):
    w.resolve(proj).cursor = at


def GetPlayStateEx(w, proj):
    return int(w.resolve(proj).playing)


def GetPlayPositionEx(w, proj):
    return w.resolve(proj).play_position


def GetPlayPosition2Ex(w, proj):
    return w.resolve(proj).play_position


# -- markers and regions ---------------------------------------------------------------------------


def GetNumRegionsOrMarkers(w, proj):
    return len(w.resolve(proj).markers)


def GetRegionOrMarker(w, proj, idx, guid):
    markers = sorted(w.resolve(proj).markers, key=lambda m: m.start)
    if guid:
        return next((m for m in markers if m.guid == guid), None)
    return markers[int(idx)] if 0 <= idx < len(markers) else None


def GetRegionOrMarkerInfo_Value(w, proj, marker, name):
    return {
        "D_STARTPOS": marker.start, "D_ENDPOS": marker.end, "I_NUMBER": float(marker.number),
        "B_ISREGION": float(marker.is_region), "B_UISEL": 0.0,
    }[name]  # fmt: skip


def GetSetRegionOrMarkerInfo_String(w, proj, marker, name, text, is_set):
    return True, {"P_NAME": marker.name, "GUID": marker.guid}[name]


def CountProjectMarkers(w, proj):
    markers = w.resolve(proj).markers
    regions = sum(m.is_region for m in markers)
    return len(markers), len(markers) - regions, regions


def EnumProjectMarkers3(w, proj, idx):
    markers = sorted(w.resolve(proj).markers, key=lambda m: m.start)
    if not 0 <= idx < len(markers):
        return 0, False, 0.0, 0.0, "", 0, 0
    m = markers[int(idx)]
    return int(idx) + 1, m.is_region, m.start, m.end, m.name, m.number, 0


def AddProjectMarker2(w, proj, is_region, start, end, name, number, colour):
    project = w.resolve(proj)
    found = Marker(name, start, end, is_region, len(project.markers) + 1)
    project.markers.append(found)
    touched(w, project)
    return found.number


# -- kept values -----------------------------------------------------------------------------------


def SetExtState(w, section, key, text, persist):
    if persist and "\n" in text:
        raise w.breach("a persistent ext state is one line of an ini file: no newlines")
    w.ext[section, key] = text
    (w.kept.add if persist else w.kept.discard)((section, key))


def GetExtState(w, section, key):
    return w.ext.get((section, key), "")


def HasExtState(w, section, key):
    return (section, key) in w.ext


def DeleteExtState(w, section, key, persist):
    w.ext.pop((section, key), None)


def SetProjExtState(w, proj, section, key, text):
    project = w.resolve(proj)
    project.ext.pop((section, key), None)
    if text:
        project.ext[section, key] = text
    return len(text)


def GetProjExtState(w, proj, section, key):
    text = w.resolve(proj).ext.get((section, key), "")
    return (1 if text else 0), text


def EnumProjExtState(w, proj, section, idx):
    rows = [(k, v) for (s, k), v in w.resolve(proj).ext.items() if s == section]
    return (True, *rows[int(idx)]) if 0 <= idx < len(rows) else (False, "", "")
