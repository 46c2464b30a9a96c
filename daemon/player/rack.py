"""The rack: the outputs that are in use, each with its keeper and its deck.

An output opens when something is first to be played on it. When its device goes and comes back, or
comes back at another rate, a new deck goes on where the old one was, or, where another output
plays the same, along with that.

Threads: methods belong to the thread that hears the control plane, except `_start` and `_changed`,
which the keepers' threads call.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.protocol.errors import PunchinError, error
from daemon.player.agreeing import agreed
from daemon.player.cue import ALONE, Agreed
from daemon.player.deck import Deck
from daemon.player.joining import Place, beside, play_at, resumed
from daemon.player.outputs.base import Format, Output, Render
from daemon.player.outputs.keeper import Keeper, State
from daemon.player.program import Program
from daemon.player.transport import Line

_OPEN_S = 4.0
_log = logging.getLogger("punchin.player")
Told = Mapping[str, Any]


@dataclass(frozen=True)
class Begin:
    """How something is played: `when` (`now beat bar`), or from the past `beat` of the song on.

    `same` keeps the musical position. With `later` a device that is not there plays it once it is.
    """

    when: str = "now"
    beat: float | None = None
    same: bool = False
    later: bool = False


@dataclass
class Bay:
    """One output. `told` is what plays on it and `begin` how that began, for a deck to come."""

    keeper: Keeper
    settled: threading.Event = field(default_factory=threading.Event)
    deck: Deck | None = None
    told: Told | None = None
    begin: Begin = Begin()


class Rack:
    """Outputs by name. `make` builds one from its name, `program` a programme at a rate."""

    def __init__(
        self,
        make: Callable[[str], Output],
        program: Callable[[Told, int, int], Program],
        stuck: Callable[[str], None],
        preroll_s: float,
    ) -> None:
        self._make, self._program, self._stuck = make, program, stuck
        self._preroll_s = preroll_s
        self.line = Line()
        self.bays: dict[str, Bay] = {}
        self._looping = False
        self._gain = 1.0
        self._lock = threading.RLock()

    # -- outputs -----------------------------------------------------------------------------------

    def deck(self, name: str) -> Deck:
        """Return the deck of an open output, opening it if need be. Raises 402."""
        bay = self._bay(name)
        bay.settled.wait(_OPEN_S)
        state = bay.keeper.state
        if state.name != "open" or bay.deck is None:
            trouble = state.trouble or "the audio device does not answer: check it, then play again"
            raise error(state.code or 402, trouble)
        return bay.deck

    def _bay(self, name: str) -> Bay:
        bay = self.bays.get(name)
        if bay is None:
            bay = self.bays[name] = self._open(name)
        return bay

    def _open(self, name: str) -> Bay:
        output = self._make(name)
        bay: Bay
        output.idle = lambda: bay.deck is None or bay.deck.idle
        start = lambda fmt: self._start(bay, output, fmt)  # noqa: E731
        bay = Bay(Keeper(output, start, lambda state: self._changed(bay, state)))
        bay.keeper.begin()
        return bay

    def _start(self, bay: Bay, output: Output, fmt: Format) -> Render:
        """Make the deck of an output that has just been opened."""
        with self._lock:
            deck = Deck(fmt.rate, fmt.channels, fmt.pairs, lambda: self.line, output.clock,
                        self._preroll_s)  # fmt: skip
            deck.loop(self._looping)
            deck.gain(self._gain)
            old, bay.deck = bay.deck, deck
            if bay.told:
                self._go_on(bay, bay.told, old, deck)
            return deck.render

    def _go_on(self, bay: Bay, told: Told, old: Deck | None, deck: Deck) -> None:
        """Have a new deck play along with the other outputs, else what the old one did."""
        begun = Place(_start_frame(told, deck), bay.begin.when, bay.begin.beat)
        if others := self._beside(bay, told):
            place = beside(told, others, deck.rate, begun)
        elif old is None:
            place = begun
        else:
            place = resumed(told, old, deck.rate, begun, bay.begin.same)
        if place is None:
            return
        try:
            program = self._program(told, deck.rate, place.frame)
        except PunchinError as problem:
            _log.warning("what played does not go on: %s", problem.message)
        else:
            play_at(deck, program, place)

    def _beside(self, bay: Bay, told: Told) -> list[Deck]:
        """Return the decks of the other outputs that are there and were asked to play the same."""
        return [
            other.deck
            for other in self.bays.values()
            if other is not bay and other.deck and other.keeper.state.name == "open"
            and other.told and _same(other.told, told)
        ]  # fmt: skip

    def _changed(self, bay: Bay, state: State) -> None:
        bay.settled.set()
        if state.name == "stuck":
            self._stuck(state.trouble)

    # -- commands ----------------------------------------------------------------------------------

    def play(self, told: Told, names: list[str], begin: Begin) -> str:
        """Play on these outputs and fall silent on all others; return what is wrong with some.

        Raises 200…204, 402 when none of them plays.
        """
        problems: dict[str, PunchinError] = {}
        together = self._agreed(names, begin)
        for name in sorted(names, key=lambda name: not self._sounding(name)):
            try:
                self._play_on(name, told, begin, together)
            except PunchinError as problem:
                problems[name] = problem
        for name, bay in self.bays.items():
            if name not in names:
                self._silence(bay)
        if len(problems) == len(names):
            raise problems[names[0]]
        for name in problems:
            self._join_later(name, told, begin)
        return "; ".join(problem.message for problem in problems.values())

    def _agreed(self, names: list[str], begin: Begin) -> Agreed:
        """Return when the outputs that are open make a change together."""
        if begin.beat is not None or (begin.when == "now" and not begin.same):
            return ALONE
        with self._lock:
            decks = [deck for name in names if (deck := self._sounding(name))]
            return agreed(decks, begin.when, self.line)

    def _sounding(self, name: str) -> Deck | None:
        bay = self.bays.get(name)
        return bay.deck if bay and bay.keeper.state.name == "open" else None

    def _join_later(self, name: str, told: Told, begin: Begin) -> None:
        """Have an output that is away join the others when it comes back."""
        with self._lock:
            if bay := self.bays.get(name):
                bay.told, bay.begin = told, begin

    def _play_on(self, name: str, told: Told, begin: Begin, together: Agreed) -> None:
        if begin.later and self._left(name, told, begin):
            self.deck(name)
            return
        deck = self.deck(name)
        with self._lock:
            bay = self.bays[name]
            bay.told, bay.begin = told, begin
            program = self._program(told, deck.rate, _start_frame(told, deck))
            if begin.same:
                deck.swap(program, begin.when, together)
            else:
                deck.play(program, begin.when, begin.beat, together)

    def _left(self, name: str, told: Told, begin: Begin) -> bool:
        """Leave what is to be played to an output that has no deck yet; False when it has one."""
        with self._lock:
            bay = self._bay(name)
            if bay.deck is None:
                bay.told, bay.begin = told, begin
            return bay.deck is None

    def improve(self, told: Told) -> None:
        """Have a better version of what plays heard from the next loop on."""
        for bay in self.bays.values():
            if bay.told and _same(bay.told, told):
                bay.told = {**told, "start": bay.told["start"]}
                if bay.deck:
                    start = _start_frame(told, bay.deck)
                    bay.deck.improve(self._program(told, bay.deck.rate, start))

    def stop(self) -> None:
        """Fall silent everywhere."""
        for bay in self.bays.values():
            self._silence(bay)

    def drop(self, job: str) -> None:
        """Fall silent where a job plays whose material will not come."""
        for bay in self.bays.values():
            if bay.told and bay.told["id"] == job:
                self._silence(bay)

    def _silence(self, bay: Bay) -> None:
        bay.told = None
        if bay.deck:
            bay.deck.stop()

    def loop(self, on: bool) -> None:
        """Loop what plays, or play on."""
        self._looping = on
        for bay in self.bays.values():
            if bay.deck:
                bay.deck.loop(on)

    def gain(self, gain: float) -> None:
        """Set the linear gain."""
        self._gain = gain
        for bay in self.bays.values():
            if bay.deck:
                bay.deck.gain(gain)

    def close(self) -> None:
        """Close every output."""
        for bay in self.bays.values():
            bay.keeper.close()


def _start_frame(told: Told, deck: Deck) -> int:
    return round(told["start"] * deck.rate / told["rate"])


def _same(a: Told, b: Told) -> bool:
    return all(a[k] == b[k] for k in ("id", "take", "role"))
