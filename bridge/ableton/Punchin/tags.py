"""The mark that a job carries, so that its result finds its way home.

    live:{set}:{track}:{clip}    clip is s3 (session slot 3, from 0), a16.5 (arrangement, at beat
                                 16.5), or - (no clip)

`set` and `track` are random names. They are written into the set (Live's `set_data`) with the first
job, so that looking at a set does not change it; where this Live can't, they hold until the set is
closed.
"""

from __future__ import annotations

import binascii
import os
import re
from typing import Any

from . import lom

KEY = "punchin-id"
FORM = re.compile(r"^live:([0-9a-f]{12}):([0-9a-f]{12}|-):(s\d+|a-?[\d.]+|-)$")


def build(set_id: str, track_id: str, clip: str) -> str:
    """Return the mark of a job."""
    return f"live:{set_id}:{track_id or '-'}:{clip or '-'}"


def read(tag: Any) -> tuple[str, str, str] | None:
    """Return set, track and clip of a mark, None for one that is not ours."""
    found = FORM.match(tag) if isinstance(tag, str) else None
    return (found[1], found[2], found[3]) if found else None


class Names:
    """The names of the set and of its tracks."""

    def __init__(self, song: Any) -> None:
        self._song = song
        self._unkept: list[tuple[Any, str]] = []
        self.set_id = self.of(song)

    def of(self, thing: Any) -> str:
        """Return the name of the set or of a track; it is given on first use."""
        known = self._known(thing)
        if known and not self._twin(thing, known):
            return known
        name = binascii.hexlify(os.urandom(6)).decode()
        self._unkept.append((thing, name))
        return name

    def keep(self, thing: Any) -> None:
        """Write the name of the set or of a track into the set."""
        name = self.of(thing)
        if _kept(thing) != name:
            try:
                thing.set_data(KEY, name)
            except lom.UNREADABLE:
                return

    def track(self, name: str) -> Any:
        """Return the track of that name, None where it is gone."""
        for track in lom.get(self._song, "tracks", ()):
            if self._known(track) == name:
                return track
        return None

    def _known(self, thing: Any) -> str:
        """Return a name that was given before; one given here wins over a twin's."""
        return next((n for t, n in self._unkept if t == thing), "") or _kept(thing)

    def _twin(self, thing: Any, name: str) -> bool:
        """Whether an earlier track has this name: a duplicated track brings its data along."""
        if thing == self._song:
            return False
        first = self.track(name)
        return first is not None and first != thing


def _kept(thing: Any) -> str:
    try:
        name = thing.get_data(KEY, "")
    except lom.UNREADABLE:
        return ""
    return name if isinstance(name, str) and re.match("^[0-9a-f]{12}$", name) else ""
