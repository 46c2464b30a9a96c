"""`cover`: the clip's melody and chords, played by another band.

`strength` says how far it goes: below ⅓ the melody keeps its own timing, from there on it is played
on the grid, with the style's swing; above ⅔ plain triads get the sevenths of the key as well. With
`reference` the band is that of the style which the reference is like, and the whole gets its
long-term spectrum.
"""

from __future__ import annotations

from dataclasses import replace

from daemon.engines.base import Port, Request, Result
from daemon.engines.sketch.jobs.asking import Wish, ending_of, key_of, wish_of
from daemon.engines.sketch.jobs.backing import brief_of, doubts, sung
from daemon.engines.sketch.jobs.following import (
    Reference,
    coloured_by,
    taken_from,
    told_reference,
)
from daemon.engines.sketch.jobs.melody import led
from daemon.engines.sketch.jobs.piece import documents, finished, sound_as_region
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import Listening
from daemon.engines.sketch.plan.arrange import Brief, arrange
from daemon.engines.sketch.plan.lead import on_grid
from daemon.engines.sketch.plan.steps import is_compound
from daemon.engines.sketch.plan.styles import Style

DEFAULT_STRENGTH = 0.5
_ON_GRID, _COLOURED = 1 / 3, 2 / 3
_SILENT_LUFS, _LOUDEST_LUFS = -16.0, -9.0
_NO_TUNE = "No melody was heard: the chords are played without one."


def cover(studio: Studio, request: Request, port: Port) -> Result:
    """Return the clip anew, from end to end."""
    port.progress(0.02, "listening")
    heard = studio.hear(request, port)
    reference = told_reference(studio, request, port)
    port.progress(0.22, "arranging")
    like = reference.style if reference else None
    wish = wish_of(studio, request, heard.onsets_per_beat, other=True, like=like)
    if reference:
        wish = replace(wish, notes=(*wish.notes, taken_from(reference, wish.style.name)))
    return played(studio, request, port, heard, wish, has_tune=True, reference=reference)


def played(
    studio: Studio, request: Request, port: Port, heard: Listening, wish: Wish, has_tune: bool,
    reference: Reference | None = None,
) -> Result:  # fmt: skip
    """Return what was heard in the clip as the style of `wish` plays it."""
    key, span = key_of(request, heard.key, wish.caption), request.spans[0]
    strength = float(request.options.get("strength", DEFAULT_STRENGTH))
    brief = brief_of(request, heard, wish, key, span)
    brief = replace(brief, lead=True, melody=(), style=_coloured(brief.style, strength))
    if has_tune and heard.notes:
        brief = _with_tune(brief, heard, request, strength)
    assert heard.loudness_lufs is not None
    loud = _SILENT_LUFS if heard.kind == "silence" else heard.loudness_lufs
    brief = finished(brief, ending_of(request.options, False), min(loud, _LOUDEST_LUFS))
    plan = arrange(brief, port.check)
    finish = coloured_by(reference, plan, request, port) if reference else None
    sound_as_region(studio, plan, request, span, port, finish)
    notes = [*wish.notes, *doubts(request, heard, key)]
    notes += [_NO_TUNE] if has_tune and not heard.notes else []
    return Result(key=key, notes=tuple(notes), documents=documents(plan, port.check))


def _with_tune(brief: Brief, heard: Listening, request: Request, strength: float) -> Brief:
    tune = sung(heard, request.grid)
    if strength >= _ON_GRID:
        compound = is_compound(*request.grid.metre_at(0.0))
        swing = 0.0 if compound else brief.style.swing
        tune = on_grid(tune, swing, 1.0 if brief.style.swing_grid == 8 else 0.5)
    return led(brief, tune)


def _coloured(style: Style, strength: float) -> Style:
    plain = style.colour == "triad" and strength > _COLOURED
    return replace(style, colour="seventh") if plain else style
