"""Where a new player goes on when the old one has died.

The old one told twice a second where it was. What kept to the song joins it again where it would be
by now; anything else goes on from the frame at which it fell silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_S = 1.0  # since the last word; a player that had hung for longer played no more


@dataclass(frozen=True)
class Seen:
    """What the player told of itself at `at_s` (`time.monotonic()`); see `daemon.player.state`."""

    at_s: float
    told: Mapping[str, Any]


@dataclass(frozen=True)
class Resume:
    """Play from frame `start` of an item: now, or, with `beat`, as if launched there and then."""

    start: int
    when: str = "now"
    beat: float | None = None


def of(
    item: Mapping[str, Any], seen: Seen, now_s: float, looping: bool, launch: str, same: bool
) -> Resume | None:
    """Return how an item goes on that was asked for at the launch grid `launch`.

    None when it had come to its end. `same`: it took over the position of what played before it.
    """
    told = seen.told
    if told["state"] == "stopped":
        return None
    names = ("id", "take", "role")
    if told["state"] == "cued" or not (same or all(told[n] == item[n] for n in names)):
        return Resume(item["start"], launch)
    position_s = told["source_position"] - item["origin_s"]
    if told["song_beat"] is not None:
        return Resume(round(position_s * item["rate"]), told["launched"], told["song_beat"])
    if told["state"] == "playing":
        position_s += min(max(0.0, now_s - seen.at_s), _LONGEST_S)
    start = max(0, round(position_s * item["rate"]))
    first, end = item["loop"]
    if looping and start >= end > first:
        start = first + (start - end) % (end - first)
    return Resume(start) if start < item["frames"] else None
