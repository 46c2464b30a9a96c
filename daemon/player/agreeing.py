"""What several decks that make one change keep to, so that they make it on the same bar.

Outputs are asked for their samples a different time ahead of when they are heard, so the bar that
one of them can still reach another one has rendered already.
"""

from __future__ import annotations

from collections.abc import Iterable

from daemon.player.cue import ALONE, Agreed
from daemon.player.deck import Deck
from daemon.player.fades import FADE_S
from daemon.player.transport import Line

_MARGIN_S = 0.020  # until all of them have heard of it


def agreed(decks: Iterable[Deck], when: str, line: Line) -> Agreed:
    """Return the time from which on all decks can make a change, and the song's beat for it.

    `when` is `now`, `beat` or `bar`. A deck that has its device but has played nothing yet is left
    out, as nobody knows how far ahead it is.
    """
    soonest = [_soonest_s(deck) for deck in decks]
    known = [time_s for time_s in soonest if time_s is not None]
    if len(known) < 2:
        return ALONE
    from_s = max(known) + _MARGIN_S
    return Agreed(from_s, line.next(when, from_s))


def _soonest_s(deck: Deck) -> float | None:
    """Return when a change is heard that the deck is told of now; blocks come one at a time."""
    shown = deck.shown
    block_s = shown.frames / deck.rate
    return None if shown.heard_s is None else shown.heard_s + block_s + 2 * FADE_S
