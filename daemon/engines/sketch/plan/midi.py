"""A plan as a standard MIDI file, format 1, that a DAW drops in at the clip's first sample.

Tick 0 is the first sample of the clip (or of the new material before it); 480 ticks a quarter.
"""

from __future__ import annotations

import io

import mido

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.names import parse_key, uses_flats
from daemon.engines.sketch.plan.instruments import GM_PROGRAMS, is_drums
from daemon.engines.sketch.plan.types import Part, Plan

PPQ = 480
_DRUM_CHANNEL = 9
_RAMP_STEP_S = 0.25  # MIDI has no tempo ramps: they are written as steps of this length
_FLAT_NAMES = {"A#": "Bb", "D#": "Eb", "G#": "Ab", "C#": "Db"}

Timed = list[tuple[int, int, mido.Message | mido.MetaMessage]]


def plan_midi(plan: Plan) -> bytes:
    """Return the bytes of a MIDI file with one conductor track and one track a part."""
    score = mido.MidiFile(type=1, ticks_per_beat=PPQ, charset="utf-8")
    origin = plan.grid.quarter_at(min(0.0, plan.start_s))
    score.tracks.append(_track(_conductor(plan, origin)))
    channels = [c for c in range(16) if c != _DRUM_CHANNEL]
    for i, part in enumerate(plan.parts):
        channel = _DRUM_CHANNEL if is_drums(part.instrument) else channels[i % 15]
        score.tracks.append(_track(_player(plan, part, channel, origin)))
    out = io.BytesIO()
    score.save(file=out)
    return out.getvalue()


def _conductor(plan: Plan, origin: float) -> Timed:
    events: Timed = [
        (0, 0, mido.MetaMessage("track_name", name=f"Punchin {plan.style}")),
        (0, 0, mido.MetaMessage("key_signature", key=_signature(plan.key))),
    ]
    for second, beats, unit in _metres(plan):
        message = mido.MetaMessage("time_signature", numerator=beats, denominator=unit)
        events.append((_tick(plan.grid.quarter_at(second), origin), 0, message))
    for second in _tempo_times(plan.grid, min(0.0, plan.start_s), plan.end_s):
        tempo = min(0xFFFFFF, round(60e6 / plan.grid.tempo_at(second)))
        message = mido.MetaMessage("set_tempo", tempo=tempo)
        events.append((_tick(plan.grid.quarter_at(second), origin), 0, message))
    for section in plan.sections:
        message = mido.MetaMessage("marker", text=section.kind)
        events.append((_tick(section.start_quarter, origin), 1, message))
    return events


def _metres(plan: Plan) -> list[tuple[float, int, int]]:
    """Seconds and metre at the start and wherever the metre changes."""
    start = min(0.0, plan.start_s)
    found = [(start, *plan.grid.metre_at(start))]
    for point in plan.grid.points:
        metre = (point.beats, point.unit)
        if start < point.second < plan.end_s and metre != found[-1][1:]:
            found.append((point.second, *metre))
    return found


def _tempo_times(grid: Grid, start_s: float, end_s: float) -> list[float]:
    times = [start_s]
    for i, point in enumerate(grid.points):
        if start_s < point.second < end_s:
            times.append(point.second)
        if point.ramp and i + 1 < len(grid.points):
            step = max(start_s, point.second) + _RAMP_STEP_S
            while step < min(end_s, grid.points[i + 1].second):
                times.append(step)
                step += _RAMP_STEP_S
    return sorted(set(times))


def _player(plan: Plan, part: Part, channel: int, origin: float) -> Timed:
    events: Timed = [(0, 0, mido.MetaMessage("track_name", name=part.name))]
    program = GM_PROGRAMS.get(part.instrument)
    if program is not None:
        events.append((0, 0, mido.Message("program_change", channel=channel, program=program)))
    pan = round(64 + 63 * part.pan)
    events.append((0, 0, mido.Message("control_change", channel=channel, control=10, value=pan)))
    for note in part.notes:
        start_s = plan.onset_s(note)
        start = _tick(plan.grid.quarter_at(start_s), origin)
        end = _tick(plan.grid.quarter_at(start_s + plan.length_of(note)), origin)
        on = mido.Message("note_on", channel=channel, note=note.midi, velocity=note.velocity)
        off = mido.Message("note_off", channel=channel, note=note.midi, velocity=0)
        # A note that ends on a tick goes before one that begins there.
        events += [(start, 2, on), (max(end, start + 1), 1, off)]
    return events


def _tick(quarter: float, origin: float) -> int:
    return max(0, round((quarter - origin) * PPQ))


def _signature(key: str) -> str:
    _, is_minor = parse_key(key)
    name = key.split()[0]
    if uses_flats(key):
        name = _FLAT_NAMES.get(name, name)
    return name + "m" if is_minor else name


def _track(events: Timed) -> mido.MidiTrack:
    track = mido.MidiTrack()
    now = 0
    for tick, _, message in sorted(events, key=lambda e: (e[0], e[1])):
        message.time = tick - now
        track.append(message)
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=0))
    return track
