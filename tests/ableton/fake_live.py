"""A small Live: the objects that a Remote Script meets, as strict as Live's own.

Live's manners kept here: a listener added twice, or removed without having been added, is a
RuntimeError; so is a property that does not apply (a MIDI clip's file), and any change while Live
notifies; a deleted object equals None and refuses everything; arguments are not converted (a path
is exactly a str, a position exactly a float, a warp marker exactly a WarpMarker); only the main
thread may touch anything. What is not known of Live for certain is said in docs/ableton.md.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

from fake_clip import Clip
from fake_objects import ArgumentError, Object, Storing, exactly


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
        exactly(index, int)
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
        exactly(index, int)
        self._live.changing()
        tracks = self._values["tracks"]
        if len(tracks) >= self._live.most_tracks:
            raise RuntimeError("Maximum number of tracks reached")
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
        exactly(path, str)
        exactly(position, float)
        clip = Clip.from_file(self._live, self, path)
        return self._lay(clip, position)

    def _duplicate(self, clip, position):
        self._live.check(self)
        exactly(position, float)
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
        exactly(path, str)
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


class Live:
    """One running Live with one set."""

    def __init__(
        self, can_create=True, tells_markers=True, scenes=4, auto_warp=False, keeps_data=True
    ):
        self.can_create, self.tells_markers, self.auto_warp = can_create, tells_markers, auto_warp
        self.most_tracks = 1000
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
