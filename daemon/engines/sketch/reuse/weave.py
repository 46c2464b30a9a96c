"""Putting a route into sound: runs of the clip, joined by short fades just before the beat.

Frames count from the first sample of the clip, for what is played and for where it is played.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daemon.audio.clips import Samples
from daemon.audio.extrapolate import extrapolate
from daemon.engines.sketch.listen.frames import Check

# A splice 12 ms before the beat leaves the attack whole and is masked by it; one on the beat itself
# clicks (measured: worst second difference seven times as high).
LEAD_S = 0.012
FADE_S = 0.010
_SHORT_FADE_S = 0.002  # on the beat itself
_CARRIED_S = 0.04  # a clip that ends between two beats is carried on for that long at most
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

    Every run but the first begins `LEAD_S` before its frame, under a fade of `FADE_S`; where the
    clip has nothing to fade from or to there, as near to that as it has. Frames of the clip in
    `hidden` and outside the clip are silent.
    """
    out = np.zeros((end - start, samples.shape[1]), np.float32)
    limits = hidden or (0, 0)
    fades = [_fade_between(a, b, len(samples), limits, rate) for a, b in itertools.pairwise(joined)]
    for index, run in enumerate(joined):
        check()
        first, shaped = fades[index - 1] if index else (start, start)
        last = fades[index][1] if index < len(fades) else end
        at, until = max(start, first), min(end, last)
        if until <= at:
            continue
        piece = _lasting(samples, at + run.offset, until + run.offset, hidden, rate)
        fade = min(shaped, until) - at if index and first >= start else 0
        out[at - start : at - start + fade] = crossfade(
            out[at - start : at - start + fade], piece[:fade]
        )
        out[at - start + fade : until - start] = piece[fade:]
    return out


def _fade_between(
    leaving: Run, coming: Run, clip_frames: int, hidden: tuple[int, int], rate: int
) -> tuple[int, int]:
    """Return the frames `[first, last)` of the fade from one run to the next.

    It lies around `LEAD_S` before the beat; earlier where the leaving run has no more to give,
    later where nothing comes before the coming one, and then it is short, to leave the attack be.
    """
    length, beat = round(FADE_S * rate), coming.start
    gone = hidden[0] if beat + leaving.offset <= hidden[0] else clip_frames
    there = hidden[1] if beat + coming.offset >= hidden[1] else 0
    last = min(beat - round(LEAD_S * rate) + length // 2, gone - leaving.offset)
    first = last - length
    if first < there - coming.offset:
        first = there - coming.offset
        last = max(min(first + length, beat), first + round(_SHORT_FADE_S * rate))
    return first, last


def _lasting(
    samples: Samples, start: int, end: int, hidden: tuple[int, int] | None, rate: int
) -> np.ndarray:
    """Return frames `[start, end)`; a little beyond the clip's end it is carried on."""
    piece = cut(samples, start, end, hidden)
    beyond = end - len(samples)
    if 0 < beyond <= round(_CARRIED_S * rate) and beyond < len(piece) and len(samples):
        before = samples[max(0, len(samples) - rate) :]
        piece[len(piece) - beyond :] = extrapolate(before, beyond, rate)
    return piece


def cut(
    samples: Samples, start: int, end: int, hidden: tuple[int, int] | None = None
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
