"""A plan as what a job hands over: its stems under one gain, and the files that go with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from daemon.engines.base import Chunk, Port, Request, Span
from daemon.engines.sketch.jobs.sounding import Share, hand_over, play
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.plan.arrange import Brief
from daemon.engines.sketch.plan.codec import plan_json
from daemon.engines.sketch.plan.midi import plan_midi
from daemon.engines.sketch.plan.types import Mix, Plan
from daemon.engines.sketch.render.master import Beside, Check

_CUT_S = 0.012  # fade of a piece that is cut off
ENDING_FADE = 0.35  # of the last bar


def finished(brief: Brief, ending: bool, loudness_lufs: float) -> Brief:
    """Return the brief with its ending, fade and loudness."""
    bar_s = brief.grid.bars_length(brief.end_s, 1, backwards=True)
    fade_s = bar_s * ENDING_FADE if ending else _CUT_S
    return replace(brief, ending=ending, mix=Mix(loudness_lufs, fade_out_s=fade_s))


def sound(
    studio: Studio, plan: Plan, request: Request, span: Span, port: Port, beside: Beside | None
) -> tuple[str, ...]:
    """Render, master and hand over the stems of a plan that are wanted; return what to tell."""
    wanted, told = _wanted(request, plan)
    play(studio, plan, request, span, wanted, beside, Share(port, 0.3, 0.98))
    port.progress(1.0, "mixing")
    return told


def sound_as_region(
    studio: Studio, plan: Plan, request: Request, span: Span, port: Port,
    finish: Callable[[np.ndarray], np.ndarray] | None = None,
) -> None:  # fmt: skip
    """Render and master a plan and hand over the sum of its stems as the region.

    `finish` may change that sum, `(frames, 2)`, before it leaves.
    """
    first = span.start - request.handle
    mix = np.zeros((span.frames + 2 * request.handle, 2), np.float32)
    every = {part.stem for part in plan.parts}
    play(studio, plan, request, span, every, None, _Summing(Share(port, 0.3, 0.95), mix, first))
    hand_over("region", span, finish(mix) if finish else mix, request, port)
    port.progress(1.0, "mixing")


@dataclass(frozen=True)
class _Summing:
    """A port that adds what it is given to `mix` `(frames, 2)`, which begins at frame `first`."""

    port: Port
    mix: np.ndarray
    first: int

    def check(self) -> None:
        """Raise `Cancelled` if the job was cancelled."""
        self.port.check()

    def progress(self, fraction: float, stage: str) -> None:
        """Report 0…1."""
        self.port.progress(fraction, stage)

    def emit(self, chunk: Chunk) -> None:
        """Add a stem's piece."""
        at = chunk.start - self.first
        self.mix[at : at + len(chunk.samples)] += chunk.samples


def _wanted(request: Request, plan: Plan) -> tuple[set[str], tuple[str, ...]]:
    """Return the stems to hand over, all of them where none that was asked for plays."""
    asked = request.options.get("stems", "")
    kinds = {name.strip() for name in (asked.split(",") if isinstance(asked, str) else asked)}
    have = {part.stem for part in plan.parts}
    wanted = {stem for stem in have if stem.split("-")[0] in kinds}
    if not kinds - {""} or request.op == "layer":
        return have, ()
    if wanted:
        return wanted, ()
    return have, (f"None of the stems asked for plays here; there are {', '.join(sorted(have))}.",)


def documents(plan: Plan, check: Check = lambda: None) -> dict[str, bytes | str]:
    """Return the plan as the files that go with the sound; `check` is called on the way."""
    return {"plan": plan_json(plan, check), "midi": plan_midi(plan, check)}
