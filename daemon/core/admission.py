"""Admission: everything that is checked between a job call and `accepted`.

The order is the contract's: unknown keys, shape and needs, ranges, source, region. What touches
files runs on a thread with a time limit, so that a dead network mount can't hold up the house.

Threads: `admit` belongs to the control loop.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from bridge.protocol.check import JobCall
from bridge.protocol.errors import error
from bridge.protocol.kinds import SEED_MAX
from bridge.protocol.limits import Limits, hold, hold_length, hold_lyrics
from bridge.protocol.loras import NONE, parse
from bridge.protocol.ops import KEY
from daemon.audio.grid import Grid
from daemon.audio.types import SourceInfo
from daemon.core.context import Snapshot, wire_value
from daemon.core.jobs import Job
from daemon.core.origin import Origin
from daemon.core.planner import Parts, Work, layout, plan
from daemon.core.ports import Files
from daemon.core.request import GRID, Presets, Resolved, resolve

FILE_TIMEOUT_S = 15.0  # a disk that sleeps takes up to ten to spin up
_NAMED_FILES = ("reference", "plan", "melody")


@dataclass(frozen=True)
class Admitted:
    """A request that is ready to become a job: wire values, and the planner's facts."""

    request: dict[str, Any]
    facts: dict[str, Any]
    told: frozenset[str]


class Results(Protocol):
    """What is known of earlier jobs by a reference, `id` or `id:take`."""

    def name_of(self, reference: str) -> str:
        """Return the reference with the job's id as it is written."""

    def source_of(self, reference: str) -> str:
        """Return the path of its mix. Raises 101, 108."""

    def parts_of(self, reference: str) -> Parts | None:
        """Return the frames that were new in it, None for all of it."""

    def origin_of(self, reference: str) -> Origin | None:
        """Return what it was made to, where a variation needs that."""

    def told_of(self, reference: str) -> Mapping[str, Any]:
        """Return what was told of its tempo, metre, bars and key."""


class Admission:
    """Checks job calls. `default_rate` (Hz) serves jobs without a source.

    `limits(engine)` are what an engine refuses, None standing for the one that a job gets.
    """

    def __init__(
        self,
        files: Files,
        presets: Presets,
        results: Results,
        default_rate: int,
        limits: Callable[[str | None], Awaitable[Limits]],
    ) -> None:
        self._files = files
        self._presets = presets
        self._results = results
        self._rate = default_rate
        self._limits = limits

    async def admit(self, call: JobCall, snapshot: Snapshot) -> Admitted:
        """Return what the job will be. Raises PunchinError, in the contract's order."""
        asked = await on_thread(self._resolve, call, snapshot)
        values = {**self._told_of_source(call, asked), **asked.values}
        limits = await self._limits(values.get("engine"))
        hold(limits, asked.op, values)
        values.setdefault("seed", secrets.randbelow(SEED_MAX + 1))
        source = await self._look(asked, values, limits)
        clamp = asked.clamp
        parts, origin = None, None
        if "of" in values:
            values["of"] = self._results.name_of(values["of"])
            if asked.op == "retake":
                parts = self._results.parts_of(values["of"])
                origin = self._results.origin_of(values["of"])
        facts = {"source": source and source.as_dict(), "rate": self._rate, "clamp": clamp}
        work = plan(asked.op, values, source, self._rate, clamp, parts)
        _hold_lengths(limits, work)
        if work.parts:
            facts["parts"] = parts
        if origin and source and work.clip == (0, source.frames):
            facts["origin"] = asdict(origin)
        request = {"source": asked.source} if asked.source else {}
        request |= {k: wire_value(k, v) for k, v in values.items()}
        return Admitted(request, facts, asked.told)

    def _told_of_source(self, call: JobCall, asked: Resolved) -> Mapping[str, Any]:
        """Return the grid, unless another tempo is told, and the key of a result as the source."""
        values = asked.values
        if call.source is not None or "of" not in values:
            return {}
        told = self._results.told_of(values["of"])
        if {"bpm", "tempomap"} & values.keys():
            return {k: v for k, v in told.items() if k not in GRID}
        return told

    def _resolve(self, call: JobCall, snapshot: Snapshot) -> Resolved:
        return resolve(call, snapshot, self._presets, _same_file, self._results.source_of)

    async def _look(
        self, asked: Resolved, values: dict[str, Any], limits: Limits
    ) -> SourceInfo | None:
        """Open what the request names: the source first, then the other files."""
        source = None
        if asked.source:
            source = await on_thread(self._files.probe, asked.source)
        if "lyrics_file" in values:
            values["lyrics"] = await on_thread(self._files.text, values["lyrics_file"])
        for key in _NAMED_FILES:
            if key in values:
                await on_thread(self._files.exists, values[key])
        for path, scale in parse(values.get("lora", NONE)).items() if limits.loras else ():
            if scale:
                await on_thread(self._files.lora, path)
        if "folder" in values:
            await on_thread(self._files.folder, values["folder"])
        return source


def _hold_lengths(limits: Limits, work: Work) -> None:
    """Raise 103 for what is too long to be made or sung, as far as that is known by now."""
    clip_s = (work.clip[1] - work.clip[0]) / work.rate
    hold_lyrics(limits, work.op, str(work.options.get("lyrics", "")), clip_s)
    grid = work.told.grid(has_source=False)
    if work.op in limits.longest_s and (grid or work.seconds is not None):
        made = layout(work, grid or Grid.steady(120.0), 0.0).mix_frames
        hold_length(limits, work.op, made / work.rate)


def work_of(job: Job) -> Work:
    """Return the planner's work for an accepted job, also one that was read back from disk."""
    # What an earlier run heard stands in the request, but the job runs again as it was asked for.
    heard = job.facts.get("heard", ())
    told = {k: v for k, v in job.request.items() if k in KEY and k not in heard}
    values = {k: _value(k, v) for k, v in told.items()}
    facts = job.facts["source"]
    source = SourceInfo(**facts) if facts else None
    parts = tuple((a, b) for a, b in job.facts["parts"]) if "parts" in job.facts else None
    work = plan(job.op, values, source, job.facts["rate"], job.facts["clamp"], parts)
    origin = Origin.from_dict(job.facts["origin"]) if "origin" in job.facts else None
    return replace(work, seed=job.request["seed"], origin=origin, job=job.id)


def _value(key: str, wire: Any) -> Any:
    return KEY[key].kind.shape(wire)


def _same_file(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        return Path(a).samefile(b)
    except (OSError, ValueError):
        return False


async def on_thread(work: Callable[..., Any], *args: Any) -> Any:
    """Return what a look at a file returns. Raises what it raises, 201 where it takes too long."""
    try:
        async with asyncio.timeout(FILE_TIMEOUT_S):
            return await asyncio.to_thread(work, *args)
    except TimeoutError:
        raise error(
            201, f"the file did not answer within {FILE_TIMEOUT_S:g} s: check the drive it is on"
        ) from None


def ignored(told: frozenset[str], used: Mapping[str, bool]) -> list[str]:
    """Return the keys that the job named and nobody uses."""
    return sorted(name for name in told if not used.get(name, False))


def with_unused(job: Job, unused: Iterable[str]) -> list[str]:
    """Return a job's ignored keys with those of its own that a take had no use for."""
    return sorted({*job.result["ignored"], *({*unused} & {*job.facts["told"]})})
