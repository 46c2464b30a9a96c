"""How the player is, as `/punchin/player` tells it.

Threads: any; numbers are read while audio threads count on.
"""

from __future__ import annotations

from typing import Any

from daemon.player.deck import CUED, SILENT, Deck
from daemon.player.rack import Rack


def of(rack: Rack) -> dict[str, Any]:
    """Return what sounds, with the first output in use as the leading one, and every output."""
    outputs = [{"name": name, **bay.keeper.health()} for name, bay in rack.bays.items()]
    decks = [bay.deck for bay in rack.bays.values() if bay.deck]
    playing = [d for d in decks if d.mode != SILENT]
    leading = next(iter([*playing, *decks]), None)
    return {
        **(of_deck(leading) if leading else {}),
        "underruns": sum(row["underruns"] for row in outputs),
        "outputs": outputs,
    }


def of_deck(deck: Deck) -> dict[str, Any]:
    """Return what a deck plays. Times are seconds of the result."""
    mode, program, position = deck.shown
    level = deck.meter.read()
    told: dict[str, Any] = {
        "state": CUED if mode == SILENT and deck.cued else mode,
        "level": level["rms_db"],
        "true_peak": level["true_peak_db"],
        "waits": deck.waits,
        "waited_s": round(deck.waited_frames / deck.rate, 4),
        "loops": deck.loops,
        "looping": deck.looping,
        "position": None,
    }
    if program is not None:
        told |= {"id": program.id, "take": program.take, "role": program.role}
        told |= {"position": round(position / deck.rate, 6)}
        told |= {"seconds": program.frames / program.rate}
        told |= {"source_position": round(position / deck.rate + program.origin_s, 6)}
        told |= {"loop": [f / program.rate for f in program.loop]}
    return told
