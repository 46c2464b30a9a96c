"""The shelf: every file and every growing job that may be played, and programmes made of them.

A programme is described by plain data, as the control plane sends it:

    {"id", "take", "role", "rate", "frames", "start", "loop": [first, end], "origin_s",
     "pairs": {"mix": [layer, …], "drums": [layer, …], …}}

with frames at `rate` (Hz) and a layer a list of segments `{"start", "end", "offset"}` with either
`"file"` (an absolute path) or `"live"` (`[job id, role]`; the role `stems` means all of them).

Threads: all methods belong to the thread that hears the control plane.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

from bridge.protocol.errors import error
from daemon.player.converted import Converted
from daemon.player.program import Program
from daemon.player.samples import FileSamples, LiveSamples, Samples, Segment, Timeline
from daemon.player.stack import Stack

_MOST_KEPT = 512 << 20  # bytes of files that may be heard again; what plays is kept besides
STEMS = "stems"
_SAMPLE = 4  # bytes


class Shelf:
    """What is in memory."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, int], FileSamples] = {}
        self._heard: WeakValueDictionary[tuple[str, int], FileSamples] = WeakValueDictionary()
        self._live: dict[tuple[str, str], LiveSamples] = {}
        self._stacks: dict[str, Stack] = {}

    # -- running jobs ------------------------------------------------------------------------------

    def open_live(self, job: str, role: str, frames: int, channels: int, rate: int) -> None:
        """Make room for a role of a running job; stems also join the job's sum."""
        if (job, role) in self._live:
            return
        samples = self._live[(job, role)] = LiveSamples(frames, channels)
        if role.startswith("stem:"):
            self._stack(job, frames, rate).add(samples)

    def _stack(self, job: str, frames: int, rate: int) -> Stack:
        if job not in self._stacks:
            self._stacks[job] = Stack(frames, rate)
        return self._stacks[job]

    def live(self, job: str, role: str) -> LiveSamples:
        """Return a role of a running job that has been opened."""
        return self._live[(job, role)]

    def drop_live(self, job: str) -> None:
        """Forget a job; programmes that still play it keep their samples."""
        for key in [k for k in self._live if k[0] == job]:
            del self._live[key]
        self._stacks.pop(job, None)

    # -- files -------------------------------------------------------------------------------------

    def file(self, path: str) -> FileSamples:
        """Return a file's samples, read from now on. Raises 101, 200, 201, 204."""
        found = FileSamples(path)
        key = (path, found.info.mtime_ns)
        known = self._files.pop(key, None) or self._heard.get(key, found)
        self._files[key] = self._heard[key] = known
        self._make_room()
        return known

    def _make_room(self) -> None:
        """Forget the files that were asked for longest ago; programmes keep theirs."""
        total = sum(f.frames * f.channels * _SAMPLE for f in self._files.values())
        for key in list(self._files)[:-1]:
            if total <= _MOST_KEPT:
                return
            old = self._files.pop(key)
            total -= old.frames * old.channels * _SAMPLE

    # -- programmes --------------------------------------------------------------------------------

    def program(self, told: Mapping[str, Any], rate: int) -> Program:
        """Return a programme at an output's rate. Raises 101, 200, 201, 202, 204."""
        own, frames = told["rate"], told["frames"]
        scale = rate / own
        pairs: dict[str, Samples] = {}
        load: list[Callable[[float], bool]] = []
        used: dict[int, LiveSamples] = {}
        for name, layers in told["pairs"].items():
            line = Timeline([[self._segment(s, own) for s in layer] for layer in layers], frames)
            load += [_loader(s, own) for layer in line.layers for s in layer]
            used |= {id(s): s for s in _live_in(line)}
            pairs[name] = line
            if rate != own:
                converted = pairs[name] = Converted(line, own, rate)
                load.append(lambda at, c=converted: c.load(round(at * rate)))  # type: ignore[misc]
        first, end = (round(f * scale) for f in told["loop"])
        whole = round(frames * scale)
        return Program(
            id=told["id"],
            take=told["take"],
            role=told["role"],
            rate=rate,
            frames=whole,
            start=min(round(told["start"] * scale), whole),
            loop=(first, min(end, whole)),
            pairs=pairs,
            origin_s=told["origin_s"],
            live=tuple(used.values()),
            live_rate=own,
            load=tuple(load),
        )

    def _segment(self, told: Mapping[str, Any], rate: int) -> Segment:
        start, end, offset = told["start"], told["end"], told.get("offset", 0)
        if "file" in told:
            samples = self.file(told["file"])
            if offset + end - start > samples.frames + 1:
                changed = f"{told['file']} has become shorter since the job was made"
                raise error(202, f"{changed}: put it back, or run the job again")
            return Segment(start, end, samples, offset)
        job, role = told["live"]
        if role == STEMS:
            return Segment(start, end, self._stack(job, end - start, rate), offset)
        return Segment(start, end, self._live[(job, role)], offset)


def _loader(segment: Segment, rate: int) -> Callable[[float], bool]:
    """Return what loads one more block of a segment near a time of the programme."""
    samples = segment.samples
    if not isinstance(samples, FileSamples):
        return lambda _at: False

    def load(at_s: float) -> bool:
        at = min(max(round(at_s * rate), segment.start), segment.end - 1)
        return samples.load(at - segment.start + segment.offset)

    return load


def _live_in(line: Timeline) -> list[LiveSamples]:
    found: list[LiveSamples] = []
    for layer in line.layers:
        for segment in layer:
            if isinstance(segment.samples, LiveSamples):
                found.append(segment.samples)
            elif isinstance(segment.samples, Timeline):
                found += _live_in(segment.samples)
    return found
