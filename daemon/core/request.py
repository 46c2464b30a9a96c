"""From a job call to its flat request: keys, presets and context in their order of precedence.

key in the job, preset named in the job, context and `set`, preset named by `set`, engine default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.protocol.check import JobCall, known_keys, limit_keys, shape_keys
from bridge.protocol.errors import PunchinError, error
from bridge.protocol.ops import KEY, OP
from daemon.core.context import Snapshot
from daemon.core.forms import FORMS, HIDES, REGION

_SUFFIXES = ("_frame", "_beat", "")
GRID = frozenset({"bpm", "meter", "downbeat"})
"""The keys of a steady tempo."""
Presets = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True)
class Resolved:
    """A request whose keys are settled, before any file was looked at.

    `values`: every key that applies, converted. `told`: the keys that the job itself named.
    `clamp`: the region was derived from a DAW's selection, which may end beyond the file.
    """

    op: str
    id: str
    source: str | None
    values: Mapping[str, Any]
    told: frozenset[str]
    clamp: bool = False


def resolve(
    call: JobCall,
    snapshot: Snapshot,
    presets: Presets,
    same_file: Callable[[str, str], bool],
    source_of: Callable[[str], str],
) -> Resolved:
    """Check and merge. Raises 102, 101, 106, 107, 103 in the contract's order.

    `presets(name)` gives a preset's values or raises 103; `source_of(reference)` the file that `of`
    means or raises 108.
    """
    known_keys(call.keys)
    job = shape_keys(call.keys)
    _one_form(job)
    source = call.source
    if source is None and _takes_source(call.op):
        limit_keys({k: v for k, v in job.items() if k == "of"})
        source = source_of(job["of"]) if "of" in job else snapshot.source
    same = source is not None and snapshot.source is not None and same_file(source, snapshot.source)
    problems: list[PunchinError] = []
    values: dict[str, Any] = {}
    for layer in (
        _preset(snapshot.defaults, presets, problems),
        snapshot.for_source(same),
        {k: v for k, v in snapshot.defaults.items() if k != "preset"},
        _preset(job, presets, problems),
        job,
    ):
        _lay_over(values, layer)
    _needs(call.op, source, values)
    limit_keys(job)
    for problem in problems:
        raise problem
    region = {"start", "end"} & values.keys()
    clamp = same and snapshot.selection_clamps and not region & job.keys()
    return Resolved(call.op, call.id, source, values, frozenset(job), clamp)


def _takes_source(op: str) -> bool:
    return any("source" in need.split("|") for need in OP[op].needs)


def _preset(
    layer: Mapping[str, Any], presets: Presets, problems: list[PunchinError]
) -> Mapping[str, Any]:
    """Return the values of the preset that a layer names; an unknown one is told in its turn."""
    if not layer.get("preset"):
        return {}
    try:
        return presets(layer["preset"])
    except PunchinError as problem:
        problems.append(problem)
        return {}


def _lay_over(values: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for name, value in layer.items():
        for hidden in HIDES.get(name, ()):
            if hidden not in layer:
                values.pop(hidden, None)
        values[name] = value


def _one_form(job: Mapping[str, Any]) -> None:
    for group in FORMS:
        given = [name for name in group if name in job]
        if len(given) > 1:
            raise error(101, f"{' and '.join(given)} say the same thing: give one of them")
    forms = {_form(name) for group in REGION for name in group if name in job}
    if len(forms) > 1:
        raise error(101, "the region's start and end have different forms: give both in one form")


def _form(name: str) -> str:
    return next(suffix for suffix in _SUFFIXES if name.endswith(suffix))


def _needs(op: str, source: str | None, values: Mapping[str, Any]) -> None:
    for need in OP[op].needs:
        names = need.split("|")
        if "source" in names:
            if source is None and not any(n in values for n in names):
                raise error(107, f"{op} needs a source: select a clip, or send its file's path")
        elif names[0] in ("start", "end"):
            continue
        elif not any(values.get(n) not in (None, "") for n in names):
            raise error(101, f"{op} needs {' or '.join(names)}: send {names[0]} and a value")
    if values.get("stretch") and op in KEY["stretch"].ops:
        _needs_bpm(values)
    if OP[op].region_is_span and "start" in OP[op].needs:
        _needs_region(op, values)


def _needs_bpm(values: Mapping[str, Any]) -> None:
    if values.get("bpm") is None or values.get("tempomap"):
        raise error(101, "stretch needs the one tempo to bring the clip to: send bpm and a value")


def _needs_region(op: str, values: Mapping[str, Any]) -> None:
    has_start, has_end = (any(n in values for n in group) for group in REGION)
    if not has_start and not has_end:
        raise error(107, f"{op} needs a region: select the bars, or send start and end")
    if not (has_start and has_end):
        lacks = "end" if has_start else "start"
        raise error(101, f"{op} needs {lacks} as well: send start and end")
