"""What takes and tracks sound like, and REAPER's functions on sources and audio accessors.

A take is read like REAPER reads it: offset, play rate, stretch markers, sections, reversed sources,
looping, channel modes. Between samples the fake draws straight lines, and its pitch shift is crude;
both are exact wherever whole samples are asked for. An accessor gives what REAPER's gives: before
effects, without take volume and pan; a track's accessor has levels and fades in it.
"""

# ruff: noqa: N802 -- the names are REAPER's own

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from fake_model import Accessor, Item, Source, Take, Track

GRAIN_S = 0.05  # of the crude pitch shift
REVERSE_STEREO, MONO_MIX, MONO_LEFT, MONO_RIGHT = 1, 2, 3, 4


@lru_cache(maxsize=16)
def _read(path: str, changed_ns: int) -> tuple[np.ndarray, int]:
    return soundfile.read(path, dtype="float64", always_2d=True)


def samples_of(path: str) -> tuple[np.ndarray, int]:
    """Return a file's samples `(frames, channels)` and rate; files that change are read anew."""
    return _read(path, Path(path).stat().st_mtime_ns)


def source_seconds(take: Take, at: np.ndarray) -> np.ndarray:
    """Return where in its source (s) a take is at item times `at` (s)."""
    values = take.values
    where = at * values["D_PLAYRATE"]
    if take.stretch:
        placed, sources = (np.array(x) for x in zip(*sorted(take.stretch), strict=True))
        inside = np.interp(where, placed, sources)
        before = sources[0] + where - placed[0]
        after = sources[-1] + where - placed[-1]
        where = np.where(where < placed[0], before, np.where(where > placed[-1], after, inside))
    if values["D_PITCH"]:
        grain = np.floor(where / GRAIN_S + 1e-6) * GRAIN_S
        where = grain + (where - grain) * 2 ** (values["D_PITCH"] / 12)
    return where + values["D_STARTOFFS"]


def raw(take: Take, at: np.ndarray) -> np.ndarray:
    """Return the samples `(frames, channels of the file)` of a take at item times `at` (s)."""
    source, item = take.source, take.item
    if source is None or not source.online or source.root.media != "WAVE":
        return np.zeros((len(at), 1))
    data, rate = samples_of(source.root.path)
    where = source_seconds(take, at)
    inside = (at >= -1e-9) & (at <= item.values["D_LENGTH"] + 1e-9)
    length = source.length_s
    if item.values["B_LOOPSRC"]:
        where = np.mod(where + 1e-9, length) - 1e-9
    inside &= (where > -1e-9) & (where < length - 1e-9)
    if source.section:
        offset, section_s, backwards = source.section
        # A reversed source begins with its last sample.
        where = offset + (section_s - 1 / rate - where if backwards else where)
    frame = where * rate
    whole = np.rint(frame)
    frame = np.where(np.abs(frame - whole) < 1e-3, whole, frame)
    out = np.empty((len(at), data.shape[1]))
    for c in range(data.shape[1]):
        out[:, c] = np.interp(frame, np.arange(len(data)), data[:, c], left=0.0, right=0.0)
    return out * inside[:, None]


def _spread(found: np.ndarray, channels: int) -> np.ndarray:
    """Mono sounds on both sides; more channels than asked for are left out."""
    out = np.zeros((len(found), channels))
    if found.shape[1] == 1:
        out[:, :2] = found
    else:
        count = min(channels, found.shape[1])
        out[:, :count] = found[:, :count]
    return out


def accessed(take: Take, at: np.ndarray, channels: int) -> np.ndarray:
    """Return what a take's accessor gives: in a mono mode only its first channel is in use."""
    found, mode = raw(take, at), int(take.values["I_CHANMODE"])
    if found.shape[1] == 1 or mode == 0:
        return _spread(found, channels)
    left, right = found[:, 0], found[:, 1]
    if mode == REVERSE_STEREO:
        return _spread(np.stack([right, left], axis=1), channels)
    mono = {MONO_MIX: (left + right) / 2, MONO_LEFT: left, MONO_RIGHT: right}[mode]
    out = np.zeros((len(at), channels))
    out[:, 0] = mono
    return out


def played(take: Take, at: np.ndarray, channels: int = 2) -> np.ndarray:
    """Return what a take plays at item times `at` (s), before item volume, fades and effects."""
    mode = int(take.values["I_CHANMODE"])
    out = accessed(take, at, channels)
    if mode >= MONO_MIX:
        out[:, 1:] = out[:, :1]
    pan = take.values["D_PAN"]
    gains = np.ones(channels)
    gains[0::2] *= 1 - max(0.0, pan)
    gains[1::2] *= 1 + min(0.0, pan)
    return out * gains * take.values["D_VOL"]


def _item_gain(item: Item, at: np.ndarray) -> np.ndarray:
    values = item.values
    gain = np.full(len(at), values["D_VOL"])
    fade_in, fade_out = values["D_FADEINLEN"], values["D_FADEOUTLEN"]
    if fade_in > 0:
        gain *= np.clip(at / fade_in, 0, 1)
    if fade_out > 0:
        gain *= np.clip((values["D_LENGTH"] - at) / fade_out, 0, 1)
    return gain


def on_track(track: Track, at: np.ndarray, channels: int = 2) -> np.ndarray:
    """Return what a track's items play together at project times `at` (s), before its effects."""
    out = np.zeros((len(at), channels))
    for item in track.items:
        if item.takes and not item.values["B_MUTE"]:
            inside = at - item.start
            take = item.takes[item.active]
            out += played(take, inside, channels) * _item_gain(item, inside)[:, None]
    return out


# -- sources ---------------------------------------------------------------------------------------


def PCM_Source_CreateFromFile(w, path):
    source = Source(path=path)
    return source if source.online and source.info is not None else None


def PCM_Source_Destroy(w, source):
    for project in w.projects:
        for item in project.items():
            if any(take.source is source for take in item.takes):
                raise w.breach("a source that a take plays was destroyed")
    source.free()


def PCM_Source_BuildPeaks(w, source, mode):
    if mode == 0:
        return 1 if source.peaks_left else 0
    if mode == 1 and source.peaks_left:
        source.peaks_left -= 1
    return source.peaks_left


def PCM_Source_GetSectionInfo(w, source):
    if not source.section:
        return False, 0.0, 0.0, False
    return True, *source.section


def GetMediaSourceParent(w, source):
    return source.parent


def GetMediaSourceFileName(w, source, text):
    return source.path


def GetMediaSourceType(w, source, text):
    return "SECTION" if source.section else source.media


def GetMediaSourceLength(w, source):
    return (source.length_s, False) if source.root.media != "MIDI" else (4.0, True)


def GetMediaSourceSampleRate(w, source):
    return source.root.info.samplerate if source.root.online and source.root.media == "WAVE" else 0


def GetMediaSourceNumChannels(w, source):
    return source.root.info.channels if source.root.online and source.root.media == "WAVE" else 0


def CF_GetMediaSourceOnline(w, source):
    return source.online


# -- accessors -------------------------------------------------------------------------------------


def CreateTakeAudioAccessor(w, take):
    return _accessor(w, take)


def CreateTrackAudioAccessor(w, track):
    return _accessor(w, track)


def _accessor(w, owner):
    accessor = Accessor(owner=owner)
    accessor.script = w.script
    w.accessors.append(accessor)
    return accessor


def DestroyAudioAccessor(w, accessor):
    accessor.free()


def AudioAccessorStateChanged(w, accessor):
    return False


def GetAudioAccessorStartTime(w, accessor):
    return 0.0


def GetAudioAccessorEndTime(w, accessor):
    owner = accessor.owner
    if isinstance(owner, Take):
        return owner.item.values["D_LENGTH"]
    return max((item.end for item in owner.items), default=0.0)


def GetAudioAccessorSamples(w, accessor, rate, channels, start, count, array):
    if array["get_alloc"]() < count * channels:
        raise w.breach("the reaper.array is smaller than what was asked for")
    owner = accessor.owner
    if not owner.alive:
        return -1
    if isinstance(owner, Take):
        own = GetMediaSourceNumChannels(w, owner.source) if owner.source else 1
        if own > 2 and channels < own:
            raise w.breach(f"an accessor gives all {own} channels of a take or nothing of use")
    w.asked_frames.append(int(count))
    at = start + np.arange(int(count)) / rate
    sound = (accessed if isinstance(owner, Take) else on_track)(owner, at, int(channels))
    array["fill"](sound.astype("<f8").tobytes(), int(count * channels))
    return 1 if np.any(sound) else 0
