"""The key `plan`: what a file says is rendered instead of composing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.protocol.errors import error
from daemon.engines.base import Port, Request, Result, Span
from daemon.engines.sketch.jobs.piece import documents, sound
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.plan.codec import plan_from_json
from daemon.engines.sketch.plan.midi_reading import plan_from_midi
from daemon.engines.sketch.plan.styles import Style
from daemon.engines.sketch.plan.types import Plan
from daemon.engines.sketch.render.master import Beside

_LARGEST_BYTES = 32 << 20
_MIDI_MARK = b"MThd"
_NEAR_S = 0.05
USED_BY = frozenset({"generate", "bgm", "layer", "retake"})
NOT_USED = "`plan` was not used: {op} writes its own; give it to generate, bgm, layer or retake."


def read_plan(path: Path, styles: Mapping[str, Style]) -> Plan:
    """Return the plan in a file, JSON or MIDI. Raises 201 (unreadable) and 101 (neither)."""
    return plan_from_data(path, file_data(path), styles)


def file_data(path: Path) -> bytes:
    """Return what is in a file that may hold a plan. Raises 201."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except OSError as reason:
        raise error(201, f"{path} can't be read ({reason.strerror}): check its rights") from None
    if len(data) > _LARGEST_BYTES:
        raise error(201, f"{path} is over 32 MiB: give a plan (JSON) or a MIDI file")
    return data


def plan_from_data(path: Path, data: bytes, styles: Mapping[str, Style]) -> Plan:
    """Return the plan in the `data` of a file. Raises 101."""
    if data.startswith(_MIDI_MARK):
        return plan_from_midi(data, styles)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if not text.lstrip().startswith("{"):
        raise error(101, f"{path} is neither a plan nor MIDI: give plan-1.json or midi-1.mid")
    return plan_from_json(text)


def told_plan(studio: Studio, options: Mapping[str, Any]) -> Plan | None:
    """Return the plan that `plan` names, None when it is not given; `humanize` scales its feel."""
    if not options.get("plan"):
        return None
    return with_share(read_plan(Path(options["plan"]), studio.styles), options.get("humanize"))


def with_share(plan: Plan, humanize: float | None) -> Plan:
    """Return the plan with a share of its deviations from the grid; as it is when not told."""
    if humanize is None:
        return plan
    parts = tuple(
        replace(part, notes=tuple(replace(n, offset_s=n.offset_s * humanize) for n in part.notes))
        for part in plan.parts
    )
    return replace(plan, parts=parts)


def replayed(
    studio: Studio,
    plan: Plan,
    request: Request,
    port: Port,
    beside: Beside | None = None,
    notes: Sequence[str] = (),
) -> Result:
    """Render `plan` into the request's one span, as the job that wrote it did."""
    span = request.spans[0]
    told = sound(studio, plan, request, span, port, beside)
    name = Path(request.options["plan"]).name
    said = (
        f"The plan {name} was rendered as it stands.",
        *cut_notes(plan),
        *_length(plan, request, span),
    )
    said += _length(plan, request, span)
    return Result(key=plan.key, notes=(*said, *notes, *told), documents=documents(plan, port.check))


def cut_notes(plan: Plan) -> tuple[str, ...]:
    """Say where a plan's length cuts its notes, as when its tempo was edited down."""
    last_s = max((plan.onset_s(n) for part in plan.parts for n in part.notes), default=0.0)
    if last_s <= plan.end_s + _NEAR_S:
        return ()
    return (
        f"The plan's `length_s` cuts it at {plan.end_s:.1f} s, though notes begin up to "
        f"{last_s:.1f} s: raise it to hear them.",
    )


def _length(plan: Plan, request: Request, span: Span) -> tuple[str, ...]:
    missing = span.end / request.rate - plan.end_s
    if missing > _NEAR_S:
        return (f"The plan ends {missing:.1f} s before what was asked for.",)
    return (f"The plan goes on for {-missing:.1f} s after the cut.",) if missing < -_NEAR_S else ()
