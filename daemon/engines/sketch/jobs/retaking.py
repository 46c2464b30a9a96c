"""`retake`: a nearby variation of a result, from its plan; of another clip, from what is heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.places import home
from bridge.protocol.errors import PunchinError
from daemon.engines.base import Port, Request, Result
from daemon.engines.sketch.jobs.asking import Wish, wish_of, with_feel
from daemon.engines.sketch.jobs.covering import played
from daemon.engines.sketch.jobs.piece import documents, sound_as_region
from daemon.engines.sketch.jobs.replaying import read_plan
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.plan.caption import Caption
from daemon.engines.sketch.plan.types import Plan
from daemon.engines.sketch.plan.varying import varied

DEFAULT_STRENGTH = 0.5
_NEW_TUNE = 0.5  # of a clip whose notes are only heard: from here on it gets a new line
_PLANNED = frozenset({"generate", "bgm", "cover", "retake"})  # whose mix is what their plan says
_NEAR_S = 0.05
_FROM_PLAN = "Varied from the plan of {name}."
_OF_PROMPT = (
    "Of the prompt, retake uses a style's name and who shall not play; the rest is the plan's."
)
_FROM_CLIP = "There is no plan of this clip: what was heard in it (chords, melody) was played anew."


def retake(studio: Studio, request: Request, port: Port) -> Result:
    """Return a variation of the clip, from end to end."""
    port.progress(0.05, "arranging")
    span = request.spans[0]
    found = plan_at_hand(studio, request.options, span.frames / request.rate)
    if found is None:
        return _of_clip(studio, request, port)
    plan, name = found
    wish = wish_of(studio, request)
    style = studio.styles.get(plan.style, wish.style)
    notes = [_FROM_PLAN.format(name=name)]
    if wish.caption.style or request.options.get("preset") in studio.styles:
        style = wish.style
        notes.append(wish.notes[0])
    if request.options.get("prompt") or request.options.get("negative"):
        plan, told = _with_players(plan, wish.caption)
        notes += [*told, _OF_PROMPT]
    strength = float(request.options.get("strength", DEFAULT_STRENGTH))
    new = varied(plan, with_feel(style, request.options), request.seed, strength)
    sound_as_region(studio, new, request, span, port)
    return Result(key=new.key, notes=tuple(notes), documents=documents(new, port.check))


def _with_players(plan: Plan, caption: Caption) -> tuple[Plan, tuple[str, ...]]:
    """Return the plan without the parts that the prompt leaves out, and what to tell of it."""
    kinds = {part.stem.split("-")[0] for part in plan.parts}
    kept = (caption.only & kinds or kinds) - caption.without
    if not kept:
        return plan, ("Nobody would be left to play: every part was kept.",)
    if kept == kinds:
        return plan, ()
    parts = tuple(part for part in plan.parts if part.stem.split("-")[0] in kept)
    return replace(plan, parts=parts), (f"Left out: {', '.join(sorted(kinds - kept))}.",)


def _of_clip(studio: Studio, request: Request, port: Port) -> Result:
    heard = studio.hear(request, port)
    port.progress(0.22, "arranging")
    wish = wish_of(studio, request, heard.onsets_per_beat)
    wish = Wish(wish.style, wish.caption, (_FROM_CLIP, *wish.notes))
    strength = float(request.options.get("strength", DEFAULT_STRENGTH))
    return played(studio, request, port, heard, wish, has_tune=strength < _NEW_TUNE)


def plan_at_hand(
    studio: Studio, options: Mapping[str, Any], length_s: float
) -> tuple[Plan, str] | None:
    """Return the plan that is told, or that of the result `of`, with a name for it.

    `length_s` is the clip's: the plan of a result counts for a clip that is the whole of it.
    """
    if path := options.get("plan"):
        return read_plan(Path(path), studio.styles), Path(path).name
    if not (reference := options.get("of")):
        return None
    name, _, take = str(reference).partition(":")
    folder = home() / "jobs" / name
    job = _job(folder)
    path = folder / f"plan-{take or job.get('chosen') or 1}.json"
    if job.get("op") not in _PLANNED or not path.is_file():
        return None
    try:
        plan = read_plan(path, studio.styles)
    except PunchinError:
        return None
    is_whole = abs(length_s - plan.length_s) < _NEAR_S
    return (plan, str(reference)) if is_whole else None


def _job(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "job.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
