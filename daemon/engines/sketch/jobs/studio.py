"""What all jobs of an engine share: the styles, the sounds made so far, the clips heard last.

Threads: used by the worker's one thread; what `measuring` measures, it does so on another.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bridge.protocol.errors import PunchinError
from bridge.resources import folder
from daemon.audio.clips import ClipReader, Samples, as_reader
from daemon.engines.base import Heard, Port, Request, Span
from daemon.engines.sketch.jobs.sounds import open_bank
from daemon.engines.sketch.jobs.surroundings import Surroundings, measured
from daemon.engines.sketch.listen import Gathered, Listening, gather, hear_bars, listen
from daemon.engines.sketch.listen.aside import aside
from daemon.engines.sketch.listen.frames import Check, unchecked
from daemon.engines.sketch.listen.gathering import KEPT_S
from daemon.engines.sketch.plan.styles import Style, load_styles, read_style
from daemon.engines.sketch.render.bank import Bank

_CLIPS_KEPT = 4
_WARM_RATE = 44100
_WARM_DRUMS = (36, 38, 42)


@dataclass
class Studio:
    """Styles by name, the sound bank, and what was heard in the last clips.

    `broken` holds what is wrong with the user's styles that can't be read, by name. What was heard
    is kept under the digest of the samples themselves, so that a file that has changed is heard
    anew, whatever its path, size and times, and one that was only copied is not. `gathered` is what
    the search for the bars of a clip took in of it, until its job begins, and `bars` what it found.
    `around` is what was measured beside the last spans.
    """

    styles: Mapping[str, Style]
    broken: Mapping[str, PunchinError] = field(default_factory=dict)
    bank: Bank = field(default_factory=Bank)
    heard: OrderedDict[tuple[bytes, str], Listening] = field(default_factory=OrderedDict)
    gathered: tuple[bytes, Gathered] | None = None
    bars: OrderedDict[tuple[object, ...], Heard] = field(default_factory=OrderedDict)
    around: OrderedDict[tuple[object, ...], Surroundings] = field(default_factory=OrderedDict)

    def hear(self, request: Request, port: Port, whole: bool = True) -> Listening:
        """Listen to the request's clip on its grid; several takes of one clip listen once.

        How sure the grid is, was settled when it was found, and comes with the request. What needs
        no more than a part of a `Listening` says so: that is sooner there.
        """
        clip = as_reader(request.clip, request.rate)
        grid = request.grid
        name = (clip.digest, f"{request.rate} {request.key} {grid.rows()} {grid.downbeat}")
        known = self.heard.get(name)
        if known is None or (whole and known.loudness_lufs is None):
            self.heard[name] = listen(
                clip,
                request.rate,
                grid,
                downbeat_told=True,
                key=request.key,
                check=port.check,
                gathered=self._gathered_of(clip),
                whole=whole,
            )
            _shorten(self.heard)
        self.heard.move_to_end(name)
        return replace(
            self.heard[name],
            tempo_confidence=request.tempo_confidence,
            downbeat_confidence=request.downbeat_confidence,
        )

    def grid_of(
        self, samples: Samples, rate: int, bpm: float | None, metre: tuple[int, int] | None,
        check: Check,
    ) -> Heard:  # fmt: skip
        """Find tempo and bars; what was gathered for it serves the job that follows."""
        clip = as_reader(samples, rate)
        name = (clip.digest, rate, bpm, metre)
        if name not in self.bars:
            whole = len(clip) > KEPT_S * rate
            found = self._gathered_of(clip) or gather(clip, rate, check, whole)
            self.gathered = (clip.digest, found)
            bars = hear_bars(clip, rate, bpm, metre, check, found)
            tempo, both = bars.tempo_confidence, bars.downbeat_confidence
            heard = Heard(bars.grid, both, tempo_confidence=tempo, downbeat_confidence=both)
            self.bars[name] = heard
            _shorten(self.bars)
        self.bars.move_to_end(name)
        return self.bars[name]

    def surroundings(
        self, request: Request, span: Span, context: Callable[[], np.ndarray]
    ) -> Surroundings:
        """Measure what lies beside a span; `context` gives its samples, the same for each op."""
        with self.measuring(request, span, context) as found:
            return found(unchecked)

    @contextmanager
    def measuring(
        self, request: Request, span: Span, context: Callable[[], np.ndarray]
    ) -> Iterator[Callable[[Check], Surroundings]]:
        """Do so while the block does something else; yields what waits for it."""
        digest = as_reader(request.clip, request.rate).digest
        name = (digest, request.rate, request.op, span)
        if name in self.around:
            self.around.move_to_end(name)
            yield lambda _: self.around[name]
            return
        samples = context()
        with aside(lambda _: measured(samples, request.rate)) as result:

            def kept(check: Check) -> Surroundings:
                self.around[name] = result(check)
                _shorten(self.around)
                return self.around[name]

            yield kept

    def _gathered_of(self, clip: ClipReader) -> Gathered | None:
        """Return what was gathered for the grid of this very clip, and let go of it."""
        kept, self.gathered = self.gathered, None
        return kept[1] if kept is not None and kept[0] == clip.digest else None


def _shorten(kept: OrderedDict[Any, Any]) -> None:
    """Forget the longest unused."""
    while len(kept) > _CLIPS_KEPT:
        kept.popitem(last=False)


def open_studio(own: Path | None = None, soundfont: Path | None = None) -> Studio:
    """Return a studio with the built-in styles and the user's, its first sounds made.

    The user's lie in the folder `own`; one of them that can't be read is kept out, so that it stops
    no job but those that ask for it. `soundfont`: see `open_bank`.
    """
    styles = load_styles(folder("presets") / "styles")
    broken: dict[str, PunchinError] = {}
    for path in sorted(own.glob("*.toml")) if own else ():
        try:
            styles[path.stem] = read_style(path)
        except PunchinError as reason:
            broken[path.stem] = reason
    studio = Studio(styles, broken, open_bank(soundfont))
    for key in _WARM_DRUMS:
        studio.bank.stroke("drums-acoustic", key, 100, 0, _WARM_RATE)
    return studio
