"""Ableton Link's session as a source of the song's tempo and bars.

Link shares a tempo, a beat and, where programs want it, start and stop; it knows no position in the
song, so beats count from where Punchin joined and only bars and beats mean the same everywhere. A
session in which nobody has told start or stop runs; it runs on when the others leave. Punchin
changes nothing in it and sends nothing before there is one. A beat's time in Link is when it is
heard.

Link multicasts on every network interface, and its package holds code under the GPL: both only for
a user who chooses it.

Threads: `LinkSong` has one of its own between `begin` and `close`; Link has its own.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from daemon.player.link_peers import PORT, Peers

_POLL_S = 0.02
_TELL_S = 0.05
_JOIN_S, _LEFT_S = 5.0, 0.1
_CLOSE_S = 3.0
_LOOKS, _AT_ONCE_S = 20, 0.0003
MISSING = 'Ableton Link\'s package is missing: pip install "punchin[link]", which holds GPL code'
Told = dict[str, Any]
Report = Callable[[str, Told, float], None]


class LinkSong:
    """Tells `report` a message of `daemon.core.song` and when it was so, `trouble` why not.

    `bar_beats` says how long a bar is, in quarter notes: Link does not.
    """

    def __init__(
        self, report: Report, trouble: Callable[[str], None], bar_beats: Callable[[], float]
    ) -> None:
        self._report, self._trouble, self._bar_beats = report, trouble, bar_beats
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link-song", daemon=True)

    def begin(self) -> None:
        """Join a session as soon as there is one."""
        self._thread.start()

    def close(self) -> None:
        """Leave it."""
        self._end.set()
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            import link
        except ImportError:
            self._trouble(MISSING)
            return
        member = link.Link(120.0)
        member.startStopSyncEnabled = True
        reader = Reader(member.captureSessionState())
        try:
            while not self._end.is_set():
                self._wait_for_others(member, reader)
                self._take_part(member, reader)
        except OSError as problem:
            self._trouble(f"Ableton Link can't be heard ({problem}): free UDP port {PORT}")

    def _wait_for_others(self, member: Any, reader: Reader) -> None:
        with contextlib.closing(Peers()) as peers:
            while not self._end.wait(_POLL_S) and not peers.here():
                self._tell(member, reader)

    def _take_part(self, member: Any, reader: Reader) -> None:
        """Be a member until the others have left, else this would be the older session."""
        member.enabled, alone_s = True, time.monotonic() + _JOIN_S
        while not self._end.wait(_POLL_S) and time.monotonic() < alone_s:
            if member.numPeers():
                reader.met, alone_s = True, time.monotonic() + _LEFT_S
            self._tell(member, reader)
        member.enabled = False

    def _tell(self, member: Any, reader: Reader) -> None:
        micros, at_s = _now(member.clock())
        told = reader.message(member.captureSessionState(), micros, self._bar_beats(), at_s)
        if told:
            self._report("transport", told, at_s)


def _now(clock: Any) -> tuple[int, float]:
    """Return the same moment by Link's clock and by `time.monotonic`, asked again when torn."""
    for _ in range(_LOOKS):
        before_s, micros, after_s = time.monotonic(), clock.micros(), time.monotonic()
        if after_s - before_s < _AT_ONCE_S:
            break
    return micros, (before_s + after_s) / 2


class Reader:
    """Turns sessions, `link.SessionState`, into messages; `own` is the one before joining.

    `met` says that there was anyone else: before that there is nothing to tell.
    """

    def __init__(self, own: Any) -> None:
        self._own_start = own.timeForIsPlaying()
        self.met = False
        self._said: tuple[bool, float] | None = None
        self._told_s = -_TELL_S

    def message(self, session: Any, micros: int, bar_beats: float, now_s: float) -> Told | None:
        """Return what is worth telling: every change, and some twenty times a second."""
        if not self.met:
            return None
        started = session.timeForIsPlaying() != self._own_start
        playing, bpm = session.isPlaying() or not started, session.tempo()
        if self._said == (playing, bpm) and now_s - self._told_s < _TELL_S:
            return None
        self._said, self._told_s = (playing, bpm), now_s
        return {
            "playing": int(playing),
            "beat": session.beatAtTime(micros, bar_beats),
            "bpm": bpm,
            "bar_beat": session.phaseAtTime(micros, bar_beats),
        }
