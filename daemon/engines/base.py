"""The contract between the worker and an engine.

The worker reads the source, cuts out the clip, converts it to the engine's rate and to stereo, and
hands it over as a `Request`. The engine answers with `Chunk`s of new material through its `Port`,
and with a `Result` at the end. The worker takes that material back to the source's rate and
channels and splices it; an engine never touches files, formats, fades or levels at a seam.

Units: samples are float32 `(frames, 2)`, nominal peak ±1. Every frame number counts from the first
sample of `Request.clip` at `Request.rate`; a span may lie before it (negative) or beyond its end.

Threads: the worker calls every method from one thread. `Port` methods may be called only from
inside the method that the port was given to, on that same thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bridge.protocol.limits import Limits
from daemon.audio.clips import Samples
from daemon.audio.grid import Grid


class Cancelled(Exception):
    """Raised by `Port.check` when the job was cancelled; an engine lets it pass."""


@dataclass(frozen=True)
class Capabilities:
    """What an engine can do, as plain data; cheap to make, before anything is loaded.

    `ops` are names of section 3 of the protocol. `keys` are the keys of section 4 that the engine
    reads (the daemon's own, such as `seed`, `takes` or `format`, need not be named). `bandwidth_hz`
    is the highest frequency it makes, None when only its rate limits it. `context_s` is how much
    of the clip it wants to hear around a region, per side, when the job does not say. `in_blocks`
    are the ops whose clip it takes as a `ClipReader`, which holds nothing of a long clip; for all
    others it gets an array. `plan_settles` names, for each op that plays a plan, the keys that
    count for nothing then. `window_step_s`, `window_lengths_s` and `window_border_s` say how it
    wants the window of a long clip cut; see `daemon.core.windowing`. For ops in `hears_beside` a
    clip of less than `window_least_s` is heard with more of its source. `prepares` are the ops for
    which it has the methods of `Ahead`. `limits` are what it refuses of the keys' values, so that
    such a job is refused before it is accepted.
    """

    name: str
    version: str
    summary: str
    ops: frozenset[str]
    keys: frozenset[str]
    bandwidth_hz: float | None = None
    needs_model: bool = False
    context_s: float = 16.0
    in_blocks: frozenset[str] = frozenset()
    plan_settles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    prepares: frozenset[str] = frozenset()
    window_step_s: float = 0.0
    window_lengths_s: tuple[float, ...] = ()
    window_border_s: float = 0.0
    window_least_s: float = 0.0
    hears_beside: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready data: what the control plane and clients may care about."""
        return {
            "name": self.name,
            "version": self.version,
            "summary": self.summary,
            "ops": sorted(self.ops),
            "keys": sorted(self.keys),
            "bandwidth_hz": self.bandwidth_hz,
            "needs_model": self.needs_model,
            "context_s": self.context_s,
            "prepares": sorted(self.prepares),
            "limits": self.limits.as_dict(),
        }


@dataclass(frozen=True)
class Span:
    """A stretch of frames `[start, end)` that the engine is to fill, in frames of the clip."""

    start: int
    end: int

    @property
    def frames(self) -> int:
        """Length in frames."""
        return self.end - self.start


@dataclass(frozen=True)
class Request:
    """One take of one job, ready to be made.

    - `clip`: float32 `(frames, 2)` at `rate`: for `repaint` the region with its context, for
      `extend` what lies beside the join, else the whole clip; `(0, 2)` where there is no source.
      An array, or for the ops in `Capabilities.in_blocks` a `ClipReader`: that is sliced like an
      array (`clip[a:b]`, `len(clip)`), gone through with `clip.blocks()`, and `clip.digest` tells
      clips apart. Neither is to be written to.
    - `spans`: what to make. One for most ops, two for `extend` on both sides (before, after).
      `analyze` has none.
    - `handle`: frames that the engine makes beyond each end of each span as well, so that the
      worker can resample and align; material there is never heard.
    - `grid`: bars and beats, in seconds from the first sample of the clip. Always present: what the
      client did not tell has been analysed. `grid_told` says whether the client told the tempo.
    - `tempo_confidence`, `downbeat_confidence`: 0…1, how sure tempo and bar line of `grid` are; 1
      for what the client told.
    - `key`: `C# minor` or None when not told.
    - `seed`: 0…2³¹−1, already counted up for the take.
    - `options`: the other keys of section 4 that apply (`prompt`, `lyrics`, `strength`, `track`,
      `stems`, …), converted and in range; a key that was not given is absent.
    - `source_start`: frames at `rate` from the source's first sample to the clip's first.
    - `cut`: frames at `rate` by which the source's clip goes on before and after what is handed
      over; where it does, `Capabilities.window_border_s` is there to be heard, not relied on.
    - `later_seeds`: those of the takes of this job that are still to come, in their order.
    - `take`: number of this take, from 1. `job`: the job's id, empty for a preparation; what an
      engine keeps of a job on the disk lies in `cache/<engine>/<job>` of Punchin's data folder, and
      is removed with the job.
    - `origin`: for `retake` of what was made to another clip (`layer`, `bgm`, `edit`) that clip, on
      the result's time line, as `clip` is handed over; None where it can't be had any more. It
      begins `origin_lead` frames sooner and goes on `origin_tail` frames longer where more of it
      was heard then.
    - `source_mark`: tells the clip's file, as it is now, from others; empty where there is none.
    """

    op: str
    clip: Samples
    rate: int
    spans: tuple[Span, ...]
    handle: int
    grid: Grid
    grid_told: bool
    key: str | None
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)
    tempo_confidence: float = 1.0
    downbeat_confidence: float = 1.0
    origin: Samples | None = None
    source_mark: str = ""
    source_start: int = 0
    cut: tuple[int, int] = (0, 0)
    later_seeds: tuple[int, ...] = ()
    take: int = 1
    job: str = ""
    origin_lead: int = 0
    origin_tail: int = 0

    def __post_init__(self) -> None:
        assert self.clip.shape[1:] == (2,), self.clip.shape
        assert self.clip.dtype == np.float32, self.clip.dtype


@dataclass(frozen=True)
class Chunk:
    """A piece of new material: float32 `(frames, 2)` that begins at frame `start` of the clip.

    `role` is `region` for `repaint`, `extend`, `cover`, `retake` and `edit`, `stem:<name>` for
    `bgm`, `generate`, `layer` and `stems`, and for a `retake` that plays stems to `origin` again.
    Chunks of one role arrive in order and do not overlap; a `provisional` one may be followed by a
    final one for the same frames.
    """

    role: str
    start: int
    samples: np.ndarray
    provisional: bool = False


@dataclass(frozen=True)
class Result:
    """What an engine tells about a take once its chunks have left.

    `key`: the key it worked in, or None. `notes`: sentences for the musician (what was not
    possible, what was guessed). `documents`: further files, by role: `plan` (JSON text), `midi`
    (bytes of a standard MIDI file) and `recipe` (JSON text: what an engine needs to make a take's
    variation later). `analysis`: the answer to `analyze`, JSON-ready, with times in
    seconds from the first sample of the clip. `seed`: what the take was made from where that is
    not the request's own: an engine may give a job's takes in another order than it made them.
    `unused`: keys that the op takes and this take had no use for.
    """

    key: str | None = None
    notes: tuple[str, ...] = ()
    documents: Mapping[str, bytes | str] = field(default_factory=dict)
    analysis: Mapping[str, Any] | None = None
    seed: int | None = None
    unused: tuple[str, ...] = ()


class Port(Protocol):
    """What an engine may ask of the worker while it runs."""

    def check(self) -> None:
        """Raise `Cancelled` if the job was cancelled. Call at least every 100 ms of work."""

    def progress(self, fraction: float, stage: str) -> None:
        """Report 0…1 of this take and a word or two for what is being done."""

    def emit(self, chunk: Chunk) -> None:
        """Hand over new material. Blocks while the control plane is behind."""


@dataclass(frozen=True)
class Heard:
    """Tempo and bars of a clip, as analysed. `confidence` is 0…1, of both together.

    An engine that tells them apart gives `tempo_confidence` and `downbeat_confidence`, 0…1;
    `confidence` stands for each that is None. What is told is not asked for here: for that the
    worker takes 1.

    `length_s` is how long the piece is that the options hold (a plan); None where they hold none.
    With `is_plan` the grid is that plan's, whatever was told of tempo, metre and bars.
    """

    grid: Grid
    confidence: float
    length_s: float | None = None
    is_plan: bool = False
    tempo_confidence: float | None = None
    downbeat_confidence: float | None = None


class Engine(Protocol):
    """An engine. Its class is what an entry point in the group `punchin.engines` names.

    The module that the entry point names must import quickly: heavy packages are imported in
    `load`. An op outside `capabilities().ops` is never asked for. Errors for the musician are
    raised as `bridge.protocol.errors.PunchinError`; any other exception fails the job as 500.
    """

    def capabilities(self) -> Capabilities:
        """Return what this engine can do; works before `load`."""

    def load(self, model: str | None, port: Port) -> str:
        """Make ready to run and return the device's name (`cpu`, `cuda:0`). May be called again.

        More about how it runs there may follow after a comma.
        """

    def rate_for(self, source_rate: int) -> int:
        """Return the sample rate (Hz) this engine wants for a source of `source_rate`."""

    def listen(
        self,
        clip: Samples,
        rate: int,
        bpm: float | None,
        metre: tuple[int, int] | None,
        options: Mapping[str, Any],
        port: Port,
    ) -> Heard:
        """Find what is not told of tempo (None), metre (None) and bars of `clip` `(frames, 2)`.

        `clip` comes as in the `Request` that follows.

        Without a clip (`(0, 2)`) the grid that the engine would choose for `options`.
        """

    def run(self, request: Request, port: Port) -> Result:
        """Make one take: same request and seed, same samples."""

    def unload(self) -> None:
        """Free what `load` took."""


class Ahead(Engine, Protocol):
    """What an engine may do besides, while nobody waits for it; needed where it `prepares` an op.

    Both methods are called between jobs. `port.check` and `port.progress` raise `Cancelled` as soon
    as something is asked of the worker, and a job waits until then: check often. What is emitted
    goes nowhere.
    """

    def prepare(self, request: Request, port: Port) -> None:
        """Compute ahead what `run` will want for a request like this one, whatever its seed.

        The same samples come of it as without.
        """

    def idle(self, port: Port) -> None:
        """Use the time, or return: after a job, and after a preparation."""
