"""The key `reference`: a recording whose style and sound a cover follows; its key and notes are not
taken.

Which style it is like is told by `likeness`. Its long-term spectrum is what a cover is brought to.
Samples are float32 `(frames, 2)` at the job's rate, 60 s from the middle at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge.protocol.errors import error
from daemon.audio import probe, reading, resample
from daemon.audio.channels import Fold
from daemon.engines.base import Port, Request
from daemon.engines.sketch.jobs.likeness import likest
from daemon.engines.sketch.jobs.matching import matched
from daemon.engines.sketch.jobs.sounding import heard_part
from daemon.engines.sketch.jobs.studio import Studio
from daemon.engines.sketch.listen import find_grid
from daemon.engines.sketch.plan.types import Plan
from daemon.engines.sketch.render.master import master_gain

_HEARD_S, _SHORTEST_S, _SILENT = 60.0, 2.0, 1e-3


@dataclass(frozen=True, eq=False)
class Reference:
    """What was heard in a reference: its samples, tempo, and the name of the style it is like."""

    name: str
    samples: np.ndarray
    bpm: float
    style: str


def told_reference(studio: Studio, request: Request, port: Port) -> Reference | None:
    """Return what `reference` names, None when it is not given.

    Raises 200 and 201 for a file that is not there or no audio, and for one that has nothing to
    follow: silence, or less than two seconds.
    """
    path = request.options.get("reference")
    if not path:
        return None
    port.progress(0.12, "listening to the reference")
    samples = _read(str(path), request.rate)
    port.check()
    if len(samples) < _SHORTEST_S * request.rate or np.abs(samples).max(initial=0.0) < _SILENT:
        raise error(201, f"reference: {path} is silent or under two seconds long: choose another")
    grid, _ = find_grid(samples, request.rate, check=port.check)
    bpm, style = likest(studio.styles, samples, request.rate, grid, port.check)
    return Reference(Path(path).name, samples, bpm, style)


def taken_from(reference: Reference, style: str) -> str:
    """Return what a cover takes from its reference, as a sentence."""
    what = "its style and its spectrum" if reference.style == style else "its spectrum"
    return f"Taken from {reference.name} ({reference.bpm:.0f} bpm): {what}; not its key or notes."


def coloured_by(
    reference: Reference, plan: Plan, request: Request, port: Port
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what brings a mix `(frames, 2)` to the reference's spectrum, as loud as planned."""

    def finish(mix: np.ndarray) -> np.ndarray:
        port.check()
        turned = np.ascontiguousarray(mix.T)
        made = matched(turned, np.ascontiguousarray(reference.samples.T), request.rate)
        heard = heard_part(request, request.spans[0])
        target, ceiling = plan.mix.loudness_lufs, plan.mix.ceiling_dbtp
        gain = master_gain(made, request.rate, target, ceiling, heard, None, port.check)
        return np.ascontiguousarray((made * gain).T)

    return finish


def _read(path: str, rate: int) -> np.ndarray:
    info = probe.probe(path)
    most = round(_HEARD_S * info.rate)
    start = max(0, (info.frames - most) // 2)
    source = reading.window(info, start, min(info.frames, start + most))
    return resample.resample(Fold.fit(source).stereo(source), info.rate, rate)
