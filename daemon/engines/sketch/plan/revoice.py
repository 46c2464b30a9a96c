"""A plan whose chords were edited: every note over a changed chord moves to the new one.

Rhythm, strength, feel and any other edit of the notes stay. A struck chord is voiced again, close
to where it lay; a single note goes to the same step of the new chord (root to root, third to
third); a passing note stays while it suits the key and does not rub against the new chord. Notes
that sound across an edited chord's edge are cut there. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from daemon.engines.sketch.listen.names import parse_chord, scale_of
from daemon.engines.sketch.plan.harmony import tones_from_root
from daemon.engines.sketch.plan.instruments import is_drums
from daemon.engines.sketch.plan.types import Part, Plan, PlanChord, PlanNote
from daemon.engines.sketch.plan.voicing import voiced

_NEAR = 1e-6
_SHORTEST = 0.1  # quarters; no piece of a cut note is shorter
_REACH = 5  # semitones by which a chord may leave its place
_CHORD = 3  # notes that begin together are a chord from this many on


@dataclass(frozen=True)
class Edit:
    """A chord that was changed: what sounds now, and what the notes were written on (or `N`)."""

    now: PlanChord
    written_on: str


def edits(chords: Sequence[PlanChord], written_on: Sequence[str | None]) -> list[Edit]:
    """Return the changed ones among `chords`; None is a chord that was put in by hand.

    Its notes were most likely written on the chord before it. Where nothing is known of any chord,
    none counts as changed.
    """
    if all(name is None for name in written_on):
        return []
    changed, before = [], "N"
    for chord, name in zip(chords, written_on, strict=True):
        before = name or before
        as_written = name is not None and parse_chord(name) == parse_chord(chord.name)
        if chord.name != "N" and not as_written:
            changed.append(Edit(chord, before))
    return changed


def revoiced(plan: Plan, changed: Sequence[Edit]) -> Plan:
    """Return `plan` with the notes of all pitched parts moved to the changed chords."""
    if not changed:
        return plan
    parts = tuple(
        part if is_drums(part.instrument) else _moved(part, changed, plan.key)
        for part in plan.parts
    )
    return replace(plan, parts=parts)


def _moved(part: Part, changed: Sequence[Edit], key: str) -> Part:
    notes = list(part.notes)
    for edit in changed:
        notes = [piece for note in notes for piece in _cut(note, edit.now)]
        here = [note for note in notes if _inside(note, edit.now)]
        rest = [note for note in notes if not _inside(note, edit.now)]
        notes = rest + _onto(here, edit, key)
    ordered = sorted(notes, key=lambda n: (n.start_quarter, n.midi))
    return replace(part, notes=tuple(ordered))


def _inside(note: PlanNote, chord: PlanChord) -> bool:
    return chord.start_quarter - _NEAR <= note.start_quarter < chord.end_quarter - _NEAR


def _cut(note: PlanNote, chord: PlanChord) -> list[PlanNote]:
    """Cut a note at the edges of `chord` that it sounds across."""
    end = note.start_quarter + note.length_quarters
    edges = [
        edge
        for edge in (chord.start_quarter, chord.end_quarter)
        if note.start_quarter + _SHORTEST < edge < end - _SHORTEST
    ]
    starts, stops = [note.start_quarter, *edges], [*edges, end]
    return [
        replace(note, start_quarter=a, length_quarters=b - a) if edges else note
        for a, b in zip(starts, stops, strict=True)
    ]


def _onto(notes: Sequence[PlanNote], edit: Edit, key: str) -> list[PlanNote]:
    ordered = sorted(notes, key=lambda n: (n.start_quarter, n.midi))
    out: list[PlanNote] = []
    for _, group in groupby(ordered, key=lambda n: round(n.start_quarter / _NEAR)):
        stroke = list(group)
        if len(stroke) >= _CHORD:
            out += _struck(stroke, edit.now.name)
        else:
            out += [replace(n, midi=_step(n.midi, edit, key)) for n in stroke]
    return out


def _struck(stroke: Sequence[PlanNote], name: str) -> list[PlanNote]:
    """Voice a chord again where it lay, with as many notes as the new one needs."""
    pitches = [n.midi for n in stroke]
    bounds = (max(0, pitches[0] - _REACH), min(127, pitches[-1] + _REACH))
    colour = "power" if len({p % 12 for p in pitches}) == 2 else "triad"
    centre = sum(pitches) / len(pitches)
    new = voiced(name, pitches, bounds, len(pitches), colour, centre)
    return [replace(n, midi=p) for n, p in zip(stroke, new, strict=False)]


def _step(midi: int, edit: Edit, key: str) -> int:
    """Return where a single note goes."""
    new, old = tones_from_root(edit.now.name), tones_from_root(edit.written_on)
    if midi % 12 in old:
        place = old.index(midi % 12)
        return _nearest(midi, [new[place] if place < len(new) else new[0]])
    rubs = any((midi - tone) % 12 in (1, 11) for tone in new)
    if midi % 12 in new or (midi % 12 in scale_of(key) and not rubs):
        return midi
    return _nearest(midi, new)


def _nearest(midi: int, pitch_classes: Sequence[int]) -> int:
    around = range(max(0, midi - 6), min(127, midi + 6) + 1)
    fitting = [pitch for pitch in around if pitch % 12 in pitch_classes]
    return min(fitting, key=lambda pitch: (abs(pitch - midi), pitch), default=midi)
