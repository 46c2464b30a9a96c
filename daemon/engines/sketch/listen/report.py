"""The answer to `analyze` as JSON-ready data (protocol, section 5)."""

from __future__ import annotations

import math
from typing import Any

from daemon.engines.sketch.listen.types import Listening


def analysis_dict(heard: Listening) -> dict[str, Any]:
    """Return the `analyze` result; all numbers are finite, times in seconds of the clip."""
    assert heard.loudness_lufs is not None
    beats, unit = heard.grid.metre_at(0.0)
    return {
        "bpm": _finite(heard.grid.tempo_at(0.0), 3),
        "tempo_confidence": _finite(heard.tempo_confidence, 3),
        "meter": f"{beats}/{unit}",
        "downbeats": [_finite(s, 4) for s in heard.grid.bar_lines(0.0, heard.length_s)],
        "downbeat_confidence": _finite(heard.downbeat_confidence, 3),
        "key": heard.key,
        "key_confidence": _finite(heard.key_confidence, 3),
        "relative_key": heard.relative_key,
        "chords": [
            {"start": _finite(c.start_s, 4), "end": _finite(c.end_s, 4), "name": c.name}
            for c in heard.chords
        ],
        "notes": [
            {
                "start": _finite(n.start_s, 4),
                "end": _finite(n.end_s, 4),
                "midi": _finite(n.midi, 2),
                "confidence": _finite(n.confidence, 3),
            }
            for n in heard.notes
        ],
        "loudness_lufs": _finite(heard.loudness_lufs, 2),
        "peak_dbfs": _finite(heard.peak_dbfs, 2),
        "voiced": _finite(heard.voiced, 3),
        "kind": heard.kind,
        "kind_confidence": _finite(heard.kind_confidence, 3),
        "has_drums": heard.has_drums,
        "onsets_per_beat": _finite(heard.onsets_per_beat, 2),
        "swing": _finite(heard.swing, 2),
        "sections": [
            {"start": _finite(s.start_s, 4), "end": _finite(s.end_s, 4), "label": s.label}
            for s in heard.sections
        ],
    }


def _finite(value: float, digits: int) -> float:
    return round(float(value), digits) if math.isfinite(value) else 0.0
