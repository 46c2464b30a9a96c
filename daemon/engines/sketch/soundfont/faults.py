"""What is told when a SoundFont can't be used."""

from __future__ import annotations

from pathlib import Path

from bridge.protocol.errors import PunchinError, error


def damaged(path: Path, what: str) -> PunchinError:
    """Return error 303: `what` is wrong with the file, and what to do about it."""
    mend = "set engine.soundfont to a sound .sf2 file, or to nothing for the built-in voices"
    return error(303, f"the SoundFont {path} {what}: {mend}")
