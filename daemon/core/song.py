"""Where the DAW's song is, from whoever tells: OSC, MIDI, JACK or Ableton Link.

One source leads at a time, else two that tell the same song a few milliseconds apart would make it
jump. With `auto` it is the one that moved last: one that rolls leads until it stops, or until it
was silent for `_SILENT_S` and another one rolls; among those that stand it is the one that started,
stopped, was located or changed its tempo last. Some tell only what changes, so silence alone is no
stop; JACK tells all the time, so what it tells counts only once its transport has rolled. Every
source has a line of its own, so that one that takes over is known already. What cannot change with
the source, tempo and place from the context, is taken by all.

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


class _Source:
    """What one source has told. `told`: the last of each message; `heard_s`: when the last came."""

    def __init__(self) -> None:
        self.follower = Follower()
        self.told: dict[str, Mapping[str, Any]] = {}
        self.heard_s = 0.0
        self.rolled = False

    @property
    def rolls(self) -> bool:
        """Whether its transport runs, as far as it has told."""
        return self.follower.line.playing

    def hear(self, name: str, told: Mapping[str, Any], at_s: float) -> bool:
        """Take a message; return whether it tells anything but what it told before."""
        _HEAR[name](self.follower, told, at_s)
        before, self.told[name] = self.told.get(name), told
        self.heard_s = at_s
        self.rolled = self.rolled or self.rolls
        return before != told


class Song:
    """The song position. `chosen` is one of `SOURCES`."""

    def __init__(self, chosen: str = AUTO) -> None:
        self._chosen = chosen
        self._first = OSC if chosen == AUTO else chosen
        self.forget()

    @property
    def line(self) -> Line:
        """Where the song is."""
        return self._sources[self._leader or self._first].follower.line

    @property
    def source(self) -> str:
        """Who leads, an empty text before anyone has."""
        return self._leader

    def hear(self, source: str, name: str, told: Mapping[str, Any], at_s: float) -> bool:
        """Take a message of `SONG_MESSAGES`; `at_s` in `time.monotonic()`.

        `source` is `osc`, `midi`, `jack` or `link`. False if the song's line does not hang on it.
        """
        if name in _CONTEXT:
            for each in self._sources.values():
                _HEAR[name](each.follower, told, at_s)
            return True
        is_news = self._sources[source].hear(name, told, at_s)
        if self._leads(source, is_news, at_s):
            self._leader = source
        return self._leader == source

    def _leads(self, source: str, is_news: bool, at_s: float) -> bool:
        if self._chosen != AUTO or self._leader in ("", source):
            return self._chosen in (AUTO, source)
        one, leader = self._sources[source], self._sources[self._leader]
        if leader.rolls and at_s - leader.heard_s < _SILENT_S:
            return False
        return one.rolls or (is_news and (one.rolled or source != JACK))

    def forget(self) -> None:
        """Take that nothing is known of the song any more."""
        self._sources = {source: _Source() for source in SOURCES if source != AUTO}
        self._leader = ""


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
