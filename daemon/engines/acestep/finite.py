"""Values that are not finite: the stage that made them is done again in float32, else 307.

Threads: the thread that owns the device.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

from bridge.protocol.errors import PunchinError, error
from daemon.engines.acestep.cache import bytes_of
from daemon.engines.acestep.memory import give_back, is_out_of_memory

Made = TypeVar("Made")
_ELSE = "try another seed, LoRAs at a smaller scale, or punchin models verify"


def made_finite(
    make: Callable[[], Made],
    look: Callable[[Made], torch.Tensor],
    modules: Iterable[torch.nn.Module | None],
    what: str,
) -> Made:
    """Return `make()`; where `look` of it is not finite, make it again with `modules` in float32.

    Raises 307, naming `what`, where that does not help, where they are in float32 already, or
    where memory does not hold them so.
    """
    made = make()
    if bool(torch.isfinite(look(made)).all()):
        return made
    wide = [module for module in modules if module is not None]
    if not list(_narrow(wide)):
        raise _no_numbers(what, "in float32", _ELSE)
    again = _made_wide(make, wide) if _fits(wide) else None
    if again is None:
        raise _no_numbers(what, "", "try another seed, or set engine.precision to float32")
    if not bool(torch.isfinite(look(again)).all()):
        raise _no_numbers(what, "in float32 as well", _ELSE)
    return again


def _no_numbers(what: str, how: str, mend: str) -> PunchinError:
    return error(307, f"{what} came out as no numbers{how and ', '}{how}: {mend}")


def _made_wide(make: Callable[[], Made], modules: list[torch.nn.Module]) -> Made | None:
    """Return `make()` with `modules` in float32, None where memory does not hold that."""
    try:
        with in_float32(modules):
            return make()
    except Exception as problem:
        if not is_out_of_memory(problem):
            raise
    give_back()
    return None


@contextlib.contextmanager
def in_float32(modules: Iterable[torch.nn.Module]) -> Iterator[None]:
    """Have the weights of `modules` in float32 inside the block, and as they were after it."""
    held = [(tensor, tensor.data) for tensor in _narrow(modules)]
    try:
        for tensor, _ in held:
            tensor.data = tensor.data.float()
        yield
    finally:
        for tensor, data in held:
            tensor.data = data


def _narrow(modules: Iterable[torch.nn.Module]) -> Iterator[torch.Tensor]:
    """Yield weights and buffers of less than float32."""
    for module in modules:
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point() and tensor.dtype.itemsize < torch.float32.itemsize:
                yield tensor


def _fits(modules: Iterable[torch.nn.Module]) -> bool:
    """Whether the device has room for the weights in float32 beside those that are there."""
    narrow = list(_narrow(modules))
    if narrow[0].device.type != "cuda":
        return True
    needed = sum(bytes_of(t) * torch.float32.itemsize // t.dtype.itemsize for t in narrow)
    return torch.cuda.mem_get_info(narrow[0].device)[0] > needed
