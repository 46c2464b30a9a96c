"""One function a job: `(studio, request, port) -> Result`."""

from collections.abc import Callable

from daemon.engines.base import Port, Request, Result
from daemon.engines.sketch.jobs.backing import bgm
from daemon.engines.sketch.jobs.composing import generate
from daemon.engines.sketch.jobs.extending import extend
from daemon.engines.sketch.jobs.repainting import repaint
from daemon.engines.sketch.jobs.splitting import analyze, stems
from daemon.engines.sketch.jobs.studio import Studio

JOBS: dict[str, Callable[[Studio, Request, Port], Result]] = {
    "generate": generate,
    "bgm": bgm,
    "extend": extend,
    "repaint": repaint,
    "stems": stems,
    "analyze": analyze,
}
