"""The key `melody`: a line that somebody played, which the lead plays and the harmony follows.

Places are quarter notes; the line begins where what is made begins, and keeps its own timing and
strength. In a file with chords or several parts the line is the top of the part named lead or
melody, else of the highest one.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mido

from bridge.protocol.errors import error
from daemon.audio.grid import Grid
from daemon.engines.sketch.jobs.replaying import file_data, plan_from_data
from daemon.engines.sketch.listen.keys import melody_key
from daemon.engines.sketch.listen.types import Note
from daemon.engines.sketch.plan.arrange import Brief
from daemon.engines.sketch.plan.bars import bars_between
from daemon.engines.sketch.plan.harmonise import Sung, bridged, harmonise
from daemon.engines.sketch.plan.styles import PartStyle, Style
from daemon.engines.sketch.plan.types import Part

TUNE_PART = "melody"  # the part that plays a tune which the style has not written
VOICE = PartStyle(TUNE_PART, "synth", "lead", "lead-soft", ("x---",), (), (60, 84), gain_db=-3.0)
_MIDI_MARK = b"MThd"
_NAMES = ("lead", TUNE_PART)
_LEGATO = 0.25  # quarters that a note may reach into the next one of its line
_TOGETHER = 0.06  # quarters between the notes of one chord
_OVERHANG = 0.125  # quarters that a line may reach over a bar line without beginning that bar
_MOMENT = 1e-3


@dataclass(frozen=True)
class Line:
    """A played line: `notes` from its begin on, `quarters` long, in `key`, with its own `grid`."""

    name: str
    notes: tuple[Sung, ...]
    quarters: float
    key: str
    grid: Grid

    def note(self, player: str) -> str:
        """Return the sentence for the musician."""
        return f"The line {self.name} is played by the {player}, and the chords follow it."


def told_line(options: Mapping[str, Any], styles: Mapping[str, Style]) -> Line | None:
    """Return the line that `melody` names, None when it is not given.

    Raises 201 (unreadable) and 101 (no MIDI, no plan, or nothing to play in it).
    """
    if not options.get("melody"):
        return None
    path = Path(options["melody"])
    data = file_data(path)
    plan = plan_from_data(path, data, styles)
    pitched = [p for p in plan.parts if p.stem.split("-")[0] not in ("drums", "percussion")]
    if not any(part.notes for part in pitched):
        raise error(101, f"{path} has no notes with a pitch: play a line, or name another file")
    origin = plan.grid.quarter_at(plan.start_s)
    notes = tuple(
        replace(n, start=n.start - origin, end=n.end - origin)
        for n in _top(min(pitched, key=_rank))
    )
    whole = max(_told_quarters(data), plan.grid.quarter_at(plan.end_s))
    is_midi = data.startswith(_MIDI_MARK)
    key = _key_of(notes, plan.grid) or plan.key if is_midi else plan.key
    return Line(path.name, notes, _in_bars(plan.grid, whole) - origin, key, plan.grid)


def with_line(brief: Brief, line: Line | None, harmony_known: bool) -> Brief:
    """Return the brief with the line as the lead's tune; chords for it where none are known."""
    if line is None:
        return brief
    start, end = brief.start_quarter(), brief.grid.quarter_at(brief.end_s)
    moved = [replace(n, start=n.start + start, end=n.end + start) for n in line.notes]
    tune = [replace(n, end=min(n.end, end)) for n in moved if n.start < end - _MOMENT]
    brief = _heard(led(brief, tune))
    if harmony_known or not tune:
        return brief
    bars = brief.bars()
    bar_s = brief.grid.bars_length(brief.grid.second_at(bars[0].start), 1)
    chords = bridged(harmonise(tune, bars, brief.key, bar_s, brief.style.restless))
    return replace(brief, chords=tuple(chords))


def led(brief: Brief, tune: Sequence[Sung]) -> Brief:
    """Return the brief with a tune in front: as loud as the style's others, always there."""
    rows = [row for row in brief.style.parts if row.role != "lead"]
    lead = next((row for row in brief.style.parts if row.role == "lead"), VOICE)
    lead = replace(lead, name=TUNE_PART, level=0, gain_db=max(lead.gain_db, VOICE.gain_db))
    caption = replace(brief.caption, without=brief.caption.without - {_stem(lead)})
    style = replace(brief.style, parts=(*rows, lead))
    return replace(brief, style=style, caption=caption, tune=tuple(tune), lead=True)


def lead_of(brief: Brief) -> str:
    """Return the name of the instrument that plays the tune."""
    return _lead(brief).instrument.replace("-", " ")


def _heard(brief: Brief) -> Brief:
    """Return the brief with its lead among the players, whoever the prompt names besides."""
    only = brief.caption.only
    only = only | {_stem(_lead(brief))} if only else only
    return replace(brief, caption=replace(brief.caption, only=only))


def _lead(brief: Brief) -> PartStyle:
    return next(row for row in brief.style.parts if row.role == "lead")


def _stem(row: PartStyle) -> str:
    return row.stem.split("-")[0]


def _rank(part: Part) -> tuple[bool, float]:
    """Order parts: a lead first, then the highest."""
    mean = sum(n.midi for n in part.notes) / max(1, len(part.notes))
    return not (part.notes and part.name.lower() in _NAMES), -mean


def _top(part: Part) -> tuple[Sung, ...]:
    """Return the highest notes of a part as one line without overlaps."""
    line: list[Sung] = []
    for note in sorted(part.notes, key=lambda n: (n.start_quarter, -n.midi)):
        start = note.start_quarter
        new = Sung(start, start + note.length_quarters, note.midi, note.velocity)
        if line and line[-1].end > start:
            last = line[-1]
            is_chord = start - last.start < _TOGETHER
            is_below = new.midi < last.midi and last.end - start > _LEGATO
            if new.midi < last.midi and (is_chord or is_below):
                continue
            if is_chord:
                line.pop()
                new = replace(new, start=last.start)
            else:
                line[-1] = replace(last, end=start)
        line.append(new)
    return tuple(line)


def _key_of(notes: Sequence[Sung], grid: Grid) -> str | None:
    """Return the key of a line; what a MIDI file says of it is often only a default."""
    heard = [Note(grid.second_at(n.start), grid.second_at(n.end), n.midi, 1.0) for n in notes]
    return melody_key(heard, grid)[0]


def _told_quarters(data: bytes) -> float:
    """Return how long a MIDI file says that it is, in quarter notes; 0 for a plan."""
    if not data.startswith(_MIDI_MARK):
        return 0.0
    score = mido.MidiFile(file=io.BytesIO(data), clip=True)
    last = max(sum(message.time for message in track) for track in score.tracks)
    return float(last / score.ticks_per_beat)


def _in_bars(grid: Grid, quarters: float) -> float:
    """Return the bar line at which a line of that length ends."""
    last_s = grid.second_at(max(0.0, quarters - _OVERHANG))
    return bars_between(grid, last_s, last_s + _MOMENT)[-1].end
