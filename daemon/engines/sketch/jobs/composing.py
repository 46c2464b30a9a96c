"""`generate`: a new piece from words, tempo, key and seed, round a line, or from a plan."""

from __future__ import annotations

from dataclasses import replace

from daemon.engines.base import Port, Request, Result
from daemon.engines.sketch.jobs.asking import ending_of, key_of, wish_of
from daemon.engines.sketch.jobs.melody import lead_of, told_line, with_line
from daemon.engines.sketch.jobs.piece import documents, finished, sound
from daemon.engines.sketch.jobs.replaying import replayed, told_plan
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.told_chords import told_chords

LOUDNESS_LUFS = -16.0
_ENDING_FROM_BARS = 8


def generate(studio: Studio, request: Request, port: Port) -> Result:
    """Return a piece as stems that covers the request's one span."""
    port.progress(0.05, "arranging")
    if (plan := told_plan(studio, request.options)) is not None:
        return replayed(studio, plan, request, port)
    span = request.spans[0]
    wish = wish_of(studio, request)
    line = told_line(request.options, studio.styles)
    key = key_of(request, line.key if line else None, wish.caption)
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
    told = told_chords(request.options, brief.bars(), brief.start_quarter())
    brief = with_line(replace(brief, chords=tuple(told)), line, bool(told))
    ending = ending_of(request.options, len(brief.bars()) >= _ENDING_FROM_BARS)
    plan = arrange(finished(brief, ending, LOUDNESS_LUFS), port.check)
    notes = sound(studio, plan, request, span, port, None)
    notes = (line.note(lead_of(brief)), *notes) if line else notes
    return Result(key=key, notes=(*wish.notes, *notes), documents=documents(plan, port.check))
