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
from daemon.engines.sketch.jobs.preparing import Others, other_seeds, until_heard
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


_NO_REFERENCE = "`reference` was not used: sketch follows one in cover, not in {op}."
_SILENT = frozenset({"stems", "analyze"})  # no instrument plays in them


def perform(studio: Studio, request: Request, port: Port) -> Result:
    """Do the request's job; say so where it has no use for a plan, and which SoundFont played."""
    if request.op not in _SILENT:
        studio.bank.begin(port.check)
    result = JOBS[request.op](studio, finite(request), port)
    told = () if request.op in _SILENT else studio.bank.notes()
    notes = (*result.notes, *told)
    if request.options.get("plan") and request.op not in USED_BY:
        notes = (*notes, NOT_USED.format(op=request.op))
    if request.options.get("reference") and request.op != "cover":
        notes = (*notes, _NO_REFERENCE.format(op=request.op))
    return replace(result, notes=notes)


def prepare(studio: Studio, request: Request, port: Port) -> None:
    """Compute ahead what a job like this one needs before its first sound. Raises `Cancelled`."""
    until_heard(perform, studio, request, port)


def prepare_others(studio: Studio, others: Others, port: Port) -> None:
    """Make the sounds that jobs like this one want with other seeds. Raises `Cancelled`."""
    if others.request.op not in _SILENT:
        other_seeds(perform, studio, others, port)


def finite(request: Request) -> Request:
    """Return the request with silence for samples that are no numbers; a reader has none."""
    if not isinstance(request.clip, np.ndarray) or np.isfinite(request.clip).all():
        return request
    return replace(request, clip=np.nan_to_num(request.clip, nan=0.0, posinf=0.0, neginf=0.0))
