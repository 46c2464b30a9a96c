"""What is odd about maps that are right by themselves: layers that nothing switches, and the like.

Maps that are loaded together share their layers: a pad of one may hold the shift of another.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence

from bridge.midi.maps import Control, Map
from bridge.protocol.errors import PunchinError, error


def notes(maps: Sequence[Map]) -> list[PunchinError]:
    """Return a note, numbered 101, for every layer that is only one half of what a shift needs."""
    layers, shifts = _named(maps, lambda c: c.layer), _named(maps, lambda c: c.shift)
    never = [
        error(101, f"{_whose(found)}: no control switches the layer {layer!r} on, so what is in it "
              f"never acts: {_instead(layer, shifts)}give a control shift = {layer!r}")
        for layer, found in layers.items() if layer not in shifts
    ]  # fmt: skip
    empty = [
        error(101, f"{_whose(found)}: nothing is in the layer {layer!r} that it switches on: "
              f"{_instead(layer, layers)}give a control layer = {layer!r}")
        for layer, found in shifts.items() if layer not in layers
    ]  # fmt: skip
    return never + empty


Found = list[tuple[Map, Control]]


def _named(maps: Sequence[Map], name_of: Callable[[Control], str]) -> dict[str, Found]:
    """Return the controls that name a layer, by that name."""
    found: dict[str, Found] = {}
    for one in maps:
        for control in one.controls:
            if name := name_of(control):
                found.setdefault(name, []).append((one, control))
    return found


def _whose(found: Found) -> str:
    one, control = found[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{one.name}: {control.name!r}{more}"


def _instead(layer: str, others: Iterable[str]) -> str:
    close = difflib.get_close_matches(layer, list(others), 1, 0.6)
    return f"is {close[0]!r} meant? Else " if close else ""
