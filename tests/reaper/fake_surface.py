"""REAPER's OSC control surface: what it sends for a pattern file, packed as it packs.

Read from Cockos' published `csurf_osc.cpp` and `osc.cpp`: actions and their flags, the memory of
values that were sent (as 32-bit floats), one message alone or several in one bundle for at once,
packets of at most 1,024 bytes.
"""

from __future__ import annotations

import shlex
import struct

# The actions that this surface models; every other action of a file would be a surprise.
COUNTS = {
    f"DEVICE_{w}_COUNT"
    for w in ("TRACK", "SEND", "RECEIVE", "FX", "FX_PARAM", "FX_INST_PARAM", "MARKER", "REGION")
}
RAW = {"TIME", "TEMPO", "LOOP_START_TIME", "LOOP_END_TIME"}
SWITCHES = {"PLAY", "STOP", "PAUSE", "RECORD", "REPEAT", "METRONOME"}
FLAGS = "nfbtrsi"
MOST_BYTES = 1024


def patterns(text: str) -> dict[str, list[str]]:
    """Return the patterns of each action, flag first; raises ValueError where REAPER complains."""
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = shlex.split(line, comments=True)
        if len(words) < 2:
            continue
        action, *rest = words
        if action in COUNTS and rest[0].isdigit():
            continue
        if action not in RAW | SWITCHES:
            raise ValueError(f"unknown action {action} on line {number}")
        for pattern in rest:
            if pattern[0] not in FLAGS or pattern[1] != "/" or len(pattern) > 512:
                raise ValueError(f"bad pattern {pattern} on line {number}")
        found.setdefault(action, []).extend(rest)
    return found


class Surface:
    """One control surface; `take` returns the packets that its thread would send now."""

    def __init__(self, text: str) -> None:
        self.patterns = patterns(text)
        self._sent: dict[str, bytes] = {}
        self._queue: list[bytes] = []
        self._position = 0.0

    def start(self, bpm: float) -> None:
        """What every surface is told when REAPER opens it."""
        self.play(False)
        self._tell("TEMPO", bpm)

    def play(self, runs: bool) -> None:
        self._tell("STOP", not runs)
        self._tell("PAUSE", False)
        self._tell("PLAY", runs)

    def tempo(self, bpm: float) -> None:
        self._tell("TEMPO", bpm)

    def tick(self, position: float, loop: tuple[float, float]) -> None:
        """One of the surface's regular updates."""
        if position != self._position:
            self._position = position
            self._tell("TIME", position)
        self._tell("LOOP_START_TIME", loop[0])
        self._tell("LOOP_END_TIME", loop[1])

    def take(self) -> list[bytes]:
        packets, held = [], []
        for message in self._queue:
            size = 16 + sum(4 + len(m) for m in [*held, message])
            if held and size > MOST_BYTES:
                packets.append(_packed(held))
                held = []
            held.append(message)
        self._queue = []
        return [*packets, _packed(held)] if held else packets

    def _tell(self, action: str, value: float) -> None:
        for pattern in self.patterns.get(action, []):
            flag, address = pattern[0], pattern[1:]
            # Switches have no raw value, raw values here no normalised one that tests would need.
            if flag not in ("bt" if action in SWITCHES else "f"):
                continue
            coded = struct.pack(">f", value)
            if self._sent.get(address) != coded:
                self._sent[address] = coded
                self._queue.append(_text(address) + _text(",f") + coded)


def _text(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return raw + b"\0" * (-len(raw) % 4)


def _packed(messages: list[bytes]) -> bytes:
    if len(messages) == 1:
        return messages[0]
    body = b"".join(struct.pack(">i", len(m)) + m for m in messages)
    return b"#bundle\0" + struct.pack(">Q", 1) + body
