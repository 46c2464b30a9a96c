"""The ear of the sketch engine: tempo, bars, key, chords, melody and kind of a clip."""

from daemon.engines.sketch.listen.ear import chords, find_grid, key, listen, melody
from daemon.engines.sketch.listen.gathering import Gathered, gather
from daemon.engines.sketch.listen.report import analysis_dict
from daemon.engines.sketch.listen.types import ChordSpan, Kind, Listening, Note, Section

__all__ = [
    "ChordSpan",
    "Gathered",
    "Kind",
    "Listening",
    "Note",
    "Section",
    "analysis_dict",
    "chords",
    "find_grid",
    "gather",
    "key",
    "listen",
    "melody",
]
