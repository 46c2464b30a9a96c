"""How the player is, as `/punchin/player` tells it.

Threads: any; numbers are read while audio threads count on.
"""

from __future__ import annotations

from typing import Any

from daemon.player.deck import Deck
from daemon.player.rack import Bay, Rack
from daemon.player.shown import CUED, PLAYING, SILENT, WAITING


def of(rack: Rack) -> dict[str, Any]:
    """Return what sounds on the leading output, and every output, the leading one first."""
    leading = _leading(rack)
    bays = sorted(rack.bays.items(), key=lambda row: row[1] is not leading)
    outputs = [{"name": name, **bay.keeper.health()} for name, bay in bays]
    return {
        **(_of_bay(leading) if leading else _owed(rack)),
        "underruns": sum(row["underruns"] for row in outputs),
        "outputs": outputs,
    }


def _owed(rack: Rack) -> dict[str, Any]:
    """Return what a player plays once the device is there that it has not had yet."""
    told = next((bay.told for bay in rack.bays.values() if bay.told), None)
    if told is None:
        return {}
    what = {name: told[name] for name in ("id", "take", "role")}
    return {"state": WAITING, **what, "position": round(told["start"] / told["rate"], 6)}


def where(rack: Rack) -> dict[str, Any] | None:
    """Return what the leading output plays and where it is; None while there is no output."""
    leading = _leading(rack)
    return _place_of_bay(leading) if leading else None


def _leading(rack: Rack) -> Bay | None:
    """Return the output that others are told of: one that sounds before one whose device is away.

    What was asked of a deck whose device is away it has not heard of, so there `told` counts.
    """
    bays = [bay for bay in rack.bays.values() if bay.deck]
    ranked = (
        [bay for bay in bays if _here(bay) and _active(bay)],
        [bay for bay in bays if bay.told and _active(bay)],
        [bay for bay in bays if _here(bay)],
        bays,
    )
    return next((bay for rank in ranked for bay in rank), None)


def _here(bay: Bay) -> bool:
    return bay.keeper.state.name == "open"


def _active(bay: Bay) -> bool:
    return bay.deck is not None and (bay.deck.mode != SILENT or bay.deck.cued)


def _of_bay(bay: Bay) -> dict[str, Any]:
    assert bay.deck is not None
    told = of_deck(bay.deck) | _place_of_bay(bay)
    return told if _here(bay) else told | {"level": None, "true_peak": None}


def _place_of_bay(bay: Bay) -> dict[str, Any]:
    """Return where an output is; what plays on a device that is away waits for it."""
    assert bay.deck is not None
    told = place(bay.deck)
    if _here(bay):
        return told
    if bay.told is None:
        return {**dict.fromkeys(told), "state": SILENT}
    return told | {"state": WAITING if told["state"] == PLAYING else told["state"]}


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
