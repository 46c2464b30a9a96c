"""The rack: the outputs that are in use, each with its keeper and its deck.

An output opens when something is first to be played on it. When its device goes and comes back, or
comes back at another rate, a new deck goes on where the old one was.

Threads: methods belong to the thread that hears the control plane, except `_start` and `_changed`,
which the keepers' threads call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.protocol.errors import PunchinError, error
from daemon.player.deck import SILENT, Deck
from daemon.player.outputs.base import Format, Output, Render
from daemon.player.outputs.keeper import Keeper, State
from daemon.player.program import Program
from daemon.player.transport import Line

_OPEN_S = 4.0
Told = Mapping[str, Any]


@dataclass
class Bay:
    """One output. `told` is what plays on it, so that it can be played again."""

    keeper: Keeper
    settled: threading.Event = field(default_factory=threading.Event)
    deck: Deck | None = None
    told: Told | None = None


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
        bay = self.bays.get(name)
        if bay is None:
            bay = self.bays[name] = self._open(name)
        bay.settled.wait(_OPEN_S)
        state = bay.keeper.state
        if state.name != "open" or bay.deck is None:
            trouble = state.trouble or "the audio device does not answer: check it, then play again"
            raise error(state.code or 402, trouble)
        return bay.deck

    def _open(self, name: str) -> Bay:
        output = self._make(name)
        bay: Bay
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
            if bay.told and old and old.mode is not SILENT:
                at = old.position / old.rate
                program = self._program(bay.told, fmt.rate, round(at * fmt.rate))
                deck.play(program.starting(round(at * fmt.rate)))
            return deck.render

    def _changed(self, bay: Bay, state: State) -> None:
        bay.settled.set()
        if state.name == "stuck":
            self._stuck(state.trouble)

    # -- commands ----------------------------------------------------------------------------------

    def play(self, told: Told, when: str, names: list[str], same: bool = False) -> str:
        """Play on these outputs and fall silent on all others; return what is wrong with some.

        Raises 200…204, 402 when none of them plays.
        """
        problems: list[PunchinError] = []
        for name in names:
            try:
                self._play_on(name, told, when, same)
            except PunchinError as problem:
                problems.append(problem)
        for name, bay in self.bays.items():
            if name not in names:
                self._silence(bay)
        if len(problems) == len(names):
            raise problems[0]
        return "; ".join(problem.message for problem in problems)

    def _play_on(self, name: str, told: Told, when: str, same: bool) -> None:
        deck = self.deck(name)
        with self._lock:
            self.bays[name].told = told
            program = self._program(told, deck.rate, _start_frame(told, deck))
            (deck.swap if same else deck.play)(program, when)

    def improve(self, told: Told) -> None:
        """Have a better version of what plays heard from the next loop on."""
        for bay in self.bays.values():
            if bay.told and bay.deck and _same(bay.told, told):
                bay.told = told
                bay.deck.improve(self._program(told, bay.deck.rate, _start_frame(told, bay.deck)))

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
