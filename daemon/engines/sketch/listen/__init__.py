"""The ear of the sketch engine: tempo, bars, key, chords, melody and kind of a clip."""

from daemon.engines.sketch.listen.types import ChordSpan, Kind, Listening, Note

__all__ = ["ChordSpan", "Kind", "Listening", "Note"]
