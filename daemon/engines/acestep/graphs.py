"""One step of the transformer, made ready for a shape: captured as a CUDA graph, or compiled.

A transformer's step is some 2,500 small kernels; on a fast device their launches take longer than
their work. A captured step is launched as one. Its inputs are copied to fixed places, its output
from one. Condition tokens are filled up to a multiple of TOKENS, so that another prompt fits.

Nothing that is asked for waits for it: a shape that is not ready is computed as it comes, noted,
and made ready in spare time. All captured steps share one pool of memory; `drop` lets go of them.
A LoRA changes weights where they lie, so a captured step stays right.

Threads: the thread that owns the device.
"""

from __future__ import annotations

import functools
import logging
import os
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

from bridge.places import home
from daemon.engines.acestep.dit.forward import Cross, Run, velocity
from daemon.engines.acestep.dit.layout import Layout
from daemon.engines.acestep.memory import is_out_of_memory
from daemon.engines.acestep.speed import Speed

TOKENS = 128
"""A multiple of what rows of a mask must begin on."""
MOST_STEPS = 12
"""So many shapes are kept ready; that which was not used for longest goes first."""

Thunk = Callable[[], torch.Tensor]
Capture = Callable[[Thunk], Thunk]
"""Turns a computation on fixed places into one that does the same again, faster."""

_WARM = 2  # runs before a capture, in which kernels are chosen and workspaces taken
_log = logging.getLogger("punchin.acestep")


@dataclass(eq=False)
class _Step:
    """A step that is ready: where its inputs go, and what computes it.

    `held` are what was put last into the places of context, cross-attention and masks, as long as
    they live: the steps of a run share them.
    """

    x: torch.Tensor
    t: torch.Tensor
    context: torch.Tensor
    cross: Cross
    layout: Layout
    null: torch.Tensor | None
    again: Thunk
    held: tuple[Callable[[], Any], ...] = ()

    def take(
        self, context: torch.Tensor, cross: Cross, layout: Layout, null: torch.Tensor | None
    ) -> None:
        """Put in what all steps of a run share, unless it is there."""
        shared = (context, cross, layout)
        if self.held and all(ref() is one for ref, one in zip(self.held, shared, strict=True)):
            return
        self.layout.take(layout)
        self.context.copy_(context)
        _fill(self.cross, cross)
        if self.null is not None and null is not None:
            self.null.copy_(null)
        self.held = tuple(weakref.ref(one) for one in shared)


class Steps:
    """Steps made ready by `capture` of `inner`; `run` is the sampler's way of computing one."""

    def __init__(self, capture: Capture, inner: Run = velocity) -> None:
        self._capture, self._inner = capture, inner
        self._ready: OrderedDict[Hashable, _Step] = OrderedDict()
        self._wanted: OrderedDict[Hashable, tuple[Any, ...]] = OrderedDict()
        self._unable = False

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def inner(self) -> Run:
        """What is captured: it falls back to `velocity` where a compiler fails."""
        return self._inner

    def run(
        self,
        transformer: Any,
        x: torch.Tensor,
        t: float | torch.Tensor,
        context: torch.Tensor,
        cross: Cross,
        layout: Layout,
        null: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the velocity, see `velocity`; at once, ready or not."""
        key = _key(transformer, x, context, cross, layout, null)
        step = self._ready.get(key)
        if step is None:
            if x.shape[0] == 1:
                self.want(transformer, x, context, cross, layout, null)
            return velocity(transformer, x, float(t), context, cross, layout, null)
        self._ready.move_to_end(key)
        step.x.copy_(x)
        step.t.fill_(float(t))
        step.take(context, cross, layout, null)
        return step.again().clone()

    def want(self, transformer: Any, x: torch.Tensor, *rest: Any) -> None:
        """Note a shape: what `run` takes but the time."""
        key = _key(transformer, x, *rest)
        if key not in self._ready and not self._unable:
            self._wanted[key] = (transformer, x, *rest)
            while len(self._wanted) > MOST_STEPS:
                self._wanted.popitem(last=False)

    def make_ready(self, check: Callable[[], None]) -> None:
        """Make ready what was wanted, the last first; `check` is called before each and may raise.

        Memory that runs out ends it, and costs the steps that were ready. A device or a compiler
        that can't do it at all is not asked again.
        """
        while self._wanted and not self._unable:
            check()
            key, given = self._wanted.popitem()
            if key in self._ready or key != _key(*given):
                continue  # the weights may lie elsewhere by now
            try:
                self._ready[key] = self._made(*given)
            except RuntimeError as problem:
                if is_out_of_memory(problem):
                    _log.warning("no memory to make a step ready")
                    return self.drop()
                _log.warning("no step can be made ready: %s", (str(problem) or "?").splitlines()[0])
                if self._inner is velocity:
                    self._unable = True
                else:  # no compiler, or one that fails
                    self._inner = velocity
                    self._wanted[key] = given
            while len(self._ready) > MOST_STEPS:
                self._ready.popitem(last=False)
        return None

    def drop(self) -> None:
        """Let go of everything."""
        self._ready.clear()
        self._wanted.clear()

    @torch.no_grad()
    def _made(
        self,
        transformer: Any,
        x: torch.Tensor,
        context: torch.Tensor,
        cross: Cross,
        layout: Layout,
        null: torch.Tensor | None,
    ) -> _Step:
        at, t, laid = torch.zeros_like(x), torch.ones(1, device=x.device), layout.room()
        around, keys = torch.zeros_like(context), _room(cross)
        free = None if null is None else torch.zeros_like(null)
        _fill(keys, cross)

        def step() -> torch.Tensor:
            return self._inner(transformer, at, t, around, keys, laid, free)

        return _Step(at, t, around, keys, laid, free, self._capture(step))


def captured(device: torch.device) -> Capture:
    """Return what captures on a CUDA device, all that live at a time from one pool of memory.

    A pool that lost its last graph can't be captured into, so that the next graph gets another.
    """
    living: weakref.WeakSet[Any] = weakref.WeakSet()
    pool: Any = None

    def capture(step: Thunk) -> Thunk:
        nonlocal pool
        with torch.cuda.device(device):
            pool = pool if living else torch.cuda.graph_pool_handle()
            graph, out = _captured_on(_side_stream(device), pool, step)
        living.add(graph)

        def again() -> torch.Tensor:
            graph.replay()
            return out

        return again

    return capture


@functools.cache
def _side_stream(device: torch.device) -> Any:
    """Return the one stream that everything is captured on: cuBLAS keeps a workspace for each."""
    return torch.cuda.Stream(device)


def _captured_on(side: Any, pool: Any, step: Thunk) -> tuple[Any, torch.Tensor]:
    """Return a graph of `step` on the stream `side`, and where it puts what it computes.

    The warm-up runs on the same stream: what libraries keep for a stream is not taken from the pool
    of the graphs then, which it would outlive.
    """
    graph = torch.cuda.CUDAGraph()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # torch leaves the stream as it is where a capture can't be ended
        for _ in range(_WARM):
            step()
        with torch.cuda.graph(graph, pool=pool, stream=side, capture_error_mode="thread_local"):
            out = step()
    torch.cuda.current_stream().wait_stream(side)
    return graph, out


def steps_for(speed: Speed, device: torch.device) -> Steps | None:
    """Return what makes steps ready as `speed` says, None where nothing does."""
    inner = compiled() if speed.compiled else velocity
    if speed.graphs:
        return Steps(captured(device), inner)
    return Steps(as_it_is, inner) if speed.compiled else None


def as_it_is(step: Thunk) -> Thunk:
    """Return a step as it is, run once, so that a compiler has seen it."""
    step()
    return step


def compiled() -> Run:
    """Return `velocity`, compiled at its first call for each shape, and kept on disk."""
    told = os.environ.get("TORCHINDUCTOR_CACHE_DIR", "")
    # torch names a folder of its own, which does not last, as soon as it is imported.
    if not told or told.startswith(str(Path(tempfile.gettempdir()) / "torchinductor_")):
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(home() / "compiled")
    torch._dynamo.config.recompile_limit = max(64, torch._dynamo.config.recompile_limit)
    made: Run = torch.compile(velocity, dynamic=False)
    return made


def _key(
    transformer: Any,
    x: torch.Tensor,
    context: torch.Tensor,
    cross: Cross,
    layout: Layout,
    null: torch.Tensor | None,
) -> Hashable:
    weight = transformer.condition_embedder.weight
    shape = (tuple(x.shape), tuple(context.shape), _up(cross.keys.shape[3]), null is not None)
    return id(transformer), weight.data_ptr(), weight.dtype, shape, layout.kind


def _up(tokens: int) -> int:
    return -(-tokens // TOKENS) * TOKENS


def _room(cross: Cross) -> Cross:
    """Return room for keys and values of as many tokens and up to TOKENS more, all hidden."""
    more = _up(cross.keys.shape[3]) - cross.keys.shape[3]
    keys, values = (F.pad(side, (0, 0, 0, more)) for side in (cross.keys, cross.values))
    return Cross(keys, values, keys.new_full((1, 1, 1, keys.shape[3]), float("-inf")))


def _fill(room: Cross, cross: Cross) -> None:
    """Put a condition into `room`; what is beyond it stays hidden."""
    tokens = cross.keys.shape[3]
    room.keys[:, :, :, :tokens] = cross.keys
    room.values[:, :, :, :tokens] = cross.values
    assert room.bias is not None
    room.bias.fill_(float("-inf"))
    room.bias[..., :tokens] = 0 if cross.bias is None else cross.bias
