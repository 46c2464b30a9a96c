"""The ops of the engine, one module each: `run(session, request, port) -> Result`."""

from __future__ import annotations

from collections.abc import Callable

from daemon.engines.acestep.ops.repaint import repaint
from daemon.engines.acestep.session import Session
from daemon.engines.base import Port, Request, Result

OPS: dict[str, Callable[[Session, Request, Port], Result]] = {
    "repaint": repaint,
}
