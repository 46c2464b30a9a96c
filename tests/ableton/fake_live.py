"""A small Live: the objects that a Remote Script meets, as strict as Live's own.

Live's manners kept here: a listener added twice, or removed without having been added, is a
RuntimeError; so is a property that does not apply (a MIDI clip's file), and any change while Live
notifies; a deleted object equals None and refuses everything; arguments are not converted (a path
is exactly a str, a position exactly a float, a warp marker exactly a WarpMarker); only the main
thread may touch anything. What is not known of Live for certain is said in docs/ableton.md.
"""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager

import soundfile


class ArgumentError(TypeError):
    """Boost.Python's complaint about an object that is gone."""


class WarpMarker:
    def __init__(self, sample_time, beat_time):
        self.sample_time, self.beat_time = float(sample_time), float(beat_time)


class Object:
    """Properties in `_values`; those named in `SHOWN` can be listened to."""

    SHOWN: tuple[str, ...] = ()
    SETTABLE: tuple[str, ...] = ()

    def __init__(self, live, parent=None, **values):
        own = {"_live": live, "_parent": parent, "_values": values, "_dead": False, "_ears": {}}
        self.__dict__.update(own)

    def __eq__(self, other):
        return self._dead if other is None else self is other

    def __ne__(self, other):
        return not self == other

    __hash__ = object.__hash__

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self._live.check(self)
        for start, act in (("add_", self._add), ("remove_", self._remove)):
            if name.startswith(start) and name.endswith("_listener"):
                sign = name[len(start) : -len("_listener")]
                if sign not in self.SHOWN:
                    raise AttributeError(name)
                return lambda listener: act(sign, listener)
        if name in self._values:
            return self._values[name]
        raise AttributeError(name)

    def __setattr__(self, name, value):
        self._live.check(self)
        if name not in self.SETTABLE:
            raise AttributeError(f"can't set attribute {name}")
        self._change(name, value)

    @property
    def canonical_parent(self):
        self._live.check(self)
        return self._parent

    def _change(self, name, value):
        self._live.changing()
        before = self._values[name]
        self._values[name] = value
        self._live.undoable(lambda: self._values.__setitem__(name, before))
        self._notify(name)

    def _notify(self, name):
        with self._live.notifying():
            for listener in list(self._ears.get(name, ())):
                listener()

    def _add(self, name, listener):
        ears = self._ears.setdefault(name, [])
        if listener in ears:
            raise RuntimeError("Observer already connected")
        ears.append(listener)

    def _remove(self, name, listener):
        if listener not in self._ears.get(name, ()):
            raise RuntimeError("Observer not connected")
        self._ears[name].remove(listener)

    @property
    def listeners(self):
        return sum(len(ears) for ears in self._ears.values())


class Storing(Object):
    """What keeps data with the set."""

    def get_data(self, key, default):
        self._live.check(self)
        if not self._live.keeps_data:
            raise AttributeError("get_data")
        return self._values["data"].get(key, default)

    def set_data(self, key, value):
        self._live.check(self)
        if not self._live.keeps_data:
            raise AttributeError("set_data")
        _exactly(key, str)
        self._live.changing()
        self._values["data"][key] = value


class View(Object):
    SHOWN = ("detail_clip", "highlighted_clip_slot", "selected_scene", "selected_track")
    SETTABLE = SHOWN


class Scene(Object):
    SHOWN = SETTABLE = ("name",)


class Song(Storing):
    SHOWN = (
        *("tempo", "signature_numerator", "signature_denominator", "is_playing"),
        *("loop", "loop_start", "loop_length", "tracks", "scenes"),
    )
    SETTABLE = SHOWN[:-2]

    def create_scene(self, index):
        self._live.check(self)
        _exactly(index, int)
        self._live.changing()
        scenes = self._values["scenes"]
        index = len(scenes) if index == -1 else index
        scenes.insert(index, Scene(self._live, self, name=""))
        self._live.undoable(lambda: scenes.pop(index))
        for track in self._values["tracks"]:
            track._insert_slot(index)
        return scenes[index]

    def create_audio_track(self, index):
        self._live.check(self)
        _exactly(index, int)
        self._live.changing()
        tracks = self._values["tracks"]
        index = len(tracks) if index == -1 else index
        track = Track.make(self._live, self, f"{index + 1}-Audio")
        tracks.insert(index, track)
        self._live.undoable(lambda: self._live.delete(tracks.pop(tracks.index(track))))
        return track

    def begin_undo_step(self):
        self._live.check(self)
        self._live.begin()

    def end_undo_step(self):
        self._live.check(self)
        self._live.end()


class Track(Storing):
    SHOWN = SETTABLE = ("name",)

    @classmethod
    def make(cls, live, song, name, audio=True):
        values = {"name": name, "has_audio_input": audio, "has_midi_input": not audio}
        track = cls(live, song, **values, is_frozen=False, data={}, clip_slots=[])
        track._values["arrangement_clips"] = []
        for _ in song._values["scenes"]:
            track._insert_slot(len(track._values["clip_slots"]))
        if live.can_create:
            track._values["create_audio_clip"] = track._create_audio_clip
        if live.can_create and live.can_duplicate:
            track._values["duplicate_clip_to_arrangement"] = track._duplicate
        return track

    def _insert_slot(self, index):
        slots = self._values["clip_slots"]
        slots.insert(index, ClipSlot.make(self._live, self))
        self._live.undoable(lambda: slots.pop(index))

    def _create_audio_clip(self, path, position):
        self._live.check(self)
        _exactly(path, str)
        _exactly(position, float)
        clip = Clip.from_file(self._live, self, path)
        return self._lay(clip, position)

    def _duplicate(self, clip, position):
        self._live.check(self)
        _exactly(position, float)
        if not isinstance(clip, Clip) or clip == None:  # noqa: E711
            raise ArgumentError("None.None(Clip)")
        return self._lay(clip.copy(self), position)

    def _lay(self, clip, position):
        self._live.changing()
        if self._values["is_frozen"] or self._values["has_midi_input"]:
            raise RuntimeError("Audio clips can only be created on audio tracks")
        if position < 0:
            raise RuntimeError("Invalid position")
        clips = self._values["arrangement_clips"]
        end = position + clip.shown_beats()
        for old in list(clips):
            if old._values["start_time"] < end - 1e-9 and old._values["end_time"] > position + 1e-9:
                self._live.overwritten.append(old)
        clip._values.update(start_time=position, end_time=end, is_arrangement_clip=True)
        clips.append(clip)
        self._live.undoable(lambda: self._live.delete(clips.pop(clips.index(clip))))
        return clip


class ClipSlot(Object):
    SHOWN = ("has_clip",)

    @classmethod
    def make(cls, live, track):
        slot = cls(live, track, clip=None, has_clip=False)
        if live.can_create:
            slot._values["create_audio_clip"] = slot._create_audio_clip
        return slot

    def _create_audio_clip(self, path):
        self._live.check(self)
        _exactly(path, str)
        if self._values["has_clip"]:
            raise RuntimeError("This slot already holds a clip")
        if self._parent._values["is_frozen"] or self._parent._values["has_midi_input"]:
            raise RuntimeError("Audio clips can only be created on audio tracks")
        self.fill(Clip.from_file(self._live, self, path))

    def fill(self, clip):
        self._live.changing()
        self._values.update(clip=clip, has_clip=True)
        self._live.undoable(self._drop)

    def _drop(self):
        clip = self._values["clip"]
        self._values.update(clip=None, has_clip=False)
        self._live.delete(clip)

    def delete_clip(self):
        self._live.check(self)
        self._live.changing()
        if not self._values["has_clip"]:
            raise RuntimeError("No clip")
        clip = self._values["clip"]
        self._drop()

        def back():
            clip.__dict__["_dead"] = False
            self._values.update(clip=clip, has_clip=True)

        self._live.undoable(back)


MARKERS = ("start_marker", "end_marker", "loop_start", "loop_end")
AUDIO_ONLY = (
    *("file_path", "gain", "pitch_coarse", "pitch_fine", "warping", "warp_mode", "warp_markers"),
    *("sample_rate", "sample_length"),
)


class Clip(Object):
    SHOWN = (*MARKERS, "name", "looping", "warping", "warp_markers", "file_path", "pitch_coarse",
             "pitch_fine")  # fmt: skip
    SETTABLE = (*MARKERS, "name", "looping", "warping", "gain", "pitch_coarse", "pitch_fine",
                "warp_mode")  # fmt: skip

    @classmethod
    def midi(cls, live, parent):
        return cls(live, parent, name="MIDI", is_audio_clip=False, is_midi_clip=True,
                   is_arrangement_clip=False, looping=True, start_marker=0.0, end_marker=4.0,
                   loop_start=0.0, loop_end=4.0)  # fmt: skip

    @classmethod
    def from_file(cls, live, parent, path):
        try:
            info = soundfile.info(path)
        except (RuntimeError, OSError):
            raise RuntimeError("The file could not be read") from None
        name = path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
        length = info.frames / info.samplerate
        clip = cls(
            *(live, parent),
            name=name, is_audio_clip=True, is_midi_clip=False, is_arrangement_clip=False,
            file_path=path, gain=0.4, pitch_coarse=0, pitch_fine=0.0, warping=False, warp_mode=0,
            sample_rate=float(info.samplerate), sample_length=info.frames, looping=False,
            start_marker=0.0, end_marker=length, loop_start=0.0, loop_end=length,
            signature_numerator=4, signature_denominator=4,
        )  # fmt: skip
        clip.__dict__["markers"] = [(0.0, 0.0)]  # (second, beat)
        clip.__dict__["slope"] = 1.5  # beats a second after the last marker: 90 BPM
        if live.auto_warp:
            clip._set_warping(True)
        return clip

    def copy(self, parent):
        made = Clip(self._live, parent, **self._values)
        made.__dict__["markers"], made.__dict__["slope"] = list(self.markers), self.slope
        return made

    def __getattr__(self, name):
        if name in AUDIO_ONLY:
            self._live.check(self)
            if not self._values["is_audio_clip"]:
                raise RuntimeError(f"{name} is only available for audio clips")
        if name in ("loop_start", "loop_end") and not self._values["looping"]:
            name = {"loop_start": "start_marker", "loop_end": "end_marker"}[name]
        if name == "warp_markers":
            if not self._live.tells_markers:
                raise AttributeError(name)
            second, beat = self.markers[-1]
            shadow = (second + 0.015625 / self.slope, beat + 0.015625)
            return tuple(WarpMarker(*m) for m in [*self.markers, shadow])
        return super().__getattr__(name)

    def _change(self, name, value):
        self._live.changing()
        if name == "looping" and value and not self._values.get("warping", True):
            raise RuntimeError("Unwarped audio clips can not be looped")
        if name == "warping":
            self._set_warping(value)
            return
        if name in MARKERS:
            name = self._marker(name, value)
        super()._change(name, value)

    def _marker(self, name, value):
        _exactly(value, float)
        if not self._values["looping"] and name.startswith("loop"):
            name = {"loop_start": "start_marker", "loop_end": "end_marker"}[name]
        pair = ("loop_start", "loop_end") if name.startswith("loop") else MARKERS[:2]
        new = {pair[0]: self._values[pair[0]], pair[1]: self._values[pair[1]], name: value}
        if new[pair[0]] >= new[pair[1]]:
            raise RuntimeError("Invalid loop or marker position")
        return name

    def _set_warping(self, on):
        if on == self._values["warping"]:
            return
        before, looping = dict(self._values), self._values["looping"]
        self._values["warping"] = on
        self._values["looping"] = looping and on
        for name in MARKERS:
            turn = self.beat_at if on else self.second_at
            self._values[name] = turn(self._values[name])
        self._live.undoable(lambda: self._values.update(before))
        self._notify("warping")

    # -- warping -----------------------------------------------------------------------------------

    def _line(self):
        second, beat = self.markers[-1]
        return [*self.markers, (second + 1.0, beat + self.slope)]

    def _through(self, value, axis):
        line = self._line()
        i = next((k for k in range(1, len(line)) if value < line[k][axis]), len(line) - 1)
        a, b = line[i - 1], line[i]
        other = 1 - axis
        return a[other] + (value - a[axis]) * (b[other] - a[other]) / (b[axis] - a[axis])

    def second_at(self, beat):
        return self._through(beat, 1)

    def beat_at(self, second):
        return self._through(second, 0)

    def shown_beats(self):
        start, end = self._values["start_marker"], self._values["end_marker"]
        if self._values["looping"]:
            start, end = self._values["loop_start"], self._values["loop_end"]
        if self._values["warping"]:
            return end - start
        semitones = self._values["pitch_coarse"] + self._values["pitch_fine"] / 100
        return (end - start) / 2 ** (semitones / 12) * self._live.song.tempo / 60

    def _set_markers(self, markers):
        markers = sorted(markers)
        for (s1, b1), (s2, b2) in itertools.pairwise(markers):
            if s2 - s1 < 1e-6 or b2 - b1 < 1e-6:
                raise RuntimeError("The warp marker would pass another one")
        before, slope = self.markers, self.slope
        self.__dict__["markers"] = markers
        if len(markers) > 1:
            (s1, b1), (s2, b2) = markers[-2:]
            self.__dict__["slope"] = (b2 - b1) / (s2 - s1)
        self._live.undoable(lambda: self.__dict__.update(markers=before, slope=slope))

    def add_warp_marker(self, marker):
        self._live.check(self)
        self._live.changing()
        if type(marker) is not WarpMarker:
            raise ArgumentError("No registered converter was able to produce a TWarpMarker")
        self._set_markers([*self.markers, (marker.sample_time, marker.beat_time)])

    def remove_warp_marker(self, beat):
        self._live.check(self)
        self._live.changing()
        left = [m for m in self.markers if abs(m[1] - beat) > 1e-9]
        if len(left) == len(self.markers) or not left:
            raise RuntimeError("The specified warp marker doesn't exist")
        self._set_markers(left)

    def move_warp_marker(self, beat, distance):
        self._live.check(self)
        self._live.changing()
        moved = [(s, b + distance if abs(b - beat) < 1e-9 else b) for s, b in self.markers]
        if moved == self.markers:
            raise RuntimeError("The specified warp marker doesn't exist")
        self._set_markers(moved)


class Live:
    """One running Live with one set."""

    def __init__(
        self, can_create=True, tells_markers=True, scenes=4, auto_warp=False, keeps_data=True
    ):
        self.can_create, self.tells_markers, self.auto_warp = can_create, tells_markers, auto_warp
        self.can_duplicate, self.keeps_data = True, keeps_data
        self.status, self.log, self.overwritten, self.faults = [], [], [], []
        self.steps = []
        self._open = None
        self._notifying = 0
        self._main = threading.get_ident()
        self.shown_view = "Session"
        self.song = Song(
            self, data={}, tempo=120.0, signature_numerator=4, signature_denominator=4,
            is_playing=False, current_song_time=0.0, loop=False, loop_start=0.0, loop_length=16.0,
            tracks=[], scenes=[], file_path="",
        )  # fmt: skip
        self.song._values["scenes"] = [Scene(self, self.song, name="") for _ in range(scenes)]
        self.song._values["view"] = View(
            self, self.song, detail_clip=None, highlighted_clip_slot=None, selected_track=None,
            selected_scene=self.song._values["scenes"][0] if scenes else None,
        )  # fmt: skip

    # -- rules -------------------------------------------------------------------------------------

    def check(self, thing):
        if thing._dead:
            raise ArgumentError(f"Python argument types in None.None({type(thing).__name__})")
        if threading.get_ident() != self._main:
            self.faults.append("another thread touched Live")
            raise RuntimeError("only the main thread may touch Live")

    def changing(self):
        if self._notifying:
            raise RuntimeError("Changes cannot be triggered by notifications")

    @contextmanager
    def notifying(self):
        self._notifying += 1
        try:
            yield
        finally:
            self._notifying -= 1

    def undoable(self, back):
        if self._open is None:
            self.steps.append([back])
        else:
            self._open.append(back)

    def begin(self):
        if self._open is not None:
            self.faults.append("an undo step inside another")
        self._open = []

    def end(self):
        if self._open is None:
            self.faults.append("an undo step ended twice")
        elif self._open:
            self.steps.append(self._open)
        self._open = None

    def delete(self, thing):
        thing.__dict__["_dead"] = True
        for slot in thing._values.get("clip_slots", ()):
            if slot._values["clip"] is not None:
                self.delete(slot._values["clip"])
        for clip in thing._values.get("arrangement_clips", ()):
            self.delete(clip)

    @property
    def step_is_open(self):
        return self._open is not None

    # -- the musician ------------------------------------------------------------------------------

    def undo(self):
        for back in reversed(self.steps.pop()):
            back()

    def track(self, name="Vocals", audio=True):
        track = Track.make(self, self.song, name, audio)
        self.song._values["tracks"].append(track)
        return track

    def delete_track(self, track):
        self.song._values["tracks"].remove(track)
        self.delete(track)

    def session_clip(self, track, scene, path):
        slot = track._values["clip_slots"][scene]
        slot.fill(Clip.from_file(self, slot, str(path)))
        return slot.clip

    def arrangement_clip(self, track, beat, path, **values):
        clip = Clip.from_file(self, track, str(path))
        clip._values.update(values)
        track._lay(clip, float(beat))
        return clip

    def select(self, clip):
        self.song.view.detail_clip = clip

    def reopened(self):
        """The set as it was saved, opened again: new objects, the same content and data."""
        for thing in (self.song, self.song.view, *self.song.tracks):
            thing.__dict__["_ears"] = {}
        return self


def _exactly(value, kind):
    if type(value) is not kind:
        raise ArgumentError(f"did not match C++ signature: {type(value).__name__}")
