"""A plan as a standard MIDI file, format 1, that a DAW drops in at the clip's first sample.

Tick 0 is the first sample of the clip (or of the new material before it); 480 ticks a quarter.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from daemon.audio.grid import Grid
from daemon.engines.sketch.listen.names import parse_key, uses_flats
from daemon.engines.sketch.plan.instruments import GM_PROGRAMS, is_drums
from daemon.engines.sketch.plan.types import Part, Plan

PPQ = 480
_DRUM_CHANNEL = 9
_RAMP_STEP_S = 0.25  # MIDI has no tempo ramps: they are written as steps of this length
_NOTES_PER_CHECK = 256
_EVENTS_PER_CHECK = 2048
_FLAT_NAMES = {"A#": "Bb", "D#": "Eb", "G#": "Ab", "C#": "Db"}
_FIFTHS = (
    "Fb", "Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#",
    "D#", "A#",
)  # fmt: skip

# Kinds of meta events, and status bytes (Standard MIDI Files 1.0, MMA 1996).
_NAME, _MARKER, _TEMPO, _METRE, _KEY, _END = 0x03, 0x06, 0x51, 0x58, 0x59, 0x2F
_NOTE_OFF, _NOTE_ON, _CONTROL, _PROGRAM, _PAN = 0x80, 0x90, 0xB0, 0xC0, 10

Timed = list[tuple[int, int, bytes]]
Check = Callable[[], None]


def plan_midi(plan: Plan, check: Check = lambda: None) -> bytes:
    """Return the bytes of a MIDI file with one conductor track and one track a part.

    `check` is called on the way.
    """
    origin = plan.grid.quarter_at(min(0.0, plan.start_s))
    tracks = [_track(_conductor(plan, origin), check)]
    channels = [c for c in range(16) if c != _DRUM_CHANNEL]
    for i, part in enumerate(plan.parts):
        channel = _DRUM_CHANNEL if is_drums(part.instrument) else channels[i % 15]
        tracks.append(_track(_player(plan, part, channel, origin, check), check))
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), PPQ) + b"".join(tracks)


def _conductor(plan: Plan, origin: float) -> Timed:
    events: Timed = [
        (0, 0, _text(_NAME, f"Punchin {plan.style}")),
        (0, 0, _meta(_KEY, _signature(plan.key))),
    ]
    for second, beats, unit in _metres(plan):
        metre = bytes((beats, unit.bit_length() - 1, 24, 8))
        events.append((_tick(plan.grid.quarter_at(second), origin), 0, _meta(_METRE, metre)))
    for second in _tempo_times(plan.grid, min(0.0, plan.start_s), plan.end_s):
        tempo = min(0xFFFFFF, round(60e6 / plan.grid.tempo_at(second)))
        message = _meta(_TEMPO, tempo.to_bytes(3, "big"))
        events.append((_tick(plan.grid.quarter_at(second), origin), 0, message))
    for section in plan.sections:
        message = _text(_MARKER, section.kind)
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


def _player(plan: Plan, part: Part, channel: int, origin: float, check: Check) -> Timed:
    events: Timed = [(0, 0, _text(_NAME, part.name))]
    program = GM_PROGRAMS.get(part.instrument)
    if program is not None:
        events.append((0, 0, bytes((_PROGRAM | channel, program))))
    events.append((0, 0, bytes((_CONTROL | channel, _PAN, round(64 + 63 * part.pan)))))
    for i, note in enumerate(part.notes):
        if i % _NOTES_PER_CHECK == 0:
            check()
        start_s = plan.onset_s(note)
        start = _tick(plan.grid.quarter_at(start_s), origin)
        end = _tick(plan.grid.quarter_at(start_s + plan.length_of(note)), origin)
        events.append((start, 2, bytes((_NOTE_ON | channel, note.midi, note.velocity))))
        # A note that ends on a tick goes before one that begins there.
        events.append((max(end, start + 1), 1, bytes((_NOTE_OFF | channel, note.midi, 0))))
    return events


def _tick(quarter: float, origin: float) -> int:
    return max(0, round((quarter - origin) * PPQ))


def _signature(key: str) -> bytes:
    """Return the sharps of a key (flats are negative) and whether it is minor."""
    _, is_minor = parse_key(key)
    name = key.split()[0]
    if uses_flats(key):
        name = _FLAT_NAMES.get(name, name)
    sharps = _FIFTHS.index(name) - _FIFTHS.index("A" if is_minor else "C")
    sharps -= 12 if sharps > 7 else 0
    return struct.pack("bb", sharps, is_minor)


def _text(kind: int, text: str) -> bytes:
    return _meta(kind, text.encode("utf-8"))


def _meta(kind: int, data: bytes) -> bytes:
    return bytes((0xFF, kind)) + _length(len(data)) + data


def _length(value: int) -> bytes:
    """Return a variable-length quantity: seven bits a byte, the highest bit on all but the last."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def _track(events: Timed, check: Check) -> bytes:
    body = b"".join(_deltas(events, check)) + b"\0" + _meta(_END, b"")
    return b"MTrk" + struct.pack(">I", len(body)) + body


def _deltas(events: Timed, check: Check) -> Iterator[bytes]:
    now = 0
    for i, (tick, _, message) in enumerate(sorted(events, key=lambda e: e[:2])):
        if i % _EVENTS_PER_CHECK == 0:
            check()
        yield _length(tick - now) + message
        now = tick
