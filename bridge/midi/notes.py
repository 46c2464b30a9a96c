"""Notes out: a MIDI file as timed messages, sent in time by an absolute clock.

Times are seconds from the file's first tick. Waiting sleeps until two milliseconds before a message
is due and looks at the clock from then on, so that what is late stays late once and adds up to
nothing.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bridge.midi.tempo_fit import TICKS_A_QUARTER
from bridge.protocol.errors import error

Timed = tuple[float, bytes]
_SLEEP_UNTIL_S = 0.002
_TICK, _START, _STOP = b"\xf8", b"\xfa", b"\xfc"
_ALL_NOTES_OFF, _ALL_SOUND_OFF = 123, 120


def opened(data: bytes) -> Any:
    """Return the bytes of a MIDI file as mido has them. Raises 201."""
    import mido

    try:
        score = mido.MidiFile(file=io.BytesIO(data), clip=True)
        if score.type == 2 or not 1 <= score.ticks_per_beat < 0x8000:
            raise ValueError("its tracks have no common beat")
    except Exception as e:  # mido lets whatever a damaged file provokes pass
        raise error(201, f"this MIDI file can't be read ({e}): export it as type 0 or 1") from None
    return score


def timed_notes(data: bytes) -> list[Timed]:
    """Return the channel messages in the bytes of a MIDI file. Raises 201."""
    now_s, found = 0.0, []
    for message in opened(data):
        now_s += message.time
        if not message.is_meta and message.type != "sysex":
            found.append((now_s, bytes(message.bytes())))
    return found


def clock_ticks(data: bytes, length_s: float) -> list[Timed]:
    """Return start, 24 ticks a quarter by the file's tempo, and stop."""
    score = opened(data)
    changes = [(0, 500_000)]  # 120 bpm until the file says otherwise
    for track in score.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "set_tempo" and message.tempo:
                changes.append((tick, message.tempo))
    changes.sort(key=lambda change: change[0])
    found, at_s, reached, tempo = [(0.0, _START)], 0.0, 0.0, changes[0][1]
    waiting = list(changes)
    step = score.ticks_per_beat / TICKS_A_QUARTER
    while at_s < length_s:
        while waiting and waiting[0][0] <= reached:
            tempo = waiting.pop(0)[1]
        found.append((at_s, _TICK))
        at_s += tempo * 1e-6 / TICKS_A_QUARTER
        reached += step
    return [*found, (at_s, _STOP)]


def send_in_time(
    messages: Sequence[Timed],
    send: Callable[[bytes], object],
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Send every message when it is due; return how late the latest was, in seconds.

    Whatever ends it early (Ctrl-C), no note is left hanging.
    """
    began_s, worst_s = clock(), 0.0
    try:
        for due_s, message in sorted(messages, key=lambda m: m[0]):
            while (left_s := began_s + due_s - clock()) > 0:
                if left_s > _SLEEP_UNTIL_S:
                    sleep(left_s - _SLEEP_UNTIL_S)
            send(message)
            worst_s = max(worst_s, clock() - began_s - due_s)
    finally:
        for message in silence(m for _, m in messages):
            send(message)
    return worst_s


def silence(messages: Iterable[bytes]) -> list[bytes]:
    """Return what silences every channel that `messages` use."""
    channels = sorted({m[0] & 0x0F for m in messages if m[0] < 0xF0})
    return [
        bytes((0xB0 | c, number, 0))
        for c in channels
        for number in (_ALL_NOTES_OFF, _ALL_SOUND_OFF)
    ]
