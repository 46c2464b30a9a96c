"""The fake Live's clips: markers, looping and warping, in beats or in seconds as in Live."""

from __future__ import annotations

import itertools

import soundfile
from fake_objects import ArgumentError, Object, WarpMarker, exactly

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
        exactly(value, float)
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
