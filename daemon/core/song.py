"""Where the DAW's song is, from whoever tells: OSC, MIDI, JACK or Ableton Link.

One source leads at a time, else two that tell the same song a few milliseconds apart would make it
jump. With `auto` that is the one whose transport runs; a source that was silent for `_SILENT_S`
leads no longer. What cannot change with the source, tempo and place from the context, is taken from
all.

Threads: the control loop's thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from daemon.player.transport import Follower, Line

AUTO, OSC, MIDI, JACK, LINK = "auto", "osc", "midi", "jack", "link"
SOURCES = (AUTO, OSC, MIDI, JACK, LINK)
_SILENT_S = 2.0
_CONTEXT = frozenset({"tempo", "place"})


class Song:
    """The song position. `chosen` is one of `SOURCES`."""

    def __init__(self, chosen: str = AUTO) -> None:
        self._chosen = chosen
        self._follower = Follower()
        self._leader, self._heard_s = "", 0.0

    @property
    def line(self) -> Line:
        """Where the song is."""
        return self._follower.line

    @property
    def source(self) -> str:
        """Who leads, an empty text before anyone has."""
        return self._leader

    def hear(self, source: str, name: str, told: Mapping[str, Any], at_s: float) -> bool:
        """Take a message of `SONG_MESSAGES`; `at_s` in `time.monotonic()`. False if it is ignored.

        `source` is `osc`, `midi`, `jack` or `link`.
        """
        if name not in _CONTEXT:
            if not self._follows(source, at_s):
                return False
            self._leader, self._heard_s = source, at_s
        _HEAR[name](self._follower, told, at_s)
        return True

    def _follows(self, source: str, at_s: float) -> bool:
        if self._chosen != AUTO:
            return source == self._chosen
        led = self._leader not in ("", source) and at_s - self._heard_s < _SILENT_S
        return not (led and self.line.playing)

    def forget(self) -> None:
        """Take that nothing is known of the song any more."""
        self._follower, self._leader = Follower(), ""


def _whole(song: Follower, told: Mapping[str, Any], at_s: float) -> None:
    if "bar_beats" in told:
        song.metre(told["bar_beats"])
    song.whole(at_s, bool(told["playing"]), told["beat"], told["bpm"], told.get("bar_beat"))


def _tempo(song: Follower, told: Mapping[str, Any], at_s: float) -> None:
    song.tempo(at_s, told["bpm"])
    if "beats" in told:
        song.metre(told["beats"] * 4 / told.get("unit", 4))


_HEAR: dict[str, Callable[[Follower, Mapping[str, Any], float], None]] = {
    "transport": _whole,
    "transport/playing": lambda song, told, at_s: song.playing(at_s, bool(told["value"])),
    "transport/seconds": lambda song, told, at_s: song.seconds(at_s, told["value"]),
    "transport/bpm": lambda song, told, at_s: song.tempo(at_s, told["value"]),
    "tempo": _tempo,
    "place": lambda song, told, _at_s: song.place(told["seconds"], told["beat"]),
}
SONG_MESSAGES = frozenset(_HEAR)
