"""Punchin inside Ableton Live 11.3 and later: a Remote Script (MIDI control surface).

Live calls `create_instance` when the script is chosen under Settings > Link, Tempo & MIDI. All work
is done in Live's main thread, in ticks of 100 ms; nothing here blocks and nothing starts a thread.
"""

from __future__ import annotations

from typing import Any


def create_instance(c_instance: Any) -> Any:
    """Return the control surface; Live calls this once for each set that it opens."""
    from .surface import make

    return make(c_instance)
