"""The instruments that the protocol names, and the tracks that the model knows.

The model knows twelve tracks; the protocol has two names more. A `pad` is what the model calls
`synth`; `other` is no instrument.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.protocol.limits import track_among
from daemon.engines.acestep.limits import LIMITS
from daemon.engines.acestep.text.prompt import CALLED

SUNG = ("vocals", "backing_vocals")
BAND = ("drums", "bass", "guitar", "keyboard")
"""What accompanies a vocal where nobody says."""


def track_of(stem: str) -> str:
    """Return the model's name for a stem of the protocol. Raises 301 for what it does not know."""
    known = track_among(stem, LIMITS.tracks)
    return CALLED.get(known, known)


def asked_stems(told: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names in the key `stems`, each once, in their order."""
    names = told.split(",") if isinstance(told, str) else told
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
