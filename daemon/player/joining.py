"""Where an output goes on that opens while something plays: where its own deck was, or along with
another output that plays the same.

Frames are of the programme that is to be played, at the new deck's rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.player.deck import Deck
from daemon.player.program import Program
from daemon.player.shown import SILENT

Told = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Play from `frame` on: as of `when` and `beat` (see `Deck.play`), or along with another deck.

    With `since` that frame is heard on the other one at that time.
    """

    frame: int
    when: str = "now"
    beat: float | None = None
    since: float | None = None


def play_at(deck: Deck, program: Program, place: Place) -> None:
    """Have a deck play from a place on."""
    program = program.starting(place.frame)
    if place.since is not None:
        deck.join(program, place.since)
    else:
        deck.play(program, place.when, place.beat)


def resumed(told: Told, old: Deck, rate: int, begun: Place, same: bool) -> Place | None:
    """Return where what an output's own old deck did goes on; None when that had ended.

    `begun` is how it was begun; with `same` what sounded before holds its musical position.
    """
    was = old.shown
    sounds = was.program if was.mode != SILENT else None
    if sounds is None or not (same or is_of(sounds, told)):
        return begun if sounds or old.cued else None
    frame = _frame(sounds, was.position, old.rate, told, rate)
    return Place(frame, was.launched, was.beat) if was.beat is not None else Place(frame)


def beside(told: Told, others: Iterable[Deck], rate: int, begun: Place) -> Place | None:
    """Return where one of the running decks that play the same is; None when all have ended."""
    places = [p for p in (_beside(told, other, rate, begun) for other in others) if p]
    return places[0] if places else None


def _beside(told: Told, other: Deck, rate: int, begun: Place) -> Place | None:
    was = other.shown
    if was.program is None or was.mode == SILENT or not is_of(was.program, told):
        return begun if other.cued else None
    frame = _frame(was.program, was.position, other.rate, told, rate)
    if was.beat is not None:
        return Place(frame, was.launched, was.beat)
    return Place(frame, since=was.heard_s)


def _frame(sounds: Program, position: int, rate: int, told: Told, to_rate: int) -> int:
    source_s = position / rate + sounds.origin_s
    return round((source_s - told["origin_s"]) * to_rate)


def is_of(program: Program, told: Told) -> bool:
    """Whether a programme is of the take and role that are told."""
    return program.key == (told["id"], told["take"], told["role"])
