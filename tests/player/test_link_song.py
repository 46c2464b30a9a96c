"""What Ableton Link's session tells, as messages about the song."""

import sys
from dataclasses import dataclass

import pytest

from daemon.player.link_song import MISSING, LinkSong, Reader


@dataclass
class Session:
    """A session at 120 bpm whose beat 0 is at 1 s; it stands since `changed`, in microseconds."""

    playing: bool = False
    changed: int = 500_000
    bpm: float = 120.0

    def tempo(self):
        return self.bpm

    def isPlaying(self):  # noqa: N802
        return self.playing

    def timeForIsPlaying(self):  # noqa: N802
        return self.changed

    def beatAtTime(self, micros, quantum):  # noqa: N802
        return (micros - 1_000_000) * self.bpm / 60e6

    def phaseAtTime(self, micros, quantum):  # noqa: N802
        return self.beatAtTime(micros, quantum) % quantum


@pytest.fixture
def reader():
    made = Reader(Session())
    made.met = True
    return made


def test_alone_it_tells_nothing():
    assert Reader(Session()).message(Session(), 3_000_000, 4.0, 3.0) is None


def test_a_session_without_start_and_stop_runs(reader):
    told = reader.message(Session(), 4_750_000, 3.0, 4.75)
    assert told == {"playing": 1, "beat": 7.5, "bpm": 120.0, "bar_beat": 1.5}


def test_once_start_and_stop_are_told_they_hold(reader):
    started = Session(True, 2_000_000)
    stopped = Session(False, 3_000_000)
    told = [reader.message(s, 4_000_000, 4.0, 4.0) for s in (Session(), started, stopped)]
    assert [t["playing"] for t in told if t] == [1, 0]


def test_a_change_is_told_at_once_and_the_rest_now_and_then(reader):
    rows = [(120.0, 0.0), (120.0, 0.02), (97.5, 0.03), (97.5, 0.05), (97.5, 0.09)]
    told = [reader.message(Session(bpm=b), 0, 4.0, t) for b, t in rows]
    assert [bool(t) for t in told] == [True, False, True, False, True]


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "link", None)
    troubles = []
    song = LinkSong(lambda *_: None, troubles.append, lambda: 4.0)
    song.begin()
    song.close()
    assert troubles == [MISSING]
    assert "punchin[link]" in MISSING
