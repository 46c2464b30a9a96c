"""Two outputs, one of which is asked for its samples long before they are heard, make the same
changes on the same bars, whenever they are asked for.

At 120 bpm a bar of four lasts two seconds. `early` has rendered what is heard in the next 200 ms,
`late` keeps up with what is heard.
"""

import numpy as np
import pytest
from deck_material import FADE, RATE, noise, program

from daemon.player.outputs.base import Clock, Format, Health
from daemon.player.rack import Begin, Rack
from daemon.player.transport import Line

AHEAD = RATE // 5
BLOCK = 256
BAR = 2 * RATE
SONGS = {name: noise(4 * BAR, seed=seed) for seed, name in enumerate("abcd", 1)}
BOTH = ["early", "late"]
NAMES = list(SONGS)


class Device:
    """An output that renders `ahead` frames before they are heard; it pulls when the test says."""

    def __init__(self, name, ahead):
        self.name, self.ahead = name, ahead
        self.render, self.heard = None, np.zeros((0, 2), np.float32)

    def open(self, start):
        fmt = Format(RATE, 2, 0.0, BLOCK)
        self.render = start(fmt)
        return fmt

    def close(self): ...

    def health(self):
        return Health("open", beat_s=float("inf"))

    def clock(self):
        return Clock(0, 0.0)

    def until(self, frame):
        """Render what is needed at the time when `frame` is heard."""
        while len(self.heard) < frame + self.ahead:
            self.heard = np.concatenate([self.heard, self.render(BLOCK)])


class Studio:
    """A rack with both, and the time."""

    def __init__(self):
        self.devices = {"early": Device("early", AHEAD), "late": Device("late", 0)}

        def made(told, _rate, _start):
            return program(SONGS[told["id"]], told["id"])

        self.rack = Rack(self.devices.__getitem__, made, lambda _trouble: None, 0.0)
        self.rack.line = Line(True, 0.0, 0.0, 120.0)
        for name in BOTH:
            self.rack.deck(name)
        self.until(0.1)

    def until(self, time_s):
        for device in self.devices.values():
            device.until(round(time_s * RATE))

    def ask(self, song, **how):
        told = {"id": song, "take": 1, "role": "mix", "rate": RATE, "start": 0}
        assert not self.rack.play(told, BOTH, Begin(**how))

    def bars(self, count):
        """What is heard in each bar, output by output; None where it is more than one song."""
        self.until(count * BAR / RATE)
        return [[_song(d.heard, bar) for bar in range(count)] for d in self.devices.values()]


def _song(heard, bar):
    """The song whose own samples are heard from a bar's line until the fade before the next."""
    part = heard[bar * BAR : (bar + 1) * BAR - FADE]
    if not part.any():
        return ""
    found = [n for n in NAMES if _lies_in(part, SONGS[n])]
    return found[0] if found else None


def _lies_in(part, song):
    at = np.flatnonzero(np.all(song[: len(song) - len(part) + 1] == part[0], axis=1))
    return any(np.array_equal(song[a : a + len(part)], part) for a in at)


@pytest.fixture
def studio():
    made = Studio()
    yield made
    made.rack.close()


TIMES_S = [3.0, 3.7, 3.78, 3.85, 3.9, 3.95, 3.985, 3.995]  # before the bar at 4 s


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("at_s", TIMES_S)
def test_one_change_comes_on_the_same_bar_of_both(studio, at_s, same):
    studio.ask("a", when="bar")
    studio.until(at_s)
    studio.ask("b", when="bar", same=same)
    early, late = studio.bars(4)
    assert early == late
    assert early in (["", "a", "b", "b"], ["", "a", "a", "b"])
    assert early[2] == "b" or at_s > 3.7


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("second_s", TIMES_S)
def test_a_second_change_replaces_the_first_on_both_or_on_none(studio, second_s, same):
    studio.ask("a", when="bar")
    studio.until(2.5)
    studio.ask("b", when="bar", same=same)
    studio.until(second_s)
    studio.ask("c", when="bar", same=same)
    early, late = studio.bars(4)
    assert early == late
    assert early[:2] == ["", "a"]
    assert early[2:] == (["c", "c"] if second_s <= 3.7 else ["b", "c"])


def test_changes_queue_up_and_the_last_one_stays(studio):
    studio.ask("a", when="bar")
    for at_s, song in ((2.5, "b"), (3.9, "c"), (3.95, "d")):
        studio.until(at_s)
        studio.ask(song, when="bar", same=True)
    assert studio.bars(4) == [["", "a", "b", "d"]] * 2


def test_a_swap_at_once_follows_the_start_that_one_has_begun(studio):
    """What begins on the bar is rendered on one of them; the swap keeps its position on both."""
    studio.ask("a", when="bar")
    studio.until(1.9)
    studio.ask("b", same=True)
    early, late = studio.bars(3)
    assert early[2] == late[2] == "b"
    frames = slice(2 * BAR, 2 * BAR + 500)
    heard = [d.heard[frames] for d in studio.devices.values()]
    assert np.array_equal(heard[0], SONGS["b"][BAR : BAR + 500])
    assert np.array_equal(heard[0], heard[1])


@pytest.mark.parametrize("pending", [1, 2])
def test_a_stop_leaves_nothing_due(studio, pending):
    studio.ask("a", when="bar")
    for at_s, song in ((3.7, "b"), (3.9, "c"))[:pending]:
        studio.until(at_s)
        studio.ask(song, when="bar")
    studio.rack.stop()
    studio.until(4.5)
    assert not any(d.heard[-BLOCK:].any() for d in studio.devices.values())
    assert studio.bars(4)[0][3] == studio.bars(4)[1][3] == ""


def test_what_waits_for_its_turn_is_improved(studio):
    studio.ask("a", when="bar")
    for at_s, song in ((2.5, "b"), (3.9, "c")):
        studio.until(at_s)
        studio.ask(song, when="bar")
    better = noise(4 * BAR, seed=9)
    for name in BOTH:
        studio.rack.bays[name].deck.improve(program(better, "c"))
    studio.until(7.0)
    for device in studio.devices.values():
        assert np.array_equal(device.heard[3 * BAR : 3 * BAR + 500], better[:500])


def test_a_song_that_jumps_back_launches_on_its_next_bar(studio):
    studio.ask("a", when="bar")
    studio.until(2.5)
    studio.ask("b", when="bar")
    studio.until(3.0)
    studio.rack.line = Line(True, 3.0, 3.0, 120.0)  # as if the bar came at 3.5 s
    studio.until(5.0)
    at = round(3.5 * RATE)
    for device in studio.devices.values():
        assert np.array_equal(device.heard[at : at + 500], SONGS["b"][:500])
