"""`generate`: a new piece from words, tempo, key and seed."""

from __future__ import annotations

from dataclasses import replace

from daemon.engines.base import Port, Request, Result, Span
from daemon.engines.sketch.jobs.asking import ending_of, key_of, wish_of
from daemon.engines.sketch.jobs.sounding import Share, hand_over, mastered, rendered
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.codec import plan_json
from daemon.engines.sketch.plan.midi import plan_midi
from daemon.engines.sketch.plan.types import Mix, Plan
from daemon.engines.sketch.render.tone import Array

LOUDNESS_LUFS = -16.0
_ENDING_FROM_BARS = 8
_CUT_S = 0.012  # fade of a piece that is cut off
ENDING_FADE = 0.35  # of the last bar


def generate(studio: Studio, request: Request, port: Port) -> Result:
    """Return a piece as stems that covers the request's one span."""
    port.progress(0.05, "arranging")
    span = request.spans[0]
    wish = wish_of(studio, request)
    key = key_of(request, None, wish.caption)
    start_s, end_s = span.start / request.rate, span.end / request.rate
    brief = Brief(
        grid=request.grid,
        start_s=start_s,
        end_s=end_s,
        key=key,
        style=wish.style,
        seed=request.seed,
        caption=wish.caption,
        lyrics=request.options.get("lyrics", ""),
        lead=True,
    )
    ending = ending_of(request.options, len(brief.bars()) >= _ENDING_FROM_BARS)
    plan = arrange(finished(brief, ending, LOUDNESS_LUFS))
    sound(studio, plan, request, span, port, None)
    return Result(key=key, notes=wish.notes, documents=documents(plan))


def finished(brief: Brief, ending: bool, loudness_lufs: float) -> Brief:
    """Return the brief with its ending, fade and loudness."""
    bar_s = brief.grid.bars_length(brief.end_s, 1, backwards=True)
    fade_s = bar_s * ENDING_FADE if ending else _CUT_S
    return replace(brief, ending=ending, mix=Mix(loudness_lufs, fade_out_s=fade_s))


def sound(
    studio: Studio, plan: Plan, request: Request, span: Span, port: Port, beside: Array | None
) -> None:
    """Render, master and hand over every stem of a plan."""
    stems = rendered(studio, plan, request, span, Share(port, 0.3, 0.8))
    port.progress(0.85, "mixing")
    for name, stem in mastered(stems, plan, request, span, beside, port).items():
        hand_over(f"stem:{name}", span, stem.T, request, port)
    port.progress(1.0, "mixing")


def documents(plan: Plan) -> dict[str, bytes | str]:
    """Return the plan as the files that go with the sound."""
    return {"plan": plan_json(plan), "midi": plan_midi(plan)}
