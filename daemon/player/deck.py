"""The deck: the next frames of one output, whatever has been asked for meanwhile.

Every start, stop, jump and swap is a fade that ends on the very frame at which the new sound is
due: that frame and all after it are the programme's own samples, unchanged when the gain is 0 dB.
Where the material ends that a running job has made, the deck fades out, waits in silence with its
play head standing, and counts that.

Threads: `render` is called by the output's audio thread. All other methods may be called from any
thread; they are carried out between blocks.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

import numpy as np

from daemon.player.cue import ALONE, Agreed, Cue, late, slip, timed
from daemon.player.cues import Cues
from daemon.player.fader import Fader
from daemon.player.fades import FADE_S, Fade, cross
from daemon.player.meter import Meter
from daemon.player.outputs.base import Clock
from daemon.player.program import Program
from daemon.player.shown import PLAYING, SILENT, WAITING, Shown
from daemon.player.transport import Line

_log = logging.getLogger("punchin.player")
_LOOK_S = 0.5  # before a loop's end its place in the song is looked at


class Deck:
    """What sounds on one output.

    `rate` in Hz. `pairs`: names of the stereo pairs among the `channels`. `line` tells where the
    DAW's song is, `clock` which of the deck's frames is heard when; without one a launch waits for
    it. `preroll_s`: seconds that must be there before a growing programme starts.
    """

    def __init__(
        self,
        rate: int,
        channels: int,
        pairs: tuple[str, ...] = ("mix",),
        line: Callable[[], Line] = Line,
        clock: Callable[[], Clock | None] = lambda: None,
        preroll_s: float = 0.0,
    ) -> None:
        self.rate, self.channels, self.pairs = rate, channels, pairs
        self.frame, self.waits, self.waited_frames, self.loops = 0, 0, 0, 0
        self.mode = SILENT
        self.program: Program | None = None
        self.position = 0
        self.shown = Shown()
        self._launched = "now"
        self.looping = False
        self.meter = Meter(rate, channels)
        self._line, self._clock, self._preroll_s = line, clock, preroll_s
        self._fade_frames = round(FADE_S * rate)
        self._fade: Fade | None = None
        self._cues = Cues()
        self._better: Program | None = None
        self._fader = Fader(rate)
        self._commands: deque[Callable[[], None]] = deque()

    # -- commands ----------------------------------------------------------------------------------

    def play(
        self, program: Program, when: str = "now", beat: float | None = None, agreed: Agreed = ALONE
    ) -> None:
        """Begin a programme at its start, in place of what sounds.

        With `beat` it is joined where it would be, had it begun on that beat of the song. `agreed`:
        what other decks keep to that do the same.
        """
        joins = beat is not None
        due = beat if joins else agreed.beat
        cue = Cue(program, when, beat=due, joins=joins, from_s=agreed.from_s)
        self._commands.append(lambda: self._take(cue))

    def join(self, program: Program, since: float) -> None:
        """Go on along with another deck, on which the programme's start is heard at `since`."""
        self._commands.append(lambda: self._take(Cue(program, since=since)))

    def swap(self, program: Program, when: str = "now", agreed: Agreed = ALONE) -> None:
        """Go on in another programme at the same musical position."""
        cue = Cue(program, when, same=True, beat=agreed.beat, from_s=agreed.from_s)
        self._commands.append(lambda: self._take(cue))

    def stop(self) -> None:
        """Fall silent, with a fade."""
        self._commands.append(lambda: self._take(Cue(None)))

    def loop(self, on: bool) -> None:
        """Repeat the programme's loop, or play on to its end."""
        self._commands.append(lambda: setattr(self, "looping", on))

    def gain(self, gain: float) -> None:
        """Set the linear gain; 1 leaves every sample as it is."""
        self._commands.append(lambda: self._fader.set(gain))

    def improve(self, program: Program) -> None:
        """Take a better version of the same take, to be heard from the next start or loop on."""
        self._commands.append(lambda: self._keep_better(program))

    def _take(self, cue: Cue) -> None:
        self._cues.ask(cue, self._line())
        if cue.program is None and self.mode is SILENT and self._fade is None:
            self._cues.clear()

    def _keep_better(self, program: Program) -> None:
        now = self.program
        if not self._cues.improve(program) and now and now.key == program.key:
            self._better = program

    @property
    def cued(self) -> bool:
        """Whether something is asked for that has not begun."""
        return bool(self._cues or self._commands)

    @property
    def idle(self) -> bool:
        """Whether it is silent until it is asked for something."""
        return self.mode is SILENT and self._fade is None and not self.cued

    # -- rendering ---------------------------------------------------------------------------------

    def render(self, frames: int) -> np.ndarray:
        """Return the next frames, float32 `(frames, channels)`; a mistake of ours is silence."""
        try:
            return self._render(frames)
        except Exception:
            _log.exception("the deck fell silent")
            self.mode, self._fade, self._cues = SILENT, None, Cues()
            return np.zeros((frames, self.channels), np.float32)

    def _render(self, frames: int) -> np.ndarray:
        while self._commands:
            self._commands.popleft()()
        self._arm()
        out = np.zeros((frames, self.channels), np.float32)
        done = 0
        while done < frames:
            done += self._advance(out[done:])
        self._fader.apply(out)
        self.meter.take(out)
        self.shown = self._show(frames)
        return out

    def _show(self, frames: int) -> Shown:
        line, clock, beat, heard_s = self._line(), self._clock(), None, None
        if clock:
            fading = self._fade.left if self._fade else 0
            heard_s = clock.heard_at(self.frame + fading, self.rate)
            beat = line.beat_at(heard_s) if line.playing and self._launched != "now" else None
        return Shown(self.mode, self.program, self.position, self._launched, beat, heard_s, frames)

    def _arm(self) -> None:
        """Settle when a cue is due; a song that moves is asked anew with every block."""
        cue = self._cues.first
        if cue is None:
            return
        if cue.program and not cue.armed:
            target = self._target(cue, cue.program)
            if not cue.program.enough(target, self.pairs, self._preroll_s):
                return
        soonest = self.frame + self._fade_frames
        self._cues.settle(timed(cue, self._line(), self._clock(), soonest, self.rate))

    def _target(self, cue: Cue, program: Program) -> int:
        """Return the frame of a cue's programme at which it would begin now."""
        if not cue.same or self.program is None or self.mode is SILENT:
            return program.start
        return self.program.position_in(program, self.position)

    def _advance(self, out: np.ndarray) -> int:
        """Fill the front of `out`; return how many frames, 0 when only the state has changed."""
        if self._fade is not None:
            return self._go_on_fading(self._fade, out)
        limit = len(out)
        if (cue := self._cues.first) and cue.frame is not None:
            until = cue.frame - self._fade_frames - self.frame
            if until <= 0:
                return self._obey(cue)
            limit = min(limit, until)
        if self.mode is WAITING:
            return self._wait(limit)
        if self.mode is SILENT or self.program is None:
            self.frame += limit
            return limit
        return self._play(self.program, out[:limit])

    def _play(self, program: Program, out: np.ndarray) -> int:
        end = program.frames
        # Two fades can't overlap: a change that falls due now counts more than the loop.
        if self.looping and not self._cues.due_before(self.frame + 2 * self._fade_frames):
            loop_end = min(program.frames, program.loop[1] + self._slip(program))
            end = loop_end - self._fade_frames
            if self.position >= end:
                return self._jump(program, loop_end)
        if self.position >= program.frames:
            self.mode = SILENT
            return 0
        n = min(len(out), end - self.position)
        ahead = self.position + n + self._fade_frames
        known = program.ready(self.position, ahead, self.pairs)
        if known < n + self._fade_frames and self.position + known < program.frames:
            n = min(n, known - self._fade_frames)
            if n <= 0:
                return self._run_dry(min(known, self._fade_frames))
        out[:n] = self._read(program, self.position, n)
        self.position += n
        self.frame += n
        return n

    def _slip(self, program: Program) -> int:
        """A loop that was launched on the song's grid stays on it, whatever the two clocks do."""
        left = program.loop[1] - self.position
        if self._launched == "now" or not 0 < left < _LOOK_S * self.rate:
            return 0
        return slip(self._line(), self._clock(), self._launched, self.frame + left, self.rate)

    # -- changes -----------------------------------------------------------------------------------

    def _obey(self, cue: Cue) -> int:
        assert cue.frame is not None
        self._cues.done()
        self._better = None
        frames = cue.frame - self.frame if cue.frame > self.frame else self._fade_frames
        if cue.program is None:
            return self._begin(None, 0, frames, SILENT)
        to = self._target(cue, cue.program)
        if cue.same:
            to += frames if self.mode is PLAYING else 0
        else:
            # What comes late joins in where it would be by now.
            gone = late(cue, self.frame + frames, self._clock(), self.rate)
            to = cue.program.after(to, gone, self.looping)
            self._launched, self.loops = cue.when if cue.beat is not None else "now", 0
        if to >= cue.program.frames:
            return self._begin(None, 0, frames, SILENT)
        return self._begin(cue.program, to, frames, PLAYING)

    def _jump(self, program: Program, loop_end: int) -> int:
        left = loop_end - self.position
        frames = min(left, self._fade_frames) if left > 0 else self._fade_frames
        self.loops += 1
        program = self._best(program)
        return self._begin(program, program.loop[0], frames, PLAYING)

    def _best(self, program: Program) -> Program:
        better, self._better = self._better, None
        return better or program

    def _run_dry(self, frames: int) -> int:
        self.waits += 1
        here = self.position + frames
        self._begin(None, 0, frames, WAITING, keep=True)
        self.position = here
        return 0

    def _wait(self, limit: int) -> int:
        assert self.program is not None
        program = self.program = self._best(self.program)
        if program.enough(self.position, self.pairs, self._preroll_s):
            return self._begin(program, self.position, self._fade_frames, PLAYING)
        self.waited_frames += limit
        self.frame += limit
        return limit

    def _begin(
        self, program: Program | None, to: int, frames: int, mode: str, keep: bool = False
    ) -> int:
        """Fade over `frames` from what sounds to `program`, so that frame `to` of it follows."""
        old = np.zeros((frames, self.channels), np.float32)
        if self.mode is PLAYING and self.program is not None:
            old = self._read(self.program, self.position, frames)
        new = np.zeros((frames, self.channels), np.float32)
        if program is not None:
            program.settle()
            new = self._read(program, to - frames, frames)
        self._fade = Fade(cross(old, new)) if frames else None
        self.mode = mode
        if not keep:
            self.program, self.position = program, to
        return 0

    def _go_on_fading(self, fade: Fade, out: np.ndarray) -> int:
        frames = fade.play(out)
        self.frame += frames
        self._fade = fade if fade.left else None
        return frames

    # -- samples -----------------------------------------------------------------------------------

    def _read(self, program: Program, start: int, frames: int) -> np.ndarray:
        return program.read(start, start + frames, self.pairs, self.channels)
