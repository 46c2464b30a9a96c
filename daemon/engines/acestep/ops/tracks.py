"""The instruments that the protocol names, and the tracks that the model knows.

The model knows twelve tracks; the protocol has two names more. A `pad` is what the model calls
`synth`; `other` is no instrument.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.protocol.errors import error
from daemon.engines.acestep.text.prompt import TRACKS

_CALLED = {"pad": "synth"}
SUNG = ("vocals", "backing_vocals")
BAND = ("drums", "bass", "guitar", "keyboard")
"""What accompanies a vocal where nobody says."""


def track_of(stem: str) -> str:
    """Return the model's name for a stem of the protocol. Raises 301 for what it does not know."""
    track = _CALLED.get(stem, stem)
    if track not in TRACKS:
        raise error(301, f"the model has no track {stem}: name one of {', '.join(TRACKS)}")
    return track


def asked_stems(told: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names in the key `stems`, each once, in their order."""
    names = told.split(",") if isinstance(told, str) else told
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
