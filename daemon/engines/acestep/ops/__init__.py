"""The ops of the engine, one module each: `run(session, request, port) -> Result`."""

from __future__ import annotations

from collections.abc import Callable

from daemon.engines.acestep.ops.analyze import analyze
from daemon.engines.acestep.ops.bgm import bgm
from daemon.engines.acestep.ops.cover import cover
from daemon.engines.acestep.ops.edit import edit
from daemon.engines.acestep.ops.extend import extend
from daemon.engines.acestep.ops.generate import generate
from daemon.engines.acestep.ops.layer import layer
from daemon.engines.acestep.ops.repaint import repaint
from daemon.engines.acestep.ops.retake import retake
from daemon.engines.acestep.ops.stems import stems
from daemon.engines.acestep.session import Session
from daemon.engines.base import Port, Request, Result

OPS: dict[str, Callable[[Session, Request, Port], Result]] = {
    "generate": generate,
    "repaint": repaint,
    "extend": extend,
    "bgm": bgm,
    "cover": cover,
    "retake": retake,
    "edit": edit,
    "layer": layer,
    "stems": stems,
    "analyze": analyze,
}
