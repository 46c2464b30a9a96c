"""Putting a route into sound: runs of the clip, joined by short fades just before the beat.

Frames count from the first sample of the clip, for what is played and for where it is played.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daemon.audio.clips import Samples
from daemon.engines.sketch.listen.frames import Check

# A splice 12 ms before the beat leaves the attack whole and is masked by it; one on the beat itself
# clicks (measured: worst second difference seven times as high).
LEAD_S = 0.012
FADE_S = 0.010
_DRIFT_S = 0.004  # a run that leaves the grid by more is put back at the next beat


@dataclass(frozen=True)
class Run:
    """From frame `start` on, frame `t` plays frame `t + offset` of the clip."""

    start: int
    offset: int


def runs(
    path: Sequence[int], source_edges: np.ndarray, target_edges: np.ndarray, rate: int
) -> list[Run]:
    """Turn a route into runs that begin on the beat edges `(k,)` where the route jumps."""
    found: list[Run] = []
    for step, beat in enumerate(path):
        offset = int(source_edges[beat]) - int(target_edges[step])
        goes_on = step > 0 and beat == path[step - 1] + 1
        if goes_on and abs(offset - found[-1].offset) <= _DRIFT_S * rate:
            continue
        found.append(Run(int(target_edges[step]), offset))
    return found


def weave(
    samples: Samples,
    joined: Sequence[Run],
    start: int,
    end: int,
    rate: int,
    check: Check,
    hidden: tuple[int, int] | None = None,
) -> np.ndarray:
    """Play `joined` over the frames `[start, end)`: float32 `(end − start, 2)`.

    Every run but the first begins `LEAD_S` before its frame, under a fade of `FADE_S`. Frames of
    the clip in `hidden` and outside the clip are silent.
    """
    lead, half = round(LEAD_S * rate), round(FADE_S * rate) // 2
    out = np.zeros((end - start, samples.shape[1]), np.float32)
    cuts = [start, *(run.start - lead for run in joined[1:]), end]
    for index, run in enumerate(joined):
        check()
        first = max(start, cuts[index] - (half if index else 0))
        last = min(end, cuts[index + 1] + (half if index + 1 < len(joined) else 0))
        if last <= first:
            continue
        piece = cut(samples, first + run.offset, last + run.offset, hidden)
        fade = min(2 * half, last - first) if index and cuts[index] - half >= start else 0
        at = first - start
        out[at : at + fade] = crossfade(out[at : at + fade], piece[:fade])
        out[at + fade : last - start] = piece[fade:]
    return out


def cut(
    samples: np.ndarray, start: int, end: int, hidden: tuple[int, int] | None = None
) -> np.ndarray:
    """Return frames `[start, end)`, zeros outside the clip and where it is hidden."""
    out = np.zeros((end - start, samples.shape[1]), np.float32)
    a, b = max(0, start), min(len(samples), end)
    if b > a:
        out[a - start : b - start] = samples[a:b]
    if hidden is not None:
        a, b = max(start, hidden[0]), min(end, hidden[1])
        if b > a:
            out[a - start : b - start] = 0
    return out


def crossfade(leaving: np.ndarray, coming: np.ndarray) -> np.ndarray:
    """Fade between two equally long pieces so that the power stays even.

    The gains keep g₁² + g₂² + 2ρg₁g₂ = 1 for the measured correlation ρ.
    """
    n = len(leaving)
    if n == 0:
        return coming
    a, b = leaving.astype(np.float64).ravel(), coming.astype(np.float64).ravel()
    size = np.sqrt((a @ a) * (b @ b))
    rho = float(np.clip(a @ b / size, 0, 1)) if size > 0 else 0.0
    rise = ((np.arange(n) + 0.5) / n)[:, None]
    fall = 1 - rise
    even = np.sqrt(rise**2 + fall**2 + 2 * rho * rise * fall)
    return ((leaving * fall + coming * rise) / even).astype(np.float32)


def mirrored(samples: np.ndarray, frames: int) -> np.ndarray:
    """Go on beyond the end of `samples` for `frames`, point-mirrored about the last sample.

    Value and slope go on without a break; as long as a fade lasts that is enough.
    """
    if len(samples) < 2:
        last = samples[-1:] if len(samples) else np.zeros((1, samples.shape[1]), np.float32)
        return np.repeat(last, frames, axis=0)
    index = np.minimum(np.arange(1, frames + 1), len(samples) - 1)
    return (2 * samples[-1] - samples[len(samples) - 1 - index]).astype(np.float32)
