"""Places inside a long forward pass at which it can be ended: before each of its layers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn


@contextlib.contextmanager
def heeding(check: Callable[[], None], *modules: nn.Module | None) -> Iterator[None]:
    """Have `check`, which may raise, called before every layer that `modules` run in the block.

    Layers are what lies in a ModuleList. What is computed stays the same.
    """

    def hook(*_: Any) -> None:
        check()

    layers = [
        layer
        for module in modules
        if module is not None
        for part in module.modules()
        if isinstance(part, nn.ModuleList)
        for layer in part
    ]
    hooks = [layer.register_forward_pre_hook(hook) for layer in layers]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()
