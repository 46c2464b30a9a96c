"""Recording notes as clients ask for it: a played line becomes the melody of what comes next.

`/punchin/capture` with the input `midi`, or `midi:` and a part of a port's name. Places are quarter
notes of the DAW's song, times seconds of `time.monotonic()`.

Threads: the control loop's thread only; files are written on another.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge.midi.played import Recorder, midi_file, new_file
from bridge.protocol.errors import PunchinError, error
from daemon.audio.grid import Grid
from daemon.core.bus import Bus, Listener
from daemon.core.context import Context
from daemon.core.durable import as_punchin, write_part
from daemon.core.ports import Files
from daemon.player.transport import JUST_STARTED_S, Line

INPUT = "midi"
_LOOK_S = 0.02
_STOOD_S = 0.1  # after a look that is so late, notes that came meanwhile are read first
_BPM = 120.0
_EARLY = 64
Refuse = Callable[[PunchinError], None]


@dataclass
class _Session:
    """One recording: of which ports, when it begins, who asked.

    `stood`: the song was not running when it was armed; `early` are notes that came meanwhile.
    """

    part: str
    when: str
    recorder: Recorder
    listener: Listener
    refuse: Refuse
    stood: bool = False
    early: deque[tuple[bytes, float]] = field(default_factory=lambda: deque(maxlen=_EARLY))


class NoteCaptures:
    """Records notes. `inputs()` names the open MIDI inputs, `song()` says where the DAW is."""

    def __init__(
        self,
        context: Context,
        bus: Bus,
        song: Callable[[], Line],
        files: Files,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._context, self._bus, self._song = context, bus, song
        self._files, self._folder = files, folder
        self._session: _Session | None = None
        self._looked_s = 0.0
        self._keeping: set[asyncio.Task[None]] = set()
        self.inputs: Callable[[], Sequence[str]] = tuple

    @property
    def state(self) -> str | None:
        """Return `armed` or `recording`, None where there is no recording."""
        if self._session is None:
            return None
        return "recording" if self._session.recorder.begun else "armed"

    async def begin(self, args: Mapping[str, Any], listener: Listener, refuse: Refuse) -> None:
        """Arm or begin a recording. Raises 101, 107, 403."""
        if self._session:
            raise error(101, "notes are being recorded: end that with /punchin/capture 0")
        part = args["input"].removeprefix(INPUT).removeprefix(":").strip()
        if not any(part.lower() in name.lower() for name in self.inputs()):
            named = f" named like {part!r}" if part else ""
            raise error(403, f"no MIDI input{named} is open: name it in midi.input")
        when, line = args.get("when", "now"), self._song()
        recorder = Recorder(
            self._beat, line.bar_beats, self._bpm(line), bar_beat=line.bar_beat,
            length=args["bars"] * line.bar_beats if "bars" in args else None,
        )  # fmt: skip
        if when == "region":
            recorder.begin, recorder.length = await self._region(line)
        self._session = _Session(part, when, recorder, listener, refuse)
        self._looked_s = self._clock()
        self._look()

    async def end(self) -> None:
        """End the recording at the next bar (beat, where it began on one). Raises 101."""
        session = self._session
        if session is None:
            raise error(101, "no notes are recorded: begin with /punchin/capture 1")
        if not session.recorder.begun:
            self._session = None
            session.refuse(error(101, "the recording ended before it began: nothing was kept"))
            return
        now_s, line = self._clock(), self._song()
        session.recorder.end_at(now_s, 1.0 if session.when == "beat" else line.bar_beats)
        if session.recorder.begin is None:  # over no song nobody waits for a bar line
            self._finish(session)

    def hear(self, port: str, message: bytes, came_s: float) -> None:
        """Take a note that no control has taken."""
        session = self._session
        if session is None or session.part.lower() not in port.lower():
            return
        if self._is_placed(session):
            session.recorder.feed(message, came_s)
        else:  # it may turn out that the song runs by now
            session.early.append((message, came_s))

    async def close(self) -> None:
        """Forget what is not whole; wait for what is being written."""
        self._session = None
        if self._keeping:
            await asyncio.wait(self._keeping)

    # -- time --------------------------------------------------------------------------------------

    def _beat(self, now_s: float) -> float | None:
        line = self._song()
        return line.beat_at(now_s) if line.playing else None

    def _bpm(self, line: Line) -> float:
        return line.bpm if line.playing else float(self._context.music.get("bpm", _BPM))

    def _is_placed(self, session: _Session) -> bool:
        """Place an armed recording once the song runs; return whether notes count by now."""
        recorder, line = session.recorder, self._song()
        if session.when in ("bar", "beat") and recorder.begin is None:
            session.stood = session.stood or not line.playing
            since_s = self._clock() - (JUST_STARTED_S if session.stood else 0)
            recorder.begin = line.next(session.when, since_s)
            while recorder.begin is not None and session.early:
                recorder.feed(*session.early.popleft())
            return recorder.begin is not None
        return True

    def _look(self) -> None:
        session = self._session
        if session is None:
            return
        before_s, self._looked_s = self._looked_s, self._clock()
        is_late = self._looked_s - before_s > _STOOD_S
        if not is_late and self._is_placed(session) and session.recorder.done(self._looked_s):
            self._finish(session)
            return
        asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    async def _region(self, line: Line) -> tuple[float, float]:
        """Return where the region begins in the song and its length. Raises 101, 107."""
        context = self._context
        if context.source is None or not context.region.keys() & {"start", "start_frame"}:
            raise error(107, "no region is selected: select the bars to play over")
        if context.place is None:
            raise error(101, "nobody told where the source lies: send /punchin/place")
        start_s, end_s = [await self._edge(edge) for edge in ("start", "end")]
        rows = context.music.get("tempomap")
        grid = Grid.from_rows(rows) if rows else Grid.steady(self._bpm(line))
        start, end = (grid.quarter_at(s) - grid.quarter_at(0.0) for s in (start_s, end_s))
        return context.place[1] + start, end - start

    async def _edge(self, edge: str) -> float:
        """Return the second of the source at which the region begins or ends."""
        region = self._context.region
        if f"{edge}_frame" in region:
            info = await asyncio.to_thread(self._files.probe, str(self._context.source))
            return float(region[f"{edge}_frame"] / info.rate)
        return float(region[edge])

    # -- the end -----------------------------------------------------------------------------------

    def _finish(self, session: _Session) -> None:
        self._session = None
        task = asyncio.ensure_future(self._keep(session))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _keep(self, session: _Session) -> None:
        try:
            told = await self._written(session)
        except PunchinError as problem:
            session.refuse(problem)
            return
        self._context.set_defaults({"melody": told["path"]})
        if session.recorder.begin is not None:
            self._context.apply("tempo", {"bpm": told["bpm"]})
        audience = {**self._bus.subscribers(), session.listener.key: session.listener}
        for listener in audience.values():
            listener.send("/punchin/captured", told["path"], told["seconds"], json.dumps(told))

    async def _written(self, session: _Session) -> dict[str, Any]:
        """Write the file; return what there is to tell. Raises 101, 400, 401."""
        recorder, line = session.recorder, self._song()
        notes, length = recorder.finish()
        if not notes:
            raise error(101, "no note came in: play while it records, see punchin midi monitor")
        is_free = recorder.begin is None
        bpm = recorder.bpm if is_free else line.bpm
        beats, unit = _metre(recorder.bar_quarters, self._context.music.get("meter"))
        data = midi_file(notes, bpm, beats, unit, length)
        try:
            path = await asyncio.to_thread(_write, self._folder, data)
        except OSError as problem:
            raise as_punchin(problem, f"a recording in {self._folder}") from None
        return {
            "path": str(path),
            "seconds": length * 60 / bpm,
            "notes": len(notes),
            "quarters": length,
            "bpm": bpm,
            "beat": recorder.begin,
            "input": f"{INPUT}:{session.part}" if session.part else INPUT,
        }


def is_notes(source: str) -> bool:
    """Whether an input is one of notes: `midi`, or `midi:` and a part of a port's name."""
    return source == INPUT or source.startswith(f"{INPUT}:")


def _write(folder: Path, data: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = new_file(folder)
    write_part(path, data, True).replace(path)
    return path


def _metre(bar_quarters: float, told: str | None) -> tuple[int, int]:
    """Return a metre with bars of that length: as told where it fits."""
    if told:
        beats, unit = (int(n) for n in told.split("/"))
        if abs(beats * 4 / unit - bar_quarters) < 1e-6:
            return beats, unit
    share = Fraction(bar_quarters / 4).limit_denominator(32)
    unit = max(4, 1 << (share.denominator - 1).bit_length())
    return max(1, round(share * unit)), unit
