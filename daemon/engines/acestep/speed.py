"""What is done for speed, as the settings and the device allow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psutil
import torch


@dataclass(frozen=True)
class Speed:
    """`speculate`: compute the next seed ahead. `graphs`: replay captured CUDA graphs.

    `compiled`: have the transformer compiled in spare time.
    """

    speculate: bool = False
    graphs: bool = False
    compiled: bool = False


def speed_for(device: torch.device, environ: Mapping[str, str]) -> Speed:
    """Return what the settings, as environment variables, mean on `device`."""
    on_cuda = device.type == "cuda"
    wish = environ.get("PUNCHIN_ENGINE_SPECULATE") or "auto"
    return Speed(
        speculate=wish == "on" or (wish == "auto" and on_cuda and not on_battery()),
        graphs=on_cuda,
        compiled=environ.get("PUNCHIN_ENGINE_COMPILE") == "True",
    )


def on_battery() -> bool:
    """Whether the machine lives on its battery now."""
    sensors = getattr(psutil, "sensors_battery", lambda: None)  # not there on every system
    battery = sensors()
    return battery is not None and not battery.power_plugged
