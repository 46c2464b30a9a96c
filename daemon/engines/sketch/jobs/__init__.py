"""One function a job: `(studio, request, port) -> Result`."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from daemon.engines.base import Port, Request, Result
from daemon.engines.sketch.jobs.backing import bgm
from daemon.engines.sketch.jobs.composing import generate
from daemon.engines.sketch.jobs.covering import cover
from daemon.engines.sketch.jobs.extending import extend
from daemon.engines.sketch.jobs.layering import layer
from daemon.engines.sketch.jobs.repainting import repaint
from daemon.engines.sketch.jobs.replaying import NOT_USED, USED_BY
from daemon.engines.sketch.jobs.retaking import retake
from daemon.engines.sketch.jobs.splitting import analyze, stems
from daemon.engines.sketch.jobs.studio import Studio

JOBS: dict[str, Callable[[Studio, Request, Port], Result]] = {
    "generate": generate,
    "bgm": bgm,
    "extend": extend,
    "repaint": repaint,
    "stems": stems,
    "analyze": analyze,
    "layer": layer,
    "cover": cover,
    "retake": retake,
}


def perform(studio: Studio, request: Request, port: Port) -> Result:
    """Do the request's job; says so where it has no use for a plan that was given."""
    result = JOBS[request.op](studio, finite(request), port)
    if not request.options.get("plan") or request.op in USED_BY:
        return result
    return replace(result, notes=(*result.notes, NOT_USED.format(op=request.op)))


def finite(request: Request) -> Request:
    """Return the request with silence for samples that are no numbers."""
    if np.isfinite(request.clip).all():
        return request
    return replace(request, clip=np.nan_to_num(request.clip, nan=0.0, posinf=0.0, neginf=0.0))
