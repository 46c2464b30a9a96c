"""A loaded model and what it has in hand: the one object that every op of the engine works with.

Latents are `(frames, C)` float32; those that go into a problem lie on the CPU, those that come out
of the sampler on the device.

Threads: the worker's main thread, which owns the device.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridge.protocol.errors import error
from bridge.protocol.loras import parse
from daemon.engines.acestep import solving
from daemon.engines.acestep.beside import Beside
from daemon.engines.acestep.cache import MIB, Cache, Caches, caches, window_key
from daemon.engines.acestep.dit.conditions import Conditions, TextStates, encode, encode_text
from daemon.engines.acestep.dit.context import silence
from daemon.engines.acestep.dit.quick import quick
from daemon.engines.acestep.dit.sampler import Dit, Problem, dit_of
from daemon.engines.acestep.latents import decode as decoding
from daemon.engines.acestep.latents import encode as encoding
from daemon.engines.acestep.latents.own import Own
from daemon.engines.acestep.lora import Loras
from daemon.engines.acestep.models.folders import Found
from daemon.engines.acestep.parts import HOP, Checkpoint, Placement, Shared
from daemon.engines.acestep.solving import Glance, Takes, Ways
from daemon.engines.acestep.tasks import Task, needed
from daemon.engines.acestep.text.prompt import Text
from daemon.engines.acestep.view import View
from daemon.engines.base import Port, Request


@dataclass(frozen=True)
class Share:
    """A part of a take's progress: fractions 0…1 of it become `first` … `last` of the take."""

    port: Port
    first: float
    last: float
    stage: str

    def tell(self, fraction: float) -> None:
        """Report how far this part is; raises Cancelled."""
        self.port.progress(self.first + fraction * (self.last - self.first), self.stage)


@dataclass(frozen=True)
class Part:
    """A part of a job that has parts of its own: `length` of the take from `first` on."""

    port: Port
    first: float
    length: float

    def share(self, first: float, last: float, stage: str) -> Share:
        """Return the share `first` … `last` of this part."""
        begin, end = (self.first + edge * self.length for edge in (first, last))
        return Share(self.port, begin, end, stage)


@dataclass(eq=False)
class Session:
    """What is loaded, where it runs, and what was computed before.

    `found` are the checkpoints on disk; `open` gives one of them, loaded. `beside` are models that
    only some ops need. `own` are the latents of results. `kept` is what an op keeps from one take
    of a job to the next. `ways` are how much is done at once. `loaded` gives the checkpoints that
    are loaded now, on which `loras` work.
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

    def __post_init__(self) -> None:
        self.loras.changed = self.weights_changed

    def weights_changed(self) -> None:
        """Let go of what a transformer's weights had a part in."""
        self.caches.weights_changed()
        self.kept.clear()

    def use_loras(self, row: str) -> None:
        """Have the LoRAs of the key `lora` in use, and no others. Raises 303."""
        wanted = {Path(path): scale for path, scale in parse(row).items()}
        self.loras.use(wanted, self.loaded())

    def checkpoint_for(self, task: Task) -> Checkpoint:
        """Return the checkpoint that does `task`. Raises 301, 302, 303, 304."""
        checkpoint = self.open(needed(task, self.found))
        unfit = self.loras.unfit(checkpoint)
        if unfit:
            what = f"{unfit[0]} was made for another model than {checkpoint.name}"
            raise error(303, f"{what}: take it off (punchin lora {unfit[0]} 0)")
        return checkpoint

    def named(self, name: str) -> Checkpoint | None:
        """Return the checkpoint of this name, None where it is not on disk. Raises 303, 304."""
        return next((self.open(found) for found in self.found if found.name == name), None)

    # -- before sampling ---------------------------------------------------------------------------

    def states(self, text: Text) -> TextStates:
        """Return the encoded words."""
        return self.caches.texts.made(text, lambda: encode_text(self.shared, text))

    def conditions(
        self,
        checkpoint: Checkpoint,
        text: Text,
        timbre: torch.Tensor | None = None,
        of: Hashable = None,
    ) -> Conditions:
        """Return what the transformer reads of words and a timbre; `of` names the timbre."""
        key = (checkpoint.name, text, of)
        return self.caches.conditions.made(
            key, lambda: encode(checkpoint, self.states(text), timbre)
        )

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
        return encoding.encode_tile(self.shared.vae, heard, start, end)

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
        return quick(dit_of(checkpoint), checkpoint.name, self.caches)

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
        dit, name = self.dit(checkpoint), checkpoint.name
        return solving.solve(dit, name, problem, self.ways, self.kept, share.tell, takes, glance)

    # -- after sampling ----------------------------------------------------------------------------

    def sound(
        self, latents: torch.Tensor, first: int, last: int, share: Share
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yield `(frame, samples)` of frames `[first, last)` of `latents`, chunk by chunk."""
        size = self.ways.chunk
        count = max(1, -(-(last - first) // size))
        steps = iter(range(count + 1))
        yield from decoding.chunks(
            self.shared.vae, latents, first, last, lambda: share.tell(next(steps) / count), size
        )
