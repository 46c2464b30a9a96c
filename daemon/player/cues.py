"""What is due on a deck, one change after the other: most often one, as a new one takes its place.

Where several decks have agreed on a change, some may have begun what another one still has before
it: that stays, so that all of them play the same.

Threads: `render`'s thread only, as in `Deck`; whether something is there may be asked by any.
"""

from __future__ import annotations

import math
from dataclasses import replace

from daemon.player.cue import Cue
from daemon.player.program import Program
from daemon.player.transport import Line


class Cues:
    """The changes that are due."""

    def __init__(self) -> None:
        self._queue: list[Cue] = []

    def __bool__(self) -> bool:
        return bool(self._queue)

    @property
    def first(self) -> Cue | None:
        """What is due next."""
        return self._queue[0] if self._queue else None

    def ask(self, new: Cue, line: Line) -> None:
        """Take a new change in."""
        self._queue = [*self._begun(new.from_s, line), new]

    def _begun(self, from_s: float, line: Line) -> list[Cue]:
        """Return what other decks may have begun before they agreed on a change `from_s` on."""
        begun: list[Cue] = []
        if from_s == -math.inf:
            return begun
        for cue in self._queue:
            known = bool(begun) or cue.armed
            late = cue.beat is not None and line.playing and line.time_of(cue.beat) >= from_s
            if late or not known:
                break
            begun.append(cue)
        return begun

    def due_before(self, frame: int) -> bool:
        """Whether a change is due before a frame of the deck."""
        first = self.first
        return first is not None and first.frame is not None and first.frame < frame

    def settle(self, cue: Cue) -> None:
        """Note when the next change is due."""
        self._queue[0] = cue

    def done(self) -> None:
        """Go on to the change after the next."""
        del self._queue[:1]

    def clear(self) -> None:
        """Forget them all."""
        self._queue = []

    def improve(self, program: Program) -> bool:
        """Take a better version of a programme that is due; False where none such is."""
        keys = [cue.program and cue.program.key for cue in self._queue]
        if program.key not in keys:
            return False
        at = keys.index(program.key)
        self._queue[at] = replace(self._queue[at], program=program)
        return True
