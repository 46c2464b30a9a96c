"""What stays of a clip after listening, so that bars can be compared without hearing it again."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.engines.sketch.listen.onsets import Onsets
from daemon.engines.sketch.listen.tonal import Tones


@dataclass(frozen=True)
class Trace:
    """Onsets and notes of a whole clip; some 6 MB for 10 minutes."""

    onsets: Onsets
    tones: Tones
