"""From a job call to its flat request: keys, presets and context in their order of precedence.

key in the job, preset named in the job, context and `set`, preset named by `set`, engine default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.protocol.check import JobCall, known_keys, limit_keys, shape_keys
from bridge.protocol.errors import error
from bridge.protocol.ops import OP
from daemon.core.context import Snapshot

# Forms of the same thing: a layer gives one, and it hides the others in the layers below.
FORMS = (
    ("start", "start_frame", "start_beat"),
    ("end", "end_frame", "end_beat"),
    ("clip_start", "clip_start_frame"),
    ("clip_end", "clip_end_frame"),
    ("seconds", "bars"),
    ("lyrics", "lyrics_file"),
)
_HIDES = {name: frozenset(group) - {name} for group in FORMS for name in group} | {
    "bpm": frozenset({"tempomap"}),
    "meter": frozenset({"tempomap"}),
    "tempomap": frozenset({"bpm", "meter"}),
}
_SUFFIXES = ("_frame", "_beat", "")
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
    if source is None and "of" in job:
        source = source_of(job["of"])
    inherited = source is None and OP[call.op].needs_source
    if inherited:
        source = snapshot.source
    same = source is not None and snapshot.source is not None and same_file(source, snapshot.source)
    context = snapshot.for_source(same)
    values: dict[str, Any] = {}
    for layer in (
        _preset(snapshot.defaults, presets),
        context,
        _preset(job, presets),
        job,
    ):
        _lay_over(values, layer)
    _needs(call.op, source, values)
    limit_keys(job)
    region = {"start", "end"} & values.keys()
    clamp = same and snapshot.selection_clamps and not region & job.keys()
    return Resolved(call.op, call.id, source, values, frozenset(job), clamp)


def _preset(layer: Mapping[str, Any], presets: Presets) -> Mapping[str, Any]:
    return presets(layer["preset"]) if layer.get("preset") else {}


def _lay_over(values: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for name, value in layer.items():
        for hidden in _HIDES.get(name, ()):
            if hidden not in layer:
                values.pop(hidden, None)
        values[name] = value


def _one_form(job: Mapping[str, Any]) -> None:
    for group in FORMS:
        given = [name for name in group if name in job]
        if len(given) > 1:
            raise error(101, f"{' and '.join(given)} say the same thing: give one of them")
    forms = {_form(name) for group in FORMS[:2] for name in group if name in job}
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
    if OP[op].region_is_span and "start" in OP[op].needs:
        _needs_region(op, values)


def _needs_region(op: str, values: Mapping[str, Any]) -> None:
    has_start, has_end = (any(n in values for n in group) for group in FORMS[:2])
    if not has_start and not has_end:
        raise error(107, f"{op} needs a region: select the bars, or send start and end")
    if not (has_start and has_end):
        lacks = "end" if has_start else "start"
        raise error(101, f"{op} needs {lacks} as well: send start and end")
