"""All that a DAW's side needs to talk to Punchin.

from bridge import Client
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.client.aio import AsyncClient
    from bridge.client.blocking import Client
    from bridge.client.job import AsyncJob, Job
    from bridge.client.values import Cancelled, Event, File, NoDaemon, Progress, Result
    from bridge.protocol.errors import PunchinError

__all__ = [
    "AsyncClient",
    "AsyncJob",
    "Cancelled",
    "Client",
    "Event",
    "File",
    "Job",
    "NoDaemon",
    "Progress",
    "PunchinError",
    "Result",
]

_HOMES = {
    "bridge.client.aio": ("AsyncClient",),
    "bridge.client.blocking": ("Client",),
    "bridge.client.job": ("AsyncJob", "Job"),
    "bridge.client.values": ("Cancelled", "Event", "File", "NoDaemon", "Progress", "Result"),
    "bridge.protocol.errors": ("PunchinError",),
}


def __getattr__(name: str) -> Any:
    # Imported on first use, so that a command of the command line loads only what it needs.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
