"""A loaded model and what it has in hand: the one object that every op of the engine works with.

Latents are `(frames, C)` float32; those that go into a problem lie on the CPU, those that come out
of the sampler on the device.

Threads: the worker's main thread, which owns the device.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from daemon.engines.acestep import solving
from daemon.engines.acestep.beside import Beside
from daemon.engines.acestep.cache import MIB, Cache, Caches, caches, window_key
from daemon.engines.acestep.dit.conditions import Conditions, TextStates, encode, encode_text
from daemon.engines.acestep.dit.context import silence
from daemon.engines.acestep.dit.pauses import heeding
from daemon.engines.acestep.dit.quick import quick, ready
from daemon.engines.acestep.dit.sampler import Dit, Problem, dit_of
from daemon.engines.acestep.dit.windows import bucket_for
from daemon.engines.acestep.finite import made_finite
from daemon.engines.acestep.graphs import Steps
from daemon.engines.acestep.latents import decode as decoding
from daemon.engines.acestep.latents import encode as encoding
from daemon.engines.acestep.latents.own import Own
from daemon.engines.acestep.lora import Loras
from daemon.engines.acestep.models.folders import Found
from daemon.engines.acestep.parts import HOP, Checkpoint, Placement, Shared
from daemon.engines.acestep.residence import on_device
from daemon.engines.acestep.share import Share
from daemon.engines.acestep.solving import Glance, Takes, Ways
from daemon.engines.acestep.speculate import Speculation
from daemon.engines.acestep.speed import Speed
from daemon.engines.acestep.tasks import Task, needed
from daemon.engines.acestep.text.prompt import Text
from daemon.engines.acestep.view import View
from daemon.engines.base import Request


class Prepared(Exception):
    """All that can be computed before the first step of the solver is in hand."""


@dataclass(eq=False)
class Session:
    """What is loaded, where it runs, and what was computed before.

    `found` are the checkpoints on disk; `open` gives one of them, loaded. `beside` are models that
    only some ops need. `own` are the latents of results. `kept` is what an op keeps from one take
    of a job to the next. `ways` are how much is done at once, `speed` what is done ahead. `loaded`
    gives the checkpoints that are loaded now, on which `loras` work. `unread` is what a take's
    words lost, in sentences for the musician. `job` is whose take is made.
    """

    placement: Placement
    shared: Shared
    found: tuple[Found, ...]
    open: Callable[[Found], Checkpoint]
    beside: Beside
    caches: Caches = field(default_factory=caches)
    kept: Cache[Any] = field(default_factory=lambda: Cache(256 * MIB))
    own: Own = field(default_factory=Own)
    ways: Ways = field(default_factory=Ways)
    loras: Loras = field(default_factory=Loras)
    loaded: Callable[[], tuple[Checkpoint, ...]] = tuple
    speed: Speed = field(default_factory=Speed)
    speculation: Speculation = field(default_factory=Speculation)
    steps: Steps | None = None
    unread: dict[str, None] = field(default_factory=dict)
    job: str = ""
    _preparing: bool = False
    _check: Callable[[], None] = field(default=lambda: None)

    def __post_init__(self) -> None:
        self.loras.changed = self.weights_changed

    def weights_changed(self) -> None:
        """Let go of what a transformer's weights had a part in."""
        self.caches.weights_changed()
        self.kept.clear()

    def left(self, name: str) -> None:
        """Let go of what was made for a checkpoint that is let go, and holds on to it."""
        self.loras.leave(name)
        self.weights_changed()
        if self.steps is not None:
            self.steps.drop()

    def use_loras(self, scales: Mapping[str, float]) -> None:
        """Have the LoRAs at these paths in use, and no others. Raises 303."""
        self.loras.use({Path(path): scale for path, scale in scales.items()}, self.loaded())

    def checkpoint_for(self, task: Task) -> Checkpoint:
        """Return the checkpoint that does `task`. Raises 301, 302, 303, 304."""
        checkpoint = self.open(needed(task, self.found))
        self.loras.must_fit(checkpoint)
        return self.sent_home(checkpoint)

    def named(self, name: str) -> Checkpoint | None:
        """Return the checkpoint of this name, None where it is not on disk. Raises 303, 304."""
        for found in self.found:
            if found.name == name:
                return self.sent_home(self.open(found))
        return None

    # -- where parts lie ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def only_preparing(self) -> Iterator[None]:
        """Have `solve` raise Prepared in the place of solving anything."""
        self._preparing = True
        try:
            yield
        finally:
            self._preparing = False

    @contextlib.contextmanager
    def giving_way(self, check: Callable[[], None]) -> Iterator[None]:
        """Have `check` called, which may raise, inside work that hears of no port."""
        before, self._check = self._check, check
        try:
            yield
        finally:
            self._check = before

    def working(self, *modules: Any) -> AbstractContextManager[None]:
        """Keep `modules` on the device for the time of the block; needed where they take turns."""
        return on_device(self.placement, *modules)

    def sent_home(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return a checkpoint; where parts take turns it lies on the CPU."""
        if self.placement.offload:
            for module in checkpoint.modules:
                torch.nn.Module.to(module, "cpu")
        return checkpoint

    # -- before sampling ---------------------------------------------------------------------------

    def states(self, text: Text) -> TextStates:
        """Return the encoded words."""

        def encoded() -> TextStates:
            encoder = self.shared.text_encoder
            with self.working(encoder), heeding(self._check, encoder):
                return encode_text(self.shared, text)

        states = self.caches.texts.made(text, encoded)
        self.unread |= dict.fromkeys(states.notes)
        return states

    def conditions(
        self,
        checkpoint: Checkpoint,
        text: Text,
        timbre: torch.Tensor | None = None,
        of: Hashable = None,
    ) -> Conditions:
        """Return what the transformer reads of words and a timbre; `of` names the timbre."""
        states = self.states(text)

        def encoded() -> Conditions:
            encoder = checkpoint.condition_encoder
            with self.working(encoder), heeding(self._check, encoder):
                return encode(checkpoint, states, timbre)

        def finite() -> Conditions:
            parts = (checkpoint.condition_encoder, self.shared.text_encoder)
            return made_finite(encoded, lambda made: made.states, parts, "what the words mean")

        return self.caches.conditions.made((checkpoint.name, text, of), finite)

    def latents(self, request: Request, first: int, last: int, share: Share) -> torch.Tensor:
        """Return the latents of frames `[first, last)` of the request's clip, on the CPU.

        `last` may lie beyond the clip: silence is encoded there. Where the clip is a result of
        this session, what it was decoded of is taken.
        """
        clip = np.asarray(request.clip)
        origin = request.source_start // HOP
        tiles = list(encoding.tiles(first, last, self.ways.tile, origin))
        known, own = self.own.found_in(clip)
        done = []
        for number, (start, end) in enumerate(tiles):
            share.tell(number / len(tiles))
            if own is not None and end <= len(known) and known[start:end].all():
                done.append(own[start:end])
                continue
            heard = encoding.heard_for(clip, start, end)
            at = request.source_start + max(0, start - encoding.HALO) * HOP
            key = (
                window_key(heard, request.source_mark, at),
                min(start, encoding.HALO),
                end - start,
            )
            done.append(self.caches.latents.made(key, partial(self._tile, heard, start, end)))
        latents = torch.cat(done)
        if own is not None:
            here = torch.from_numpy(known[first:last])
            latents[: len(here)][here] = own[first:last][here]
        return latents

    def _tile(self, heard: np.ndarray, start: int, end: int) -> torch.Tensor:
        vae = self.shared.vae

        def encoded() -> torch.Tensor:
            with self.working(vae):
                return encoding.encode_tile(vae, heard, start, end)

        return made_finite(encoded, lambda made: made, [vae], "the clip's latents")

    def source(
        self, request: Request, view: View, checkpoint: Checkpoint, share: Share
    ) -> torch.Tensor:
        """Return the latents of a view, `(view.frames, C)`: the clip's own, silence beside it."""
        out = silence(checkpoint, view.frames).clone()
        limit = encoding.frames_of(len(request.clip))
        first = max(0, view.start)
        last = min(limit + limit % 2, view.start + view.frames)
        if first < last:
            here = slice(first - view.start, last - view.start)
            out[here] = self.latents(request, first, last, share)
        return out

    # -- sampling ----------------------------------------------------------------------------------

    def dit(self, checkpoint: Checkpoint) -> Dit:
        """Return the sampler's view of a checkpoint."""
        made = quick(dit_of(checkpoint), checkpoint.name, self.caches)
        if self.steps is None or self.placement.offload:
            return made
        return replace(made, run=self.steps.run, bucket=bucket_for)

    def solve(
        self,
        checkpoint: Checkpoint,
        problem: Problem,
        share: Share,
        takes: Takes | None = None,
        glance: Glance | None = None,
    ) -> torch.Tensor:
        """Return the latents `(B, frames, C)` that solve `problem`, on the device.

        With `takes` those still to come are solved along with the second; `glance` may be called
        about half-way. See `solving`.
        """

        def solved() -> torch.Tensor:
            with self.working(checkpoint.transformer):
                dit, name = self.dit(checkpoint), checkpoint.name
                if self._preparing:
                    ready(dit, problem, self.steps, share.port.check)
                    raise Prepared
                return solving.solve(
                    dit, name, problem, self.ways, self.kept, share.tell, takes, glance
                )

        return made_finite(solved, lambda made: made, [checkpoint.transformer], "the music")

    # -- after sampling ----------------------------------------------------------------------------

    def sound(
        self, latents: torch.Tensor, first: int, last: int, share: Share
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yield `(frame, samples)` of frames `[first, last)` of `latents`, chunk by chunk."""
        size = self.ways.chunk
        count = max(1, -(-(last - first) // size))
        steps = iter(range(count + 1))
        with self.working(self.shared.vae):
            for start in range(first, last, size):
                share.tell(next(steps) / count)
                end = min(start + size, last)
                yield start, self._decoded(latents, start, end)

    def _decoded(self, latents: torch.Tensor, start: int, end: int) -> np.ndarray:
        def decoded() -> np.ndarray:
            return decoding.decode(self.shared.vae, latents, start, end)

        return made_finite(decoded, torch.from_numpy, [self.shared.vae], "the sound")
