"""What the engine refuses of values that the protocol allows; see `bridge.protocol.limits`."""

from __future__ import annotations

from bridge.protocol.limits import Limits
from bridge.protocol.ops import STEMS
from daemon.engines.acestep.dit.windows import LONGEST_S
from daemon.engines.acestep.parts import FRAMES_PER_S, GRAIN
from daemon.engines.acestep.text.lyrics import LYRICS_CHARACTERS
from daemon.engines.acestep.text.prompt import CALLED, LANGUAGES, TRACKS

ONE_PASSAGE_S = LONGEST_S - GRAIN / FRAMES_PER_S
"""A clip of up to this length is made in one passage."""

LIMITS = Limits(
    languages=LANGUAGES,
    lyrics_characters=LYRICS_CHARACTERS,
    shared_s=dict.fromkeys(("bgm", "layer", "retake"), ONE_PASSAGE_S),
    longest_s={"generate": 600.0},
    some_strength=("repaint", "retake"),
    loras=True,
    tracks=tuple(stem for stem in STEMS if CALLED.get(stem, stem) in TRACKS),
)
