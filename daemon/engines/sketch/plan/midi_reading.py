"""A standard MIDI file as a plan: tracks to parts, tempo map, metre.

Tick 0 is the clip's first sample, and a bar begins there. A file that `midi` wrote names its style:
its parts then sit in the mix as that style has them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import mido
import numpy as np

from bridge.protocol.errors import error
from daemon.audio.grid import Grid, TempoPoint
from daemon.engines.sketch.listen.keys import find_key
from daemon.engines.sketch.listen.names import key_name, parse_key
from daemon.engines.sketch.plan.bars import bars_between
from daemon.engines.sketch.plan.faults import LONGEST_S, MOST_NOTES
from daemon.engines.sketch.plan.gm import drum_of, instrument_of, names_drums, program_named
from daemon.engines.sketch.plan.styles import Style
from daemon.engines.sketch.plan.types import Mix, Part, Plan, PlanNote

DRUM_CHANNEL = 9
_PEDAL, _PAN = 64, 10
_OWN_MARK = "Punchin "
_DOWN = 64  # of a pedal
_MOST_BARS = 20_000
_OVERHANG = 0.125  # quarters that a last note may be held over a bar line
_MOMENT_S = 0.001
_CUT_S = 0.012
_LOWEST, _HIGHEST = 12, 120


@dataclass
class _Voice:
    """What one channel of one track plays, gathered as its messages pass."""

    name: str
    channel: int
    program: int | None = None
    pan: float | None = None
    pedal: bool = False
    held: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    let_go: list[int] = field(default_factory=list)
    notes: list[tuple[int, int, int, int]] = field(default_factory=list)  # start, end, key, level


def plan_from_midi(data: bytes, styles: Mapping[str, Style]) -> Plan:
    """Return the plan in the bytes of a MIDI file; error 101 if there is nothing to play in it."""
    if len(data) > 12 and data[12] & 0x80:
        raise error(101, "this MIDI file counts in SMPTE frames; export it with ticks a beat")
    try:
        score = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except Exception as reason:  # mido lets whatever a damaged file provokes pass
        why = "it ends too early" if isinstance(reason, EOFError) else reason or "it is damaged"
        raise error(
            101, f"this MIDI file can't be read ({why}); export it again as type 0 or 1"
        ) from None
    ppq = score.ticks_per_beat
    if score.type == 2 or not 1 <= ppq < 0x8000:
        raise error(101, "this MIDI file has no common beat; export it as type 0 or 1 with ticks")
    grid = _grid(score, ppq)
    name, key = _title(score)
    style = styles.get(name)
    voices = [voice for track in score.tracks for voice in _voices(track) if voice.notes]
    _share_programs(voices, score)
    if not voices or sum(len(v.notes) for v in voices) > MOST_NOTES:
        raise error(101, f"this MIDI file has no notes, or over {MOST_NOTES}; export the parts")
    key = key or _key_of(voices)
    end_s = _end_s(grid, max(end for v in voices for _, end, _, _ in v.notes) / ppq)
    mix = Mix(fade_out_s=_CUT_S)
    if style is not None:
        mix = Mix(room_s=style.room_s, room_tone_hz=style.room_tone_hz, fade_out_s=_CUT_S)
    parts = tuple(_parts(voices, style, ppq))
    if not parts:
        raise error(101, "no drum in this MIDI file is one of General MIDI; map them to its keys")
    return Plan(name, 0, key, grid, 0.0, end_s, parts=parts, mix=mix)


# -- time ------------------------------------------------------------------------------------------


def _end_s(grid: Grid, last_quarter: float) -> float:
    """Return the bar line after the last note; a note held just over a bar line begins no bar."""
    last_s = grid.second_at(last_quarter)
    shortest = min(point.bar_quarters for point in grid.points)
    if last_s > LONGEST_S or last_quarter > _MOST_BARS * shortest:
        raise error(
            101,
            f"this MIDI file goes on for over 4 hours or {_MOST_BARS:,} bars; export less of it",
        )
    bar = bars_between(grid, max(0.0, last_s - _MOMENT_S), last_s)[-1]
    over = last_quarter - bar.start
    return grid.second_at(bar.start if 0 < over <= _OVERHANG and bar.start > 0 else bar.end)


def _grid(score: mido.MidiFile, ppq: int) -> Grid:
    """Return tempo and metre; a file that says nothing is in 4/4 at 120."""
    changes: dict[int, tuple[float | None, tuple[int, int] | None]] = {0: (None, None)}
    for track in score.tracks:
        for tick, message in _timed(track):
            bpm, metre = changes.get(tick, (None, None))
            if message.type == "set_tempo" and message.tempo:
                changes[tick] = (_bpm(message.tempo), metre)
            elif message.type == "time_signature":
                changes[tick] = (bpm, (message.numerator, message.denominator))
    points: list[TempoPoint] = []
    second, last, bpm, metre = 0.0, 0, 120.0, (4, 4)
    for tick in sorted(changes):
        second += (tick - last) / ppq * 60 / bpm
        last = tick
        bpm, metre = changes[tick][0] or bpm, changes[tick][1] or metre
        point = TempoPoint(second, bpm, max(1, metre[0]), metre[1])
        if not points or (point.bpm, *_metre(point)) != (points[-1].bpm, *_metre(points[-1])):
            points.append(point)
    return Grid(tuple(points), 0.0)


def _bpm(microseconds: int) -> float:
    """Return the tempo of a quarter that long, a round one where it is written the same way."""
    bpm = 60e6 / microseconds
    near = round(bpm, 3)
    return near if near and round(60e6 / near) == microseconds else bpm


def _metre(point: TempoPoint) -> tuple[int, int]:
    return point.beats, point.unit


def _timed(track: mido.MidiTrack) -> Iterator[tuple[int, mido.Message]]:
    tick = 0
    for message in track:
        tick += message.time
        yield tick, message


def _title(score: mido.MidiFile) -> tuple[str, str]:
    """Return the style that a file of ours names (`midi` for others), its key or nothing."""
    title, key = "", ""
    for track in score.tracks:
        if track.name.startswith(_OWN_MARK):
            title = track.name.removeprefix(_OWN_MARK).strip()
        for message in track:
            if message.type == "key_signature":
                key = key_name(*parse_key(message.key))
    return title or "midi", key


def _key_of(voices: list[_Voice]) -> str:
    """Return the key that the time spent on each pitch class speaks for; of drums alone C major."""
    weights = np.zeros(12)
    for voice in voices:
        for start, end, key, _ in voice.notes if voice.channel != DRUM_CHANNEL else ():
            weights[key % 12] += end - start
    return find_key(weights)[0] or "C major"


# -- notes -----------------------------------------------------------------------------------------


def _voices(track: mido.MidiTrack) -> list[_Voice]:
    voices: dict[int, _Voice] = {}
    tick = 0
    for tick, message in _timed(track):
        if hasattr(message, "channel"):
            voice = voices.setdefault(message.channel, _Voice(track.name, message.channel))
            _take(voice, tick, message)
    for voice in voices.values():
        for key in list(voice.held):
            _release(voice, key, tick)
    return list(voices.values())


def _share_programs(voices: list[_Voice], score: mido.MidiFile) -> None:
    """Give voices without a program the last one that any track sets for their channel."""
    last = {m.channel: m.program for t in score.tracks for m in t if m.type == "program_change"}
    for voice in voices:
        if voice.program is None:
            voice.program = last.get(voice.channel)


def _take(voice: _Voice, tick: int, message: mido.Message) -> None:
    if message.type == "note_on" and message.velocity:
        if message.note in voice.let_go:
            voice.let_go.remove(message.note)
            _release(voice, message.note, tick)
        voice.held.setdefault(message.note, []).append((tick, message.velocity))
    elif message.type in ("note_on", "note_off"):
        if voice.pedal and voice.channel != DRUM_CHANNEL:
            voice.let_go.append(message.note)
        else:
            _release(voice, message.note, tick)
    elif message.type == "program_change" and not voice.notes:
        voice.program = message.program
    elif message.type == "control_change" and message.control == _PAN and voice.pan is None:
        voice.pan = max(-1.0, (message.value - 64) / 63)
    elif message.type == "control_change" and message.control == _PEDAL:
        _press(voice, tick, message.value >= _DOWN)


def _press(voice: _Voice, tick: int, down: bool) -> None:
    voice.pedal = down
    if not down:
        for key in voice.let_go:
            _release(voice, key, tick)
        voice.let_go.clear()


def _release(voice: _Voice, key: int, tick: int) -> None:
    for start, velocity in voice.held.pop(key, []):
        voice.notes.append((start, max(tick, start + 1), key, velocity))


# -- parts -----------------------------------------------------------------------------------------


def _parts(voices: list[_Voice], style: Style | None, ppq: int) -> Iterator[Part]:
    names: set[str] = set()
    stems: dict[str, int] = {}
    for voice in voices:
        part = _part(voice, style)
        turn = stems[part.stem] = stems.get(part.stem, 0) + 1
        stem = part.stem if turn == 1 else f"{part.stem.split('-')[0]}-{turn}"
        name = part.name
        while name in names:
            name += "'"
        names.add(name)
        pan = part.pan if voice.pan is None else round(voice.pan, 3)
        notes = tuple(_notes(voice, part.stem == "drums", ppq))
        if notes:
            yield Part(name, stem, part.instrument, part.gain_db, pan, part.send_db, part.duck_db,
                       notes)  # fmt: skip


def _part(voice: _Voice, style: Style | None) -> Part:
    """Return the part without its notes: as the style has it, else by program or name."""
    if voice.channel == DRUM_CHANNEL or (voice.program is None and names_drums(voice.name)):
        drums = style.drums if style else None
        if drums is None:
            return Part(voice.name or "drums", "drums", "drums-acoustic", -1.0, 0.0, -20.0)
        return Part(voice.name, "drums", drums.kit, drums.gain_db, 0.0, drums.send_db)
    program = program_named(voice.name) if voice.program is None else voice.program
    instrument, stem, gain_db = instrument_of(program)
    row = next((r for r in style.parts if r.name == voice.name), None) if style else None
    if row is None:
        return Part(voice.name or stem, stem, instrument, gain_db, 0.0, -18.0)
    return Part(row.name, row.stem, instrument, row.gain_db, row.pan, row.send_db, row.duck_db)


def _notes(voice: _Voice, drums: bool, ppq: int) -> Iterator[PlanNote]:
    for start, end, key, velocity in sorted(voice.notes):
        midi = drum_of(key) if drums else _within(key)
        if midi is not None:
            yield PlanNote(start / ppq, (end - start) / ppq, midi, velocity)


def _within(key: int) -> int:
    while key < _LOWEST:
        key += 12
    while key > _HIGHEST:
        key -= 12
    return key
