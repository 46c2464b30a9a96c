"""What a deck can play: samples at the deck's rate, where they begin and where they loop.

Frames count from the first frame of the result. `origin_s` is the time of that frame in the source,
so that two programs made of one source know which of their frames belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from daemon.player.samples import LiveSamples, Samples, fit

_SURE = 0.98  # of the speed that was measured: a job may slow down a little
_LEAST_S = 0.02  # no start is so near to the end of what is there that its first fade runs dry


@dataclass(frozen=True)
class Program:
    """One take as it can be heard.

    `pairs`: samples by the name of a stereo pair; `mix` is always there. `loop`: frames
    `[first, end)`, which are also where it starts. `live`: what of it still grows.
    """

    id: str
    take: int
    role: str
    rate: int
    frames: int
    start: int
    loop: tuple[int, int]
    pairs: Mapping[str, Samples]
    origin_s: float = 0.0
    live: tuple[LiveSamples, ...] = ()
    live_rate: int = 0
    load: tuple[Callable[[float], bool], ...] = field(default=(), compare=False)

    @property
    def key(self) -> tuple[str, int, str]:
        """What it is a version of."""
        return self.id, self.take, self.role

    def ready(self, start: int, end: int, pairs: tuple[str, ...]) -> int:
        """Return how many frames from `start` on can be read, for these pairs."""
        heard = [self.pairs[p] for p in pairs if p in self.pairs]
        return min((s.ready(start, end) for s in heard), default=end - start)

    def read(self, start: int, end: int, pairs: tuple[str, ...], channels: int) -> np.ndarray:
        """Return frames `[start, end)` as `(frames, channels)`, two channels a pair.

        A pair that this programme lacks is silent.
        """
        if len(pairs) == 1 and pairs[0] in self.pairs:
            return fit(self.pairs[pairs[0]].read(start, end), channels)
        out = np.zeros((end - start, channels), np.float32)
        for i, name in enumerate(pairs):
            if name in self.pairs:
                out[:, 2 * i : 2 * i + 2] = fit(self.pairs[name].read(start, end), 2)
        return out

    def settle(self) -> None:
        """Hear the latest version of what a running job has made."""
        for samples in self.live:
            samples.settle()

    def starting(self, frame: int) -> Program:
        """Return the same programme with another start."""
        return replace(self, start=min(max(0, frame), self.frames))

    def after(self, frame: int, frames: int, looping: bool) -> int:
        """Return where playing from `frame` on leads in so many frames."""
        (first, end), to = self.loop, frame + frames
        return first + (to - first) % (end - first) if looping and frame < end <= to else to

    def position_in(self, other: Program, frame: int) -> int:
        """Return the frame of `other` at which the same moment of the source lies."""
        moment_s = frame / self.rate + self.origin_s
        return round((moment_s - other.origin_s) * other.rate)

    def enough(self, frame: int, pairs: tuple[str, ...], preroll_s: float) -> bool:
        """Whether playing from `frame` on will not run dry, as far as arithmetic can tell.

        A job that makes `v` seconds a second, with `left` seconds still to be played, never falls
        behind when left × (1 − v) seconds are there, and one chunk more, because it comes in steps.
        Before its second chunk nobody knows v: then, and for whole files, the preroll is enough.
        """
        left = max(0, self.frames - frame)
        growing = [s for s in self.live if s.made < s.frames] if self.live_rate else []
        known = [v / self.live_rate for s in growing if (v := s.speed()) is not None]
        behind = left * max(0.0, 1 - _SURE * min(known, default=2.0))
        if behind:
            behind += max(s.grain for s in growing) * self.rate / self.live_rate
        least = max(preroll_s, _LEAST_S) * self.rate
        needed = min(left, round(max(least, behind)))
        return self.ready(frame, frame + needed, pairs) >= needed
