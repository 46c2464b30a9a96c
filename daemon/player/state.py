"""How the player is, as `/punchin/player` tells it.

Threads: any; numbers are read while audio threads count on.
"""

from __future__ import annotations

from typing import Any

from daemon.player.deck import Deck
from daemon.player.rack import Rack
from daemon.player.shown import CUED, SILENT


def of(rack: Rack) -> dict[str, Any]:
    """Return what sounds, with the first output in use as the leading one, and every output."""
    outputs = [{"name": name, **bay.keeper.health()} for name, bay in rack.bays.items()]
    leading = _leading(rack)
    return {
        **(of_deck(leading) if leading else {}),
        "underruns": sum(row["underruns"] for row in outputs),
        "outputs": outputs,
    }


def where(rack: Rack) -> dict[str, Any] | None:
    """Return what the leading output plays and where it is; None while there is no output."""
    leading = _leading(rack)
    return place(leading) if leading else None


def _leading(rack: Rack) -> Deck | None:
    decks = [bay.deck for bay in rack.bays.values() if bay.deck]
    return next(iter([*(d for d in decks if d.mode != SILENT or d.cued), *decks]), None)


def of_deck(deck: Deck) -> dict[str, Any]:
    """Return what a deck plays. Times are seconds of the result."""
    level = deck.meter.read()
    return {
        **place(deck),
        "level": level["rms_db"],
        "true_peak": level["true_peak_db"],
        "waits": deck.waits,
        "waited_s": round(deck.waited_frames / deck.rate, 4),
        "loops": deck.loops,
        "looping": deck.looping,
    }


def place(deck: Deck) -> dict[str, Any]:
    """Return where a deck is, enough for another one to go on."""
    shown = deck.shown
    program = shown.program
    told: dict[str, Any] = {
        "state": CUED if shown.mode == SILENT and deck.cued else shown.mode,
        "position": None,
    }
    if program is not None:
        told |= {"id": program.id, "take": program.take, "role": program.role}
        told |= {"position": round(shown.position / deck.rate, 6)}
        told |= {"seconds": program.frames / program.rate}
        told |= {"source_position": round(shown.position / deck.rate + program.origin_s, 6)}
        told |= {"loop": [f / program.rate for f in program.loop]}
        told |= {"launched": shown.launched, "song_beat": shown.beat}
    return told
