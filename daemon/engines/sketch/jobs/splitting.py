"""`stems` and `analyze`: what is in a clip, as sound and as data."""

from __future__ import annotations

import numpy as np

from daemon.engines.base import Port, Request, Result
from daemon.engines.sketch.jobs.sounding import hand_over
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import analysis_dict

_ROUGH = "The stems are a rough split by signal processing, for listening and sketching."


def analyze(studio: Studio, request: Request, port: Port) -> Result:
    """Return what was heard."""
    port.progress(0.05, "listening")
    heard = studio.hear(request, port)
    port.progress(1.0, "listening")
    return Result(key=heard.key, analysis=analysis_dict(heard))


def stems(studio: Studio, request: Request, port: Port) -> Result:
    """Return the clip taken apart; the stems that `stems` names, or all of them."""
    from daemon.engines.sketch.stems import split

    port.progress(0.02, "listening")
    heard = studio.hear(request, port)
    port.progress(0.25, "separating")
    parts = split(request.clip[:], request.rate, heard, port.check)
    span, wanted = request.spans[0], _names(request)
    missing = sorted(wanted - parts.keys())
    for name, samples in parts.items():
        if not wanted or name in wanted:
            hand_over(f"stem:{name}", span, _covering(samples, request), request, port)
    port.progress(1.0, "separating")
    notes = [_ROUGH]
    if missing:
        have = ", ".join(sorted(parts))
        notes.append(f"There is no stem {', '.join(missing)} in this split; it has {have}.")
    return Result(key=heard.key, notes=tuple(notes))


def _names(request: Request) -> set[str]:
    asked = request.options.get("stems", "")
    names = asked.split(",") if isinstance(asked, str) else asked
    return {name.strip() for name in names if name.strip()}


def _covering(samples: np.ndarray, request: Request) -> np.ndarray:
    """Cut `samples` of the whole clip to the span and its handles, zeros where there is no clip."""
    span, handle = request.spans[0], request.handle
    out = np.zeros((span.frames + 2 * handle, 2), np.float32)
    first = span.start - handle
    a, b = max(0, first), min(len(samples), span.end + handle)
    if b > a:
        out[a - first : b - first] = samples[a:b]
    return out
