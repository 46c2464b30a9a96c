"""The musical grid of a clip, told in seconds of its source: tempo, metre, a bar line.

Tempo is in quarter notes a minute, as Live counts beats. A warped clip's tempo is that of its file,
from its warp markers; the tempo at which Live plays it has no part in it.
"""

from __future__ import annotations

import json
import math
from typing import Any

from . import lom
from .reading import Reading

SAME_BPM = 0.01  # markers set by ear or by analysis scatter about as much
NEAR = 1e-6


def metre_of(thing: Any) -> tuple[int, int]:
    """Return beats and unit of a song's or a clip's time signature."""
    beats = lom.number(thing, "signature_numerator", 4.0)
    unit = lom.number(thing, "signature_denominator", 4.0)
    return int(beats), int(unit)


def bar_beats(metre: tuple[int, int]) -> float:
    """Return the length of a bar in quarter notes."""
    return metre[0] * 4.0 / metre[1]


def of(song: Any, clip: Reading) -> dict[str, Any]:
    """Return the keys `meter`, and `bpm` and `downbeat`, or `tempomap` where the tempo changes."""
    in_slot = clip.scene is not None
    metre = metre_of(clip.clip if in_slot else song)
    line = _bar_line(clip, bar_beats(metre))
    meter = f"{metre[0]}/{metre[1]}"
    if clip.warp is None:
        bpm = lom.number(song, "tempo", 120.0) / clip.speed
        return {"bpm": bpm, "meter": meter, "downbeat": line}
    rows = _rows(clip, line, metre)
    tempi = [row[1] for row in rows]
    if max(tempi) - min(tempi) < SAME_BPM:
        bpm = clip.warp.bpm_at(clip.region[0])
        return {"bpm": bpm, "meter": meter, "downbeat": clip.warp.second_at(line)}
    return {"tempomap": json.dumps(rows)}


def _bar_line(clip: Reading, bar: float) -> float:
    """Return the last bar line at or before the region, as a position of the clip in its unit."""
    if clip.scene is None:
        # The arrangement's bars; its metre is taken to be the same throughout.
        return clip.region[0] - ((clip.region_beat + NEAR) % bar - NEAR) * clip.per_beat
    # A clip in a slot is launched on a bar; a warped one has bars of its own from beat 0.
    first, step = (0.0 if clip.warp else clip.start), bar * clip.per_beat
    return first + math.floor((clip.region[0] - first) / step + NEAR) * step


def _rows(clip: Reading, line: float, metre: tuple[int, int]) -> list[list[float]]:
    """Return the tempo map from a bar line to the end of the region, a row a warp segment."""
    assert clip.warp is not None
    begins = [line, *(b for b, _ in clip.warp.pairs if line + NEAR < b < clip.region[1] - NEAR)]
    rows: list[list[float]] = []
    for beat in begins:
        bpm = clip.warp.bpm_at(beat)
        if not rows or abs(rows[-1][1] - bpm) >= SAME_BPM:
            rows.append([clip.warp.second_at(beat), bpm, *metre, 0])
    return rows
