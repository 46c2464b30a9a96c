"""Which checkpoints are loaded: one, and others beside it as far as the memory goes.

A second checkpoint is loaded when an op needs it. When room is short, the one that was not used for
longest leaves. Where parts take turns on the device, they live on the CPU and `on_device` brings
one there for as long as it works.

Threads: the worker's main thread.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import torch

from bridge.protocol.errors import error
from daemon.engines.acestep.memory import give_back, is_out_of_memory
from daemon.engines.acestep.models.folders import Found
from daemon.engines.acestep.parts import Checkpoint, Placement


class Residence:
    """Loaded checkpoints by name.

    `load` makes one. `room_bytes` is what all together may take, None for no limit. `size_of` says
    what one takes. `leaving` hears the name of one that leaves, so that what was made for it goes
    too. `arrived` is called with one that was just loaded.
    """

    def __init__(
        self,
        load: Callable[[Found], Checkpoint],
        size_of: Callable[[Found], int],
        room_bytes: int | None,
        leaving: Callable[[str], None] = lambda name: None,
        arrived: Callable[[Checkpoint], None] = lambda checkpoint: None,
    ) -> None:
        self._load, self._size_of = load, size_of
        self._room_bytes = room_bytes
        self.leaving, self.arrived = leaving, arrived
        self._held: OrderedDict[str, tuple[Checkpoint, int]] = OrderedDict()

    def get(self, found: Found) -> Checkpoint:
        """Return the checkpoint at `found`, loaded. Raises 303, 304."""
        held = self._held.get(found.name)
        if held is None:
            size = self._size_of(found)
            self._make_room(size)
            held = self._held[found.name] = (self._loaded(found), size)
            self.arrived(held[0])
        self._held.move_to_end(found.name)
        return held[0]

    def loaded(self) -> tuple[Checkpoint, ...]:
        """Return what is loaded, the least recently used first."""
        return tuple(checkpoint for checkpoint, _ in self._held.values())

    def leave_only(self, name: str) -> None:
        """Let go of every checkpoint but `name`."""
        for other in [n for n in self._held if n != name]:
            self._drop(other)

    def clear(self) -> None:
        """Let go of all."""
        self.leave_only("")

    def _loaded(self, found: Found) -> Checkpoint:
        for last in (False, True):
            try:
                return self._load(found)
            except Exception as problem:
                if not is_out_of_memory(problem):
                    raise
            if not last:
                self.clear()  # outside the handler, which holds on to what was loaded
        raise error(
            304, f"{found.name} does not fit on the device: close other programs, or set "
            "engine.device to cpu"
        )  # fmt: skip

    def _make_room(self, size: int) -> None:
        if self._room_bytes is None:
            return
        while self._held and sum(s for _, s in self._held.values()) + size > self._room_bytes:
            self._drop(next(iter(self._held)))

    def _drop(self, name: str) -> None:
        self.leaving(name)
        del self._held[name]
        give_back()


@contextlib.contextmanager
def on_device(placement: Placement, *modules: torch.nn.Module | None) -> Iterator[None]:
    """Keep `modules` on the device for the time of the block.

    Without `offload` they are there anyway. With it their weights are copied there and dropped
    afterwards; the originals stay on the CPU, so nothing is copied back.
    """
    if not placement.offload:
        yield
        return
    home = [part for module in modules if module is not None for part in _tensors(module)]
    try:
        for holder, name, tensor in home:
            holder[name] = _moved(tensor, placement.device)
        yield
    finally:
        for holder, name, tensor in home:
            holder[name] = tensor


Slot = tuple[Any, str, torch.Tensor]


def _tensors(module: torch.nn.Module) -> Iterator[Slot]:
    """Yield each weight and buffer with the dictionary that holds it."""
    for part in module.modules():
        for holder in (part._parameters, part._buffers):
            yield from ((holder, name, t) for name, t in holder.items() if t is not None)


def _moved(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    moved = tensor.detach().to(device, non_blocking=True)
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(moved, requires_grad=False)
    return moved
