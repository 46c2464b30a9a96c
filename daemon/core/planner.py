"""The planner: from a request and a file's header to sample-exact work. Standard library only.

Frames are the source's samples. What depends on a tempo that nobody told (a region in beats, a
length in bars) is settled by `layout` in the worker, once the clip has been listened to; with a
told tempo the control plane calls the same function to refuse a bad region before `accepted`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bridge.protocol.errors import error
from bridge.protocol.ops import DAEMON_KEYS, KEY, OP
from daemon.audio.grid import Grid
from daemon.audio.types import SourceInfo
from daemon.core.origin import Origin
from daemon.core.windowing import ANYWHERE, Windowing

Parts = tuple[tuple[int, int], ...]
"""Spans of frames, each `[start, end)`, in their order."""

SLACK_S = 0.010  # an end this far beyond the file means its end
SHORTEST_S = 0.010
SIDES = {"after": (False, True), "before": (True, False), "both": (True, True)}


@dataclass(frozen=True)
class Told:
    """What the client told of the musical grid; None where analysis has to say."""

    bpm: float | None = None
    meter: str | None = None
    downbeat: float | None = None
    tempomap: tuple[tuple[float, ...], ...] | None = None
    key: str | None = None

    @property
    def tempo(self) -> bool:
        """Whether tempo is told."""
        return self.bpm is not None or self.tempomap is not None

    @property
    def metre(self) -> tuple[int, int]:
        """Beats and unit; 4/4 when not told."""
        beats, unit = (self.meter or "4/4").split("/")
        return int(beats), int(unit)

    def grid(self, has_source: bool = True) -> Grid | None:
        """Return the grid if enough is told: with a source a downbeat too, without one the metre.

        A tempo map's first entry begins a bar.
        """
        if self.tempomap:
            first = self.tempomap[0][0]
            return Grid.from_rows(self.tempomap, first if self.downbeat is None else self.downbeat)
        if self.bpm is None or (self.downbeat if has_source else self.meter) is None:
            return None
        return Grid.steady(self.bpm, *self.metre, self.downbeat or 0.0)


@dataclass(frozen=True)
class Work:
    """All that a worker needs for a job, plain data.

    `clip`: frames of the source that are the clip (for `repaint` and `edit`: that may be heard).
    `region`: frames to replace, or None. `beats`: a region in quarter notes, still to be settled.
    `stretch`: the clip is to be brought to the told tempo, which is not its own then. `heard`: the
    first take is listened to while it is made, so even what is not final yet is worth sending.
    `parts`: the frames of a clip that may change where the engine makes all of it, or None.
    `around`: frames of the source that may be heard beside a clip that is a part of it, or None.
    `origin`: what the result that is varied was made to, or None. `job`: whose work it is.
    """

    op: str
    seed: int
    takes: int
    source: SourceInfo | None
    clip: tuple[int, int]
    rate: int
    told: Told
    region: tuple[int, int] | None = None
    beats: tuple[float | None, float | None] | None = None
    seconds: float | None = None
    bars: float | None = None
    side: str = "after"
    stretch: bool = False
    heard: bool = False
    parts: Parts | None = None
    origin: Origin | None = None
    job: str = ""
    around: tuple[int, int] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def in_place(self) -> bool:
        """Whether the mix is the source in all but its spans."""
        return self.parts is not None or OP[self.op].region_is_span

    @property
    def over_clip(self) -> tuple[SourceInfo, tuple[int, int]] | None:
        """What sounds under the stems that are made; None where nothing does."""
        if self.op == "layer" and self.source:
            return self.source, self.clip
        if self.origin and self.origin.sounds:
            return self.origin.source, self.origin.clip
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Work:
        """Read `as_dict` back, also after a journey through JSON."""
        told = dict(data["told"])
        if told["tempomap"]:
            told["tempomap"] = tuple(tuple(r) for r in told["tempomap"])
        plain = {**data, "told": Told(**told), "clip": tuple(data["clip"])}
        plain["source"] = SourceInfo(**data["source"]) if data["source"] else None
        plain["origin"] = Origin.from_dict(data["origin"]) if data["origin"] else None
        for name in ("region", "beats", "around"):
            plain[name] = tuple(data[name]) if data[name] else None
        plain["parts"] = tuple(map(tuple, data["parts"])) if data["parts"] else None
        return cls(**plain)


@dataclass(frozen=True)
class Layout:
    """Where everything lies, in frames of the source; a span may lie outside the source.

    `window` is what the engine hears, `spans` what it makes. In the mix, the clip's first sample is
    at `source_frame`; `regions` are the spans there.
    """

    window: tuple[int, int]
    spans: tuple[tuple[int, int], ...]
    mix_frames: int
    source_frame: int
    regions: tuple[tuple[int, int], ...]


def plan(
    op: str,
    values: Mapping[str, Any],
    source: SourceInfo | None,
    default_rate: int,
    clamp: bool = False,
    parts: Parts | None = None,
) -> Work:
    """Return the work for a resolved request. Raises 203.

    `parts` are what was new in the result that is varied: without a region only that may change.
    """
    told = Told(*(values.get(k) for k in ("bpm", "meter", "downbeat", "tempomap", "key")))
    work = Work(
        op=op,
        seed=values["seed"],
        takes=values.get("takes", 1),
        source=source,
        clip=(0, source.frames if source else 0),
        rate=source.rate if source else default_rate,
        told=told,
        seconds=values.get("seconds"),
        bars=values.get("bars"),
        side=values.get("side", "after"),
        stretch=bool(values.get("stretch")) and op in KEY["stretch"].ops,
        heard=bool(set(values.get("sinks", ())) - {"file"}),
        # An engine may have presets of its own, such as styles.
        options={k: v for k, v in values.items() if k not in DAEMON_KEYS or k == "preset"},
    )
    if source is None or (not OP[op].needs_source and op != "retake"):
        return work
    everything = (0, source.frames)
    first, last = _edges(values, "clip_", source, everything)
    bounds = _checked((max(0, first), min(last, source.frames)), source)
    beats = (values.get("start_beat"), values.get("end_beat"))
    if beats != (None, None):
        work = replace(work, clip=bounds, beats=beats)
        # Beats count at the clip's own tempo.
        grid = None if work.stretch else told.grid()
        return settle(work, grid) if grid else work
    whole = "start" not in values and "start_frame" not in values
    whole = whole and "end" not in values and "end_frame" not in values
    if whole:
        region = everything if OP[op].region_is_span else None
        parts = None if work.stretch else parts
        return replace(work, clip=everything, region=region, parts=parts)
    region = _edges(values, "", source, everything)
    return _with_region(replace(work, clip=bounds), _slack(region, source, clamp))


def settle(work: Work, grid: Grid) -> Work:
    """Turn a region in beats into frames. Raises 203."""
    if work.beats is None or work.source is None:
        return work
    start, end = (
        bound if beat is None else round(grid.second_at(beat) * work.rate)
        for beat, bound in zip(work.beats, (0, work.source.frames), strict=True)
    )
    region = _slack((start, end), work.source, False)
    return _with_region(replace(work, beats=None), region)


def layout(work: Work, grid: Grid, context_s: float, cut: Windowing = ANYWHERE) -> Layout:
    """Return where everything lies. `grid` is in seconds of the source."""
    if work.op == "extend":
        return _extend_layout(work, grid, context_s, cut)
    if OP[work.op].region_is_span:
        assert work.region is not None
        assert work.source is not None
        context = round(context_s * work.rate)
        window = cut.around(work.region, work.clip, (context, context), work.rate)
        return Layout(window, (work.region,), work.source.frames, 0, (work.region,))
    if work.op == "generate":
        frames = _length(work, grid, 0.0, False)
        return Layout((0, 0), ((0, frames),), frames, 0, ((0, frames),))
    frames = work.clip[1] - work.clip[0]
    if work.parts:
        return Layout(work.clip, work.parts, frames, 0, work.parts)
    window = cut.with_more(work.clip, work.around or work.clip, work.rate)
    return Layout(window, (work.clip,), frames, 0, ((0, frames),))


def _extend_layout(work: Work, grid: Grid, context_s: float, cut: Windowing) -> Layout:
    start, end = work.clip
    before, after = SIDES[work.side]
    lead = _length(work, grid, start / work.rate, True) if before else 0
    tail = _length(work, grid, end / work.rate, False) if after else 0
    context = min(round(context_s * work.rate), end - start)
    window = (start, end)
    if before and not after:
        window = cut.around((start - lead, start), work.clip, (0, context), work.rate)
    elif after and not before:
        window = cut.around((end, end + tail), work.clip, (context, 0), work.rate)
    spans = [(start - lead, start)] * before + [(end, end + tail)] * after
    moved = tuple((a - start + lead, b - start + lead) for a, b in spans)
    return Layout(window, tuple(spans), lead + end - start + tail, lead, moved)


def _length(work: Work, grid: Grid, join_s: float, backwards: bool) -> int:
    """Frames to make: of the asked seconds, or of the bars from the join on."""
    if work.seconds is not None:
        return max(1, round(work.seconds * work.rate))
    assert work.bars is not None
    return max(1, round(grid.bars_length(join_s, work.bars, backwards) * work.rate))


def _edges(
    values: Mapping[str, Any], prefix: str, source: SourceInfo, default: tuple[int, int]
) -> tuple[int, int]:
    """Frames of `[prefix]start` and `[prefix]end`, in whichever form they were given."""
    frames = []
    for name, otherwise in zip(("start", "end"), default, strict=True):
        seconds = values.get(f"{prefix}{name}")
        frame = values.get(f"{prefix}{name}_frame")
        if frame is None:
            frame = otherwise if seconds is None else round(seconds * source.rate)
        frames.append(frame)
    return frames[0], frames[1]


def _slack(region: tuple[int, int], source: SourceInfo, clamp: bool) -> tuple[int, int]:
    beyond = region[1] - source.frames
    if beyond > 0 and (clamp or beyond <= round(SLACK_S * source.rate)):
        return region[0], source.frames
    return region


def _checked(region: tuple[int, int], source: SourceInfo) -> tuple[int, int]:
    start, end = region
    if start < 0 or end > source.frames:
        raise error(
            203,
            f"the region {start / source.rate:.3f}–{end / source.rate:.3f} s is outside the file, "
            f"which is {source.seconds:.3f} s long: select a part of it",
        )
    if end <= start:
        raise error(203, "the region ends before it begins: swap start and end")
    if end - start < round(SHORTEST_S * source.rate):
        raise error(203, "the region is shorter than 10 ms: select more")
    return region


def _with_region(work: Work, region: tuple[int, int]) -> Work:
    """Take the region as what is replaced, or as the clip."""
    assert work.source is not None
    region = _checked(region, work.source)
    if OP[work.op].region_is_span:
        heard = (min(work.clip[0], region[0]), max(work.clip[1], region[1]))
        return replace(work, region=region, clip=heard)
    return replace(work, clip=region, region=None, around=None if work.stretch else work.clip)
