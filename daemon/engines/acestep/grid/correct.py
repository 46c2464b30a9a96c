"""Brings new music onto the beat: a constant shift first, a stretch only for drift.

Samples are float32 `(n, 2)` at 48 kHz, times in seconds of the clip. New music is measured against
the kept music's own phase. It is moved where 8 onsets and a confidence of 0.6 tell that it is more
than 15 ms off or drifts by more than 0.5 %, and never stretched by more than 3 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from daemon.audio.grid import Grid
from daemon.audio.stretch import stretched
from daemon.engines.acestep.grid.onsets import NONE, Onsets, onsets
from daemon.engines.acestep.grid.ruler import MOST_DRIFT, Error, compare
from daemon.engines.acestep.parts import RATE

LATE_S = 0.015
DRIFT = 0.005
REACH_S = 0.5
"""Most that music is moved by."""
CONTEXT_S = 16.0
"""Seconds of kept music on each side that are listened to."""

Fetch = Callable[[int, int], np.ndarray]
"""`fetch(low, high)`: the samples `[low, high)` of what was made, silence beyond it."""


@dataclass(frozen=True, eq=False)
class Beat:
    """What new music is held against: onsets of the kept music, and the grid, both of the clip."""

    kept: Onsets
    grid: Grid
    grid_told: bool


@dataclass(frozen=True)
class Moved:
    """What was found and done: the error before, and after where something was done."""

    before: Error | None
    after: Error | None = None

    def notes(self) -> tuple[str, ...]:
        """Say it to the musician."""
        if self.before is None:
            return ()
        said = _said(self.before)
        if self.after is None:
            return (f"Timing: {said}.",)
        return (f"Timing: {said}; it was moved and now is {_off(self.after)}.",)


def beat_of(clip: np.ndarray, kept: Sequence[tuple[int, int]], grid: Grid, grid_told: bool) -> Beat:
    """Return what to hold new music against; `kept` are stretches of samples of the clip."""
    found = [onsets(clip[a:b]).moved(a / RATE) for a, b in kept if b > a]
    times = np.concatenate([o.times for o in found] or [NONE.times])
    strengths = np.concatenate([o.strengths for o in found] or [NONE.strengths])
    order = np.argsort(times, kind="stable")
    return Beat(Onsets(times[order], strengths[order]), grid, grid_told)


def beside(span: tuple[int, int], samples: int) -> tuple[tuple[int, int], ...]:
    """Return the stretches of a clip of `samples` samples that lie beside a span."""
    reach = round(CONTEXT_S * RATE)
    before = max(0, span[0] - reach), min(max(0, span[0]), samples)
    after = max(0, min(span[1], samples)), min(samples, max(0, span[1]) + reach)
    return before, after


def measured(samples: np.ndarray, start: int, beat: Beat) -> Error | None:
    """Return how `samples`, which begin at sample `start` of the clip, lie; None: no telling."""
    middle = (start + len(samples) / 2) / RATE
    new = onsets(samples).moved(start / RATE)
    return compare(new, beat.kept, beat.grid, beat.grid_told, middle)


def on_the_beat(
    fetch: Fetch, span: tuple[int, int], handle: int, beat: Beat, correct: bool
) -> tuple[np.ndarray | None, Moved]:
    """Return the span with its handles as it should be, None to leave it, and what was found.

    It is left as it is with `correct` off, where it lies well enough, and where moving it does not
    make it better.
    """
    low, high = span
    before = measured(fetch(low, high), low, beat)
    if before is None or not correct or not off_enough(before):
        return None, Moved(before)
    new = moved(fetch, span, handle, before)
    after = measured(new[handle : handle + high - low], low, beat)
    if not better(before, after, span):
        return None, Moved(before)
    return new, Moved(before, after)


def moved(fetch: Fetch, span: tuple[int, int], handle: int, error: Error) -> np.ndarray:
    """Return the span with its handles, as far as is allowed moved by what it is off."""
    low, high = span
    late, drift = _within(error)
    reach = (high - low) / RATE / 2
    edges = [_sample(late + drift * x) for x in (-reach, reach)]
    first, last = low + edges[0], high + edges[1]
    if not drift:
        return fetch(low - handle + edges[0], high + handle + edges[0])
    ratio = (high - low) / (last - first)
    wider = round(handle / ratio)
    whole = stretched(fetch(first - wider, last + wider), RATE, ratio)
    return _of_length(whole, round(wider * ratio), handle, high - low)


def better(before: Error, after: Error | None, span: tuple[int, int]) -> bool:
    """Whether moving a span helped."""
    reach = (span[1] - span[0]) / RATE / 2
    return after is not None and (
        abs(after.late_s) < abs(before.late_s) + abs(before.drift) * reach
    )


def off_enough(error: Error) -> bool:
    """Whether an error is worth moving the music for."""
    return abs(error.late_s) > LATE_S or abs(error.drift) > DRIFT


def _within(error: Error) -> tuple[float, float]:
    """Return seconds and drift to take back, within what is allowed."""
    late = max(-REACH_S, min(REACH_S, error.late_s))
    drift = max(-MOST_DRIFT, min(MOST_DRIFT, error.drift))
    return late, drift if abs(drift) > DRIFT else 0.0


def _of_length(samples: np.ndarray, lead: int, handle: int, frames: int) -> np.ndarray:
    """Return `frames` frames after the first `lead` ones, with handles, silence where none is."""
    out = np.zeros((frames + 2 * handle, 2), np.float32)
    first = lead - handle
    inside = samples[max(0, first) : first + len(out)]
    at = max(0, -first)
    out[at : at + len(inside)] = inside
    return out


def _sample(seconds: float) -> int:
    return round(seconds * RATE)


def _said(error: Error) -> str:
    against = "the told grid" if error.to_grid else "the music beside it"
    return (
        f"the new music is {_off(error)} against {against} "
        f"({error.onsets} onsets, confidence {error.confidence:.2f})"
    )


def _off(error: Error) -> str:
    late = f"{abs(1000 * error.late_s):.0f} ms {'late' if error.late_s >= 0 else 'early'}"
    return f"{late} and drifts by {100 * error.drift:+.1f} %" if error.drift else late
