"""Records an input into a WAV file, from punch in to punch out, with what was heard before.

The input's thread copies into a ring. The recorder's own thread keeps the last `preroll_s` in
memory until the punch, and from then on writes to disk; the file takes its name when it is whole.
Frames that went by unheard, because a callback came too late or the ring was full, are silence of
the same length and counted, so that time stays true. What ends it too soon (the input goes, the
disk is full, Punchin ends) cuts the take short, and what came before is kept.

Threads: `_take` belongs to the input's real-time thread; the file and the rest to the recorder's
thread; `end`, `cancel` and `state` may be called by any.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bridge.protocol.errors import PunchinError, error
from daemon.audio.types import OutputFormat
from daemon.audio.writer import Writer
from daemon.player.capture.inputs import Input, InputFormat, Take
from daemon.player.capture.punch import InputClock, Punch
from daemon.player.capture.tape import Tape
from daemon.player.outputs.ring import Ring
from daemon.player.transport import Line

_RING_S = 2.0
_LOOK_S = 0.02
_SILENT_S = 2.0  # an input without a block for so long is gone
LONGEST_S = 1800.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """What to record. `path`: of the WAV to be made. `when`, `bars`: see `Punch`."""

    path: Path
    when: str = "now"
    bars: float | None = None
    preroll_s: float = 1.0


class Recorder:
    """One recording. `told` hears of `capture_begun` and how it ended: `captured` with the file,
    `capture_cancelled` or `capture_failed`. All have the path; `cut` in `captured` says why the
    take was cut short.
    """

    def __init__(
        self,
        source: Input,
        order: Order,
        line: Callable[[], Line],
        told: Callable[[dict[str, Any]], None],
    ) -> None:
        self._source, self._order, self._line, self._told = source, order, line, told
        self._stop = threading.Event()
        self._cancelled = False
        self.stage = "armed"
        self.lost_frames = self.missed_frames = 0
        self._stamps: deque[tuple[int, float]] = deque()
        self._gaps: deque[tuple[int, int]] = deque()  # at which frame how many are lost
        self._offered = 0

    def begin(self) -> InputFormat:
        """Open the input and arm. Raises PunchinError 402, 400, 401."""
        self._last_s = time.monotonic()
        self._source.open(self._prepare)
        self._punch = Punch(self._order.when, self._order.bars, time.monotonic())
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()
        return self._fmt

    def end(self) -> None:
        """Punch out at the next beat or bar, or at once; nothing is kept that has not begun."""
        if self.stage == "armed":
            self.cancel()
        else:
            self._punch.end(time.monotonic())

    def cancel(self) -> None:
        """Stop now; what has not begun is not kept."""
        self._cancelled = True
        self._stop.set()

    def let_go(self, limit_s: float) -> bool:
        """Wait until the input of a recording that is over is closed; return whether it is."""
        self._thread.join(limit_s)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Cancel and wait."""
        self.cancel()
        self.let_go(5.0)

    def state(self) -> dict[str, Any]:
        """Return what replies tell."""
        fmt = self._fmt
        return {
            "state": self.stage,
            "input": fmt.name,
            "rate": fmt.rate,
            "channels": fmt.channels,
            "path": str(self._order.path),
            "lost_frames": self.lost_frames + self.missed_frames,
        }

    # -- the input's thread ------------------------------------------------------------------------

    def _prepare(self, fmt: InputFormat) -> Take:
        self._fmt = fmt
        self._ring = Ring(round(_RING_S * fmt.rate), fmt.channels)
        self._most_missed = round(_SILENT_S * fmt.rate)
        self._clock = InputClock(fmt.rate)
        return self._take

    def _take(self, block: np.ndarray, time_s: float, missed: int) -> None:
        """Whole blocks only, so that what is missing is known to the frame."""
        self._last_s = time.monotonic()
        if missed:
            self.missed_frames += missed
            self._offer(self._silence(min(missed, self._most_missed)))
        self._stamps.append((self._offered, time_s))
        self._offer(block)

    def _offer(self, block: np.ndarray) -> None:
        if self._ring.free >= len(block):
            self._ring.write(block)
        else:
            self._gaps.append((self._offered, len(block)))
            self.lost_frames += len(block)
        self._offered += len(block)

    # -- the recorder's thread ---------------------------------------------------------------------

    def _run(self) -> None:
        try:
            news = self._record()
        except PunchinError as problem:
            news = {"kind": "capture_failed", **problem.as_dict()}
        except Exception:
            _log.exception("a recording failed")
            message = "the recording failed: see the player's log"
            news = {"kind": "capture_failed", "code": 500, "message": message}
        self.stage = "over"
        try:
            self._told({**news, "path": str(self._order.path)})
        finally:
            self._source.close()

    def _record(self) -> dict[str, Any]:
        tape = Tape(self._fmt, self._order.preroll_s)
        fmt = self._order_format()
        with Writer(self._order.path, fmt) as writer:
            try:
                while not self._stop.wait(_LOOK_S):
                    tape.append(self._drained(tape))
                    if self._advance(tape, writer):
                        writer.commit()
                        return self._news(tape, writer.frames)
                if tape.start is None:
                    return {"kind": "capture_cancelled"}
                raise error(402, "Punchin was ended while it recorded: start it and go on")
            except PunchinError as problem:
                return self._cut_short(tape, writer, problem)

    def _cut_short(self, tape: Tape, writer: Writer, problem: PunchinError) -> dict[str, Any]:
        """Keep what was recorded until `problem`. Raises it if that is nothing."""
        if tape.start is None:
            raise problem
        if problem.code == 402:  # else it is the disk that takes no more
            tape.append(self._drained(tape))
            with contextlib.suppress(PunchinError):
                writer.write(tape.taken(tape.frames))
        frames = writer.keep()
        if frames <= tape.start - tape.begin:
            writer.path.unlink(missing_ok=True)
            raise problem
        return {**self._news(tape, frames), "cut": problem.as_dict()}

    def _order_format(self) -> OutputFormat:
        return OutputFormat("WAV", "FLOAT", self._fmt.rate, self._fmt.channels)

    def _drained(self, tape: Tape) -> np.ndarray:
        """Return what has come in, silence in the place of what was lost."""
        filled, at = self._ring.filled, tape.frames  # all gaps before what fills the ring are known
        parts = []
        while self._gaps and self._gaps[0][0] <= at + filled:
            start, length = self._gaps.popleft()
            parts += [self._read(start - at), self._silence(length)]
            filled -= start - at
            at, tape.lost = start + length, tape.lost + length
        while self._stamps:
            self._clock.stamp(*self._stamps.popleft())
        return np.concatenate([*parts, self._read(filled)])

    def _read(self, frames: int) -> np.ndarray:
        block = self._silence(frames)
        self._ring.read(block)
        return block

    def _silence(self, frames: int) -> np.ndarray:
        return np.zeros((frames, self._fmt.channels), np.float32)

    def _advance(self, tape: Tape, writer: Writer) -> bool:
        """Write what is due; return whether the take is whole. Raises PunchinError 402."""
        now_s, line = time.monotonic(), self._line()
        if self._source.gone() or now_s - self._last_s > _SILENT_S:
            raise error(402, "the input is gone: connect it again and record anew")
        if tape.frames == 0:
            return False
        if tape.start is None and not self._punched_in(tape, line):
            return False
        end_s = self._punch.end_s(line, now_s)
        longest = tape.begin + round(LONGEST_S * self._fmt.rate)
        end = longest if end_s is None else min(longest, self._clock.frame_at(end_s))
        writer.write(tape.taken(end))
        return tape.frames >= end

    def _punched_in(self, tape: Tape, line: Line) -> bool:
        self._punch.heard_since(self._clock.time_of(0))
        start_s = self._punch.start_s(line)
        if start_s is None or (start := self._clock.frame_at(start_s)) > tape.frames:
            tape.forget()
            return False
        begun = tape.punch_in(start)
        self._punch.begun(line, start_s if begun == start else self._clock.time_of(begun))
        self.stage = "recording"
        self._told({**self._news(tape, 0), "kind": "capture_begun", "path": str(self._order.path)})
        return True

    def _news(self, tape: Tape, frames: int) -> dict[str, Any]:
        line = self._line()
        told = {
            "kind": "captured",
            "rate": self._fmt.rate,
            "channels": self._fmt.channels,
            "frames": frames,
            "start_frame": tape.start - tape.begin if tape.start is not None else 0,
            "lost_frames": tape.lost + self.missed_frames,
            "input": self._fmt.name,
        }
        if self._punch.start_beat is not None:
            told |= {"beat": self._punch.start_beat, "bpm": line.bpm, "bar_beats": line.bar_beats}
            told["on_bar"] = self._order.when == "bar"
        return told
