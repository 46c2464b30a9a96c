"""Which sound bank plays: the built-in voices, or the musician's own SoundFont first."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from bridge.protocol.errors import PunchinError
from daemon.engines.sketch.render.bank import Bank

SOUNDFONT = "PUNCHIN_ENGINE_SOUNDFONT"
"""The environment variable that names the SoundFont; the daemon sets it from its settings."""


class MuteBank(Bank):
    """Stands for a SoundFont that can't be used: no job that makes sound begins with it."""

    def __init__(self, reason: PunchinError) -> None:
        super().__init__()
        self._reason = reason

    def begin(self, check: Callable[[], None]) -> None:
        """Raise what is wrong with the SoundFont."""
        raise self._reason


def open_bank(soundfont: Path | None = None) -> Bank:
    """Return the bank that plays; `soundfont` is by default the one the environment names.

    One that can't be used stops the jobs that make sound, and no other.
    """
    told = os.environ.get(SOUNDFONT, "")
    path = soundfont or (Path(told).expanduser() if told else None)
    if path is None:
        return Bank()
    from daemon.engines.sketch.soundfont.bank import FontBank

    try:
        bank = FontBank(path)
        bank.player.plays("drums-acoustic")  # a kit that can't be read is known at once
    except PunchinError as reason:
        return MuteBank(reason)
    return bank
