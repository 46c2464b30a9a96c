"""A Link session with a whole daemon in it; run where nobody else can hear its multicast.

`python link_room.py FOLDER` prints one line of JSON: what the daemon said of the song at each step,
and how far its beat lay beside the session's, in milliseconds.
"""

import contextlib
import json
import sys
import time
from pathlib import Path

import link

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "house"), str(TESTS.parent)]
from patience import in_time  # noqa: E402
from wire_house import House, wait_for  # noqa: E402

from daemon.player.link_peers import Peers  # noqa: E402


class Band:
    """The other program in the session."""

    def __init__(self, bpm):
        self.link = link.Link(bpm)
        self.link.startStopSyncEnabled = True
        self.link.enabled = True

    def change(self, bpm=None, playing=None):
        session, now = self.link.captureSessionState(), self.link.clock().micros()
        if bpm:
            session.setTempo(bpm, now)
        if playing is not None:
            session.setIsPlaying(playing, now)
        self.link.commitSessionState(session)

    def phase(self, bar_beats):
        return self.link.captureSessionState().phaseAtTime(self.link.clock().micros(), bar_beats)


def song_of(tcp, wanted, again=lambda: None):
    """The song as soon as it is as wanted; what may get lost on the way is done `again`."""
    done_s = time.monotonic()

    def there():
        nonlocal done_s
        song = tcp.ask("player")["transport"]
        if time.monotonic() - done_s > 2:
            done_s = time.monotonic()
            again()
        return song if wanted(song) else None

    return wait_for(there, "the session was not followed")


def started(tcp, band, playing):
    """The song once it follows the band's start or stop."""
    change = lambda: band.change(playing=playing)  # noqa: E731
    change()
    return song_of(tcp, lambda s: s["playing"] == playing, change)


def nobody_is_there():
    """A look whether for a second nobody has said that it is in a session."""
    peers, since_s = Peers(), time.monotonic()

    def there():
        nonlocal since_s
        if peers.heard():
            since_s = time.monotonic()
        return True if time.monotonic() - since_s > 1 else None

    return there


def apart_ms(tcp, band, song):
    """How far the bar's phase is from the session's, and within which time both were asked.

    Of several looks the one least disturbed; again and again, where the machine had other work.
    """
    bar = song["bar_beats"]

    def look():
        before_s, before = time.monotonic(), band.phase(bar)
        told = tcp.ask("player")["transport"]
        late_s = time.monotonic() - before_s
        moved = (told["beat"] - told["bar_beat"] - before + bar / 2) % bar - bar / 2
        return late_s * 1000, moved * 60 / told["bpm"] * 1000

    def attempt(_number):
        found.append(min(look() for _ in range(20)))
        late_ms, between_ms = found[-1]
        assert -3 <= between_ms <= late_ms + 3

    found = []
    with contextlib.suppress(AssertionError):  # the test tells what is wrong
        in_time(attempt)
    late_ms, between_ms = found[-1]
    return [between_ms, late_ms]


def steps(tcp, band):
    yield "alone", tcp.ask("player")["transport"], None
    tcp.send("/punchin/tempo", 120.0, 3, 4)
    band.link.enabled = True
    song = song_of(tcp, lambda s: s["playing"] and s["bar_beats"] == 3)
    yield "joined", song, apart_ms(tcp, band, song)
    band.change(bpm=97.5)
    song = song_of(tcp, lambda s: abs(s["bpm"] - 97.5) < 0.01)
    yield "slower", song, apart_ms(tcp, band, song)
    band.change(playing=True)
    yield "stopped", started(tcp, band, False), None
    yield "started", started(tcp, band, True), None
    band.link.enabled = False
    yield "left", tcp.ask("player")["transport"], None
    wait_for(nobody_is_there(), "the daemon stayed in the session alone")
    other = Band(171.0)
    yield "other", song_of(tcp, lambda s: s["bpm"] > 150), None
    yield "its own", {"bpm": other.link.captureSessionState().tempo()}, None


def main():
    band = Band(133.0)
    band.link.enabled = False
    house = House(Path(sys.argv[1]), PUNCHIN_AUDIO_TRANSPORT="link", PUNCHIN_AUDIO_DEVICE="none")
    try:
        with house.tcp() as tcp:
            print(json.dumps({name: [song, apart] for name, song, apart in steps(tcp, band)}))
    finally:
        house.stop()


main()
