"""Weights from files into a module: names and shapes held against each other first, then read.

Threads: the worker's main thread.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch.overrides import TorchFunctionMode

from bridge.protocol.errors import error
from daemon import tensors
from daemon.tensors import Tensor

_Made = TypeVar("_Made")
_FRACTIONS = ("F", "BF")
"""How the names of safetensors' floating types begin."""


class _NoDrawing(TorchFunctionMode):
    """Leaves new weights as they lie in memory: all of them come from a file."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def unfilled(make: Callable[[], _Made]) -> _Made:
    """Return `make()`, a module, without the time that drawing its first weights takes."""
    with warnings.catch_warnings(), _NoDrawing():
        warnings.simplefilter("ignore", FutureWarning)  # diffusers' VAE is made with the old norm
        return make()


def announced(
    files: Iterable[Path], rename: Callable[[str], str | None] = lambda name: name
) -> dict[str, Tensor]:
    """Return what `files` hold, by the module's names; `rename` gives None for what to leave out.

    Raises 303 for a damaged file.
    """
    found: dict[str, Tensor] = {}
    for file in files:
        for name, tensor in tensors.read(file).items():
            target = rename(name)
            if target is not None:
                found[target] = tensor
    return found


def fill(
    module: torch.nn.Module,
    found: Mapping[str, Tensor],
    dtype: torch.dtype,
    device: torch.device,
    given: Mapping[str, tuple[Path, torch.Tensor]] | None = None,
) -> None:
    """Put the tensors `found` (and those `given`) into `module`, in `dtype` and on `device`.

    Raises 303 where a name is missing or unknown, a shape is not the module's, or whole numbers
    stand for weights.
    """
    given = given or {}
    _check(module, found, given)
    state = {name: tensor.to(device, dtype) for name, (_, tensor) in given.items()}
    for file in {tensor.file for tensor in found.values()}:
        state.update(_read(file, found, dtype, device))
    module.load_state_dict(state, strict=True, assign=True)
    torch.nn.Module.to(
        module, device
    )  # what follows from the configuration, such as tables of frequencies
    module.requires_grad_(False).eval()


def _check(
    module: torch.nn.Module,
    found: Mapping[str, Tensor],
    given: Mapping[str, tuple[Path, torch.Tensor]],
) -> None:
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    kind = type(module).__name__
    where = next(iter(found.values())).file if found else None
    for name in sorted(wanted.keys() - found.keys() - given.keys()):
        raise error(303, f"{where or kind} lacks {name} of {kind}: fetch the model again")
    for name, tensor in found.items():
        if name not in wanted:
            what = f"{tensor.file} holds {tensor.name}, which {kind} has not"
            raise error(303, f"{what}: check that its config.json belongs to it")
        _same(tensor.file, tensor.name, tensor.shape, wanted[name])
        if not tensor.dtype.startswith(_FRACTIONS):
            what = f"{tensor.file}: {tensor.name} is {tensor.dtype}, whole numbers"
            raise error(303, f"{what}: fetch weights that are not packed, such as bfloat16")
    for name, (file, value) in given.items():
        _same(file, name, tuple(value.shape), wanted[name])


def _same(file: Path, name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if shape != wanted:
        what = f"{file}: {name} is {list(shape)} and should be {list(wanted)}"
        raise error(303, f"{what}: check that config.json belongs to it")


def _read(
    file: Path, found: Mapping[str, Tensor], dtype: torch.dtype, device: torch.device
) -> dict[str, torch.Tensor]:
    here = {target: tensor.name for target, tensor in found.items() if tensor.file == file}
    try:
        with safe_open(file, framework="pt") as opened:
            return {t: opened.get_tensor(n).to(device, dtype) for t, n in here.items()}
    except (OSError, SafetensorError) as e:
        raise error(303, f"{file} can't be read ({e}): fetch the model again") from None
