"""What may stand in a plan that someone wrote or edited: ranges and known names."""

from __future__ import annotations

import math
from collections.abc import Iterator

from daemon.engines.sketch.listen.names import parse_chord, parse_key
from daemon.engines.sketch.plan.instruments import DRUM_KEYS, GM_PROGRAMS, is_drums
from daemon.engines.sketch.plan.types import STEM_KINDS, Part, Plan, PlanNote

MOST_NOTES = 200_000
LONGEST_S = 4 * 3600.0
_FARTHEST_QUARTER = 1e6
_DRUMS = frozenset(DRUM_KEYS.values())


def faults(plan: Plan) -> Iterator[str]:
    """Yield what can't be played in `plan`, as sentences without a full stop."""
    parse_key(plan.key)
    if not _finite(plan.start_s, LONGEST_S) or not 0 < plan.length_s <= LONGEST_S:
        yield "its start or length is out of range"
    for chord in plan.chords:
        parse_chord(chord.name)
        if not chord.start_quarter < chord.end_quarter:
            yield f"the chord {chord.name} at {chord.start_quarter:g} ends before it begins"
    mix = plan.mix
    if not (-70 <= mix.loudness_lufs <= 0 and -40 <= mix.ceiling_dbtp <= 0):
        yield "the loudness or the ceiling of its mix is out of range"
    if not (0.05 <= mix.room_s <= 10 and 200 <= mix.room_tone_hz <= 20000):
        yield "the room of its mix is out of range"
    if not (0 <= mix.fade_in_s <= LONGEST_S and 0 <= mix.fade_out_s <= LONGEST_S):
        yield "the fades of its mix are out of range"
    if not plan.parts:
        yield "it has no parts, put one back under `parts`"
    if sum(len(part.notes) for part in plan.parts) > MOST_NOTES:
        yield f"it has more than {MOST_NOTES} notes"
    for part in plan.parts:
        yield from _part_faults(part)


def _part_faults(part: Part) -> Iterator[str]:
    kind, _, turn = part.stem.partition("-")
    if kind not in STEM_KINDS or (turn and not turn.isdigit()):
        yield f"the part {part.name} has the unknown stem {part.stem}"
    if part.instrument not in GM_PROGRAMS:
        yield f"the part {part.name} has the unknown instrument {part.instrument}"
    levels = (part.gain_db, part.send_db, part.duck_db)
    if not -1 <= part.pan <= 1 or not all(_finite(level, 120) for level in levels):
        yield f"gain, pan, send or duck of the part {part.name} is out of range"
    keys = _DRUMS if is_drums(part.instrument) else range(12, 121)
    wrong = next((note for note in part.notes if not _playable(note, keys)), None)
    if wrong is not None:
        yield f"the part {part.name} has a note that can't be played at {wrong.start_quarter:g}"


def _playable(note: PlanNote, keys: range | frozenset[int]) -> bool:
    return (
        _finite(note.start_quarter, _FARTHEST_QUARTER)
        and 0 < note.length_quarters <= _FARTHEST_QUARTER
        and note.midi in keys
        and 1 <= note.velocity <= 127
        and _finite(note.offset_s, 10.0)
        and note.articulation in ("", "ghost", "roll", "up")
    )


def _finite(value: float, limit: float) -> bool:
    return math.isfinite(value) and abs(value) <= limit
